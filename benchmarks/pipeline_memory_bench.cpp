// Resident memory over a long run of the loader: 20,000 batches of made-up pictures, in MB after 1,000 batches (start), in
// the middle, at the end and at most. Flat: a leak of 100 bytes per batch would show as 2 MB.
// D2V_BENCH_BATCHES: another number of batches.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <unistd.h>

#include <benchmark/benchmark.h>

#include "d2v/pipeline/loader.h"
#include "d2v/pipeline/open_samples.h"

namespace {

double resident_megabytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

void resident_memory(benchmark::State& state) {
  constexpr int64_t kWarmUp = 1000;
  const char* given = std::getenv("D2V_BENCH_BATCHES");
  const int64_t batches = given != nullptr ? std::max<int64_t>(std::stoll(given), 2 * kWarmUp) : 20'000;
  d2v::LoaderSettings settings;
  settings.image = {.size = 32, .patch = 4};
  settings.mask = {.kind = d2v::MaskKind::inverse_block, .prob = 0.8, .block = 3, .clones = 8};
  settings.data.batch = 4;
  settings.threads = 2;
  settings.last_update = batches;
  const d2v::FolderSource source = d2v::open_pictures("synthetic:samples=5000/side=36", settings.data);
  for (auto _ : state) {
    d2v::Loader loader(source, settings);
    double most = 0;
    for (int64_t taken = 1; d2v::BatchPtr batch = loader.next(); ++taken) {
      loader.recycle(std::move(batch));
      if (taken % kWarmUp != 0 && taken != batches) continue;
      const double now = resident_megabytes();
      most = std::max(most, now);
      if (taken == kWarmUp) state.counters["start_MB"] = now;
      if (taken == batches / 2 / kWarmUp * kWarmUp) state.counters["middle_MB"] = now;
      if (taken == batches) state.counters["end_MB"] = now;
    }
    state.counters["most_MB"] = most;
  }
  state.counters["batches"] = static_cast<double>(batches);
}

BENCHMARK(resident_memory)->Iterations(1)->UseRealTime()->Unit(benchmark::kSecond);

}  // namespace
