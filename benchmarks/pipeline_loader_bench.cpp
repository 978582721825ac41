// Pictures per second of the whole pipeline, file to batch, on a folder of the user's: D2V_BENCH_IMAGES=DIR.
// D2V_BENCH_SIZE, D2V_BENCH_PATCH: side of the crop and of a patch (224, 16).
#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>

#include "d2v/pipeline/loader.h"

namespace {

int64_t setting(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::stoll(text) : otherwise;
}

void images(benchmark::State& state) {
  const char* folder = std::getenv("D2V_BENCH_IMAGES");
  if (folder == nullptr) {
    state.SkipWithError("set D2V_BENCH_IMAGES to a folder of pictures");
    return;
  }
  d2v::LoaderSettings settings;
  settings.image.size = setting("D2V_BENCH_SIZE", 224);
  settings.image.patch = setting("D2V_BENCH_PATCH", 16);
  settings.data.batch = 32;
  settings.threads = state.range(0);
  const d2v::ImageSource source = d2v::scan_images(folder, settings.data);
  settings.last_update = int64_t{1} << 40;
  d2v::Loader loader(source, settings);
  int64_t samples = 0;
  for (auto _ : state) {
    d2v::BatchPtr batch = loader.next();
    samples += batch->samples;
    loader.recycle(std::move(batch));
  }
  state.SetItemsProcessed(samples);
}

BENCHMARK(images)->Arg(1)->Arg(2)->UseRealTime()->MinTime(3)->MinWarmUpTime(1);

}  // namespace
