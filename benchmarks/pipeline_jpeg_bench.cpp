// JPEG decoding on one core, on a folder of the user's: D2V_BENCH_IMAGES=DIR. The whole picture, the rows and columns of a random
// crop only, and those at a part of their size (data.jpeg_scaling); crop to a square of D2V_BENCH_SIZE pixels (224) with
// resize and normalisation in the last three. items_per_second: pictures.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "d2v/pipeline/resize.h"
#include "d2v/pipeline/transforms.h"

namespace {

constexpr int64_t kMostPixels = 178956970;
constexpr size_t kMostFiles = 64;

const std::vector<std::vector<uint8_t>>& jpegs() {
  static const std::vector<std::vector<uint8_t>> files = [] {
    std::vector<std::vector<uint8_t>> result;
    const char* folder = std::getenv("D2V_BENCH_IMAGES");
    if (folder == nullptr) return result;
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
      if (entry.path().extension() == ".jpg" || entry.path().extension() == ".jpeg")
        paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const std::filesystem::path& path : paths) {
      if (result.size() == kMostFiles) break;
      d2v::read_file(path, result.emplace_back());
    }
    return result;
  }();
  return files;
}

d2v::ImageConfig jpeg_bench_config() {
  d2v::ImageConfig config;
  if (const char* size = std::getenv("D2V_BENCH_SIZE")) config.size = std::stoll(size);
  return config;
}

// `work(file, key)` for the files in turn.
template <class Work>
void each_jpeg(benchmark::State& state, const Work& work) {
  const auto& files = jpegs();
  if (files.empty()) {
    state.SkipWithError("set D2V_BENCH_IMAGES to a folder of JPEGs");
    return;
  }
  uint64_t i = 0;
  for (auto _ : state) {
    work(files[i % files.size()], d2v::RngKey{.seed = 1, .sample = i});
    ++i;
  }
  state.SetItemsProcessed(state.iterations());
}

void decode_whole(benchmark::State& state) {
  each_jpeg(state, [](const auto& file, const d2v::RngKey&) {
    benchmark::DoNotOptimize(d2v::decode_image(file, kMostPixels));
  });
}

void decode_crop(benchmark::State& state) {
  each_jpeg(state, [config = jpeg_bench_config()](const auto& file, const d2v::RngKey& key) {
    const d2v::ImageInfo info = d2v::read_image_info(file, kMostPixels);
    benchmark::DoNotOptimize(
        d2v::decode_box(file, info, d2v::draw_crop(config, info.width, info.height, key).box));
  });
}

void decode_crop_scaled(benchmark::State& state) {
  each_jpeg(state, [config = jpeg_bench_config()](const auto& file, const d2v::RngKey& key) {
    const d2v::ImageInfo info = d2v::read_image_info(file, kMostPixels);
    benchmark::DoNotOptimize(d2v::decode_box_scaled(
        file, info, d2v::draw_crop(config, info.width, info.height, key).box, config.size));
  });
}

template <class Picture>
void to_floats(benchmark::State& state, const Picture& picture) {
  const d2v::ImageConfig config = jpeg_bench_config();
  const d2v::Normalizer normalizer(config);
  std::vector<float> out(static_cast<size_t>(3 * config.size * config.size));
  each_jpeg(state, [&](const auto& file, const d2v::RngKey& key) {
    normalizer(picture(config, file, key), out);
    benchmark::ClobberMemory();
  });
}

void whole_to_floats(benchmark::State& state) {
  to_floats(state, [](const d2v::ImageConfig& config, const auto& file, const d2v::RngKey& key) {
    const d2v::Image whole = d2v::decode_image(file, kMostPixels);
    const d2v::Box box = d2v::draw_crop(config, whole.width, whole.height, key).box;
    d2v::Image crop;
    crop.resize(box.height, box.width);
    for (int64_t y = 0; y < box.height; ++y)
      std::copy_n(whole.row(box.y + y) + 3 * box.x, 3 * box.width, crop.row(y));
    return d2v::resize_bicubic(crop, config.size, config.size);
  });
}

void crop_to_floats(benchmark::State& state) {
  to_floats(state, [](const d2v::ImageConfig& config, const auto& file, const d2v::RngKey& key) {
    return d2v::training_picture(file, config, kMostPixels, key);
  });
}

void scaled_to_floats(benchmark::State& state) {
  to_floats(state, [](const d2v::ImageConfig& config, const auto& file, const d2v::RngKey& key) {
    return d2v::training_picture(file, config, kMostPixels, key, nullptr, true);
  });
}

BENCHMARK(decode_whole);
BENCHMARK(decode_crop);
BENCHMARK(decode_crop_scaled);
BENCHMARK(whole_to_floats);
BENCHMARK(crop_to_floats);
BENCHMARK(scaled_to_floats);

}  // namespace
