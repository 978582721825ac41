#include "sample_headers.h"

#include <algorithm>

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include "d2v/base/check.h"
#include "tsan.h"

namespace d2v {
namespace {

constexpr size_t kHeaderBytes = 1 << 16;  // enough for most
constexpr int64_t kDecodedSeconds = 600;

template <class F>
void for_rows(size_t count, int64_t threads, const F& look) {
  tbb::task_arena arena(static_cast<int>(threads));
  arena.execute([&] { tbb::parallel_for(size_t{0}, count, tsan::Task(look)); });
  tsan::received(&look);
}

ImageInfo read_picture_header(const ByteSource& source, int64_t max_pixels) {
  const OpenBytes file(source);
  std::vector<uint8_t> bytes(std::min<uint64_t>(file.size(), kHeaderBytes));
  bytes.resize(file.read_at(0, bytes));
  if (bytes.size() < file.size()) {
    try {
      return read_image_info(bytes, max_pixels);
    } catch (const DataError&) {
      // It may go on behind these bytes.
      read_bytes(source, bytes);
    }
  }
  return read_image_info(bytes, max_pixels);
}

}  // namespace

std::vector<SampleHeader> read_headers(const FolderSource& source, const Config& config, int64_t threads) {
  std::vector<SampleHeader> headers(source.size());
  for_rows(source.size(), threads, [&](size_t row) {
    try {
      std::vector<uint8_t> memory;
      const ByteSource bytes = source.bytes_of(row, memory);
      if (config.model.modality == Modality::image)
        headers[row].picture = read_picture_header(bytes, config.data.max_pixels);
      else
        headers[row].recording = read_audio_info(bytes);
    } catch (const DataError& error) {
      headers[row].reason = error.what();
    }
  });
  return headers;
}

std::vector<uint32_t> some_rows(const std::vector<SampleHeader>& headers, int64_t most) {
  std::vector<uint32_t> good;
  for (uint32_t row = 0; row < headers.size(); ++row)
    if (headers[row].reason.empty()) good.push_back(row);
  const size_t count = std::min(good.size(), static_cast<size_t>(most));
  std::vector<uint32_t> some(count);
  for (size_t i = 0; i < count; ++i) some[i] = good[i * good.size() / count];
  return some;
}

void try_to_decode(const FolderSource& source, const Config& config, const std::vector<uint32_t>& rows,
                   int64_t threads, std::vector<SampleHeader>& headers) {
  constexpr int64_t rate = 16000;
  const AudioReader reader(rate);
  for_rows(rows.size(), threads, [&](size_t i) {
    try {
      std::vector<uint8_t> bytes;
      if (config.model.modality == Modality::image) {
        source.read(rows[i], bytes);
        decode_image(bytes, config.data.max_pixels);
      } else {
        reader.read_all(source.bytes_of(rows[i], bytes), kDecodedSeconds * rate);
      }
    } catch (const DataError& error) {
      headers[rows[i]].reason = error.what();
    }
  });
}

}  // namespace d2v
