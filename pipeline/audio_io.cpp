#include "audio_io.h"

#include <algorithm>
#include <cstdio>

#include "d2v/base/check.h"

extern "C" {
#include <libavutil/mem.h>
}

namespace d2v {
namespace {

constexpr int kBuffer = 1 << 15;

// Exceptions must not pass through FFmpeg's C.
int read_packet(void* opaque, uint8_t* out, int size) {
  auto& cursor = *static_cast<AudioCursor*>(opaque);
  if (size <= 0) return AVERROR(EINVAL);
  try {
    const StageTimer timer(cursor.times, Stage::read);
    const size_t got =
        cursor.bytes->read_at(static_cast<uint64_t>(cursor.at), {out, static_cast<size_t>(size)});
    if (got == 0) return AVERROR_EOF;
    cursor.at += static_cast<int64_t>(got);
    if (cursor.times != nullptr) cursor.times->bytes += static_cast<int64_t>(got);
    return static_cast<int>(got);
  } catch (const Error&) {
    return AVERROR(EIO);
  }
}

int64_t seek(void* opaque, int64_t offset, int whence) {
  auto& cursor = *static_cast<AudioCursor*>(opaque);
  const auto size = static_cast<int64_t>(cursor.bytes->size());
  if ((whence & AVSEEK_SIZE) != 0) return size;
  int64_t base = 0;
  switch (whence & ~AVSEEK_FORCE) {
    case SEEK_SET:
      break;
    case SEEK_CUR:
      base = cursor.at;
      break;
    case SEEK_END:
      base = size;
      break;
    default:
      return AVERROR(EINVAL);
  }
  int64_t to = 0;
  if (__builtin_add_overflow(base, offset, &to) || to < 0) return AVERROR(EINVAL);
  return cursor.at = to;
}

}  // namespace

void FreeAvio::operator()(AVIOContext* context) const {
  av_freep(&context->buffer);
  avio_context_free(&context);
}

AvioPtr open_avio(AudioCursor& cursor) {
  cursor.at = 0;
  auto* buffer = static_cast<unsigned char*>(av_malloc(kBuffer));
  check(buffer != nullptr, "no memory for reading {}", cursor.bytes->name());
  AVIOContext* context = avio_alloc_context(buffer, kBuffer, 0, &cursor, read_packet, nullptr, seek);
  if (context == nullptr) {
    av_free(buffer);
    fail("no memory for reading {}", cursor.bytes->name());
  }
  return AvioPtr(context);
}

}  // namespace d2v
