#include "d2v/pipeline/near_duplicates.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include "d2v/base/check.h"
#include "d2v/pipeline/image_reader.h"
#include "d2v/pipeline/resize.h"
#include "thumbnail_cache.h"
#include "tsan.h"

namespace d2v {
namespace {

// A thumbnail with what comparing needs.
struct Candidate {
  const CachedThumbnail* thumbnail = nullptr;
  uint32_t row = 0;
  int64_t sum = 0;       // of all bytes
  int64_t contrast = 0;  // sum of absolute differences from the mean of each channel
};

Candidate candidate_of(const CachedThumbnail& thumbnail, uint32_t row) {
  Candidate candidate{&thumbnail, row};
  for (int c = 0; c < 3; ++c) {
    int64_t sum = 0;
    for (int64_t i = c; i < kThumbnailBytes; i += 3) sum += thumbnail.pixels[i];
    const int64_t mean = sum / (kThumbnailSide * kThumbnailSide);
    for (int64_t i = c; i < kThumbnailBytes; i += 3)
      candidate.contrast += std::abs(thumbnail.pixels[i] - mean);
    candidate.sum += sum;
  }
  return candidate;
}

// What tells whether a cached thumbnail still holds.
CachedThumbnail stamp_of(const ImageSource& source, uint32_t row) {
  const ByteStamp bytes = source.stamp(row);
  CachedThumbnail stamp;
  stamp.id = source.samples[row].id;
  stamp.bytes = bytes.bytes;
  stamp.changed = bytes.changed;
  return stamp;
}

void draw_thumbnail(const ImageSource& source, uint32_t row, int64_t max_pixels, CachedThumbnail& thumbnail) {
  try {
    std::vector<uint8_t> bytes;
    source.read(row, bytes);
    const Image small = resize_bicubic(decode_image(bytes, max_pixels), kThumbnailSide, kThumbnailSide);
    std::copy(small.pixels.begin(), small.pixels.end(), thumbnail.pixels.begin());
    thumbnail.readable = 1;
  } catch (const DataError&) {
    // The loader names it when it is its turn.
  }
}

std::vector<CachedThumbnail> all_thumbnails(const ImageSource& source, const NearDuplicateOptions& options) {
  const auto count = static_cast<uint32_t>(source.size());
  const auto cache = options.cache.empty() ? std::unordered_map<uint64_t, CachedThumbnail>{}
                                           : read_thumbnail_cache(options.cache);
  std::vector<CachedThumbnail> thumbnails(count);
  oneapi::tbb::task_arena arena(options.threads > 0 ? static_cast<int>(options.threads)
                                                    : oneapi::tbb::task_arena::automatic);
  std::vector<char> drawn(count, 0);
  const auto make = [&](uint32_t row) {
    CachedThumbnail& thumbnail = thumbnails[row] = stamp_of(source, row);
    const auto known = cache.find(thumbnail.id);
    if (known != cache.end() && known->second.bytes == thumbnail.bytes &&
        known->second.changed == thumbnail.changed) {
      thumbnail = known->second;
    } else {
      draw_thumbnail(source, row, options.max_pixels, thumbnail);
      drawn[row] = 1;
    }
  };
  arena.execute([&] { oneapi::tbb::parallel_for(uint32_t{0}, count, tsan::Task(make)); });
  tsan::received(&make);
  const bool changed = std::count(drawn.begin(), drawn.end(), 1) > 0;
  if (!options.cache.empty() && changed) write_thumbnail_cache(options.cache, thumbnails);
  return thumbnails;
}

int64_t difference(const CachedThumbnail& a, const CachedThumbnail& b) {
  int32_t sum = 0;
  for (int64_t i = 0; i < kThumbnailBytes; ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum;
}

uint32_t root_of(std::vector<uint32_t>& parent, uint32_t i) {
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

}  // namespace

void group_near_duplicates(ImageSource& source, const NearDuplicateOptions& options) {
  const auto count = static_cast<uint32_t>(source.size());
  const std::vector<CachedThumbnail> thumbnails = all_thumbnails(source, options);
  std::vector<Candidate> candidates;
  for (uint32_t row = 0; row < count; ++row) {
    if (thumbnails[row].readable != 0) candidates.push_back(candidate_of(thumbnails[row], row));
  }

  // Sums cannot differ by more than the pixels do, so only neighbours in the order of sums are compared.
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.sum < b.sum; });
  const auto limit = static_cast<int64_t>(options.tolerance * static_cast<double>(kThumbnailBytes));
  std::vector<uint32_t> parent(count);
  std::iota(parent.begin(), parent.end(), 0u);
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& a = candidates[i];
    for (size_t j = i + 1; j < candidates.size() && candidates[j].sum - a.sum <= limit; ++j) {
      const Candidate& b = candidates[j];
      const int64_t apart = difference(*a.thumbnail, *b.thumbnail);
      const auto contrast = static_cast<double>(std::min(a.contrast, b.contrast));
      if (apart > limit || static_cast<double>(apart) > options.contrast_share * contrast) continue;
      parent[root_of(parent, a.row)] = root_of(parent, b.row);
    }
  }
  std::vector<uint64_t> name(count, UINT64_MAX);
  for (uint32_t row = 0; row < count; ++row) {
    uint64_t& smallest = name[root_of(parent, row)];
    smallest = std::min(smallest, source.samples[row].id);
  }
  for (uint32_t row = 0; row < count; ++row) source.samples[row].group = name[root_of(parent, row)];
}

}  // namespace d2v
