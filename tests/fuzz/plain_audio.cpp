// Any bytes as a plain WAV or FLAC file, read whole, and a span of it, which has the same samples.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "d2v/base/check.h"
#include "plain_flac.h"
#include "plain_wav.h"

namespace {

constexpr int64_t kMostSamples = 1 << 18;

void check_part(const std::vector<float>& whole, int64_t first, const std::vector<float>& part) {
  if (std::memcmp(whole.data() + first, part.data(), part.size() * sizeof(float)) != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const d2v::OpenBytes file(d2v::ByteSource({data, size}, "fuzz"));
  std::vector<uint8_t> bytes;
  std::vector<int32_t> planes;
  if (const auto wav = d2v::plain_wav(file)) {
    if (wav->info.samples * wav->frame_bytes > static_cast<int64_t>(size)) std::abort();
    std::vector<float> whole(static_cast<size_t>(wav->info.samples)), part(whole.size() - whole.size() / 3);
    d2v::read_plain_wav(*wav, file, 0, whole, bytes, nullptr, nullptr);
    const auto first = static_cast<int64_t>(whole.size() / 3);
    d2v::read_plain_wav(*wav, file, first, part, bytes, nullptr, nullptr);
    check_part(whole, first, part);
  }
  if (const auto flac = d2v::plain_flac(file)) {
    const int64_t count = std::min(flac->info.samples, kMostSamples), first = count / 2;
    std::vector<float> whole(static_cast<size_t>(count)), part(static_cast<size_t>(count - first));
    if (d2v::read_plain_flac(*flac, file, 0, whole, bytes, planes, nullptr, nullptr) &&
        d2v::read_plain_flac(*flac, file, first, part, bytes, planes, nullptr, nullptr))
      check_part(whole, first, part);
  }
  return 0;
}
