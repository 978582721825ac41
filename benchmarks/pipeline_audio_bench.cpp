// Seconds of audio per second of one core, any file to 16 kHz mono float, on a folder of the user's:
// D2V_BENCH_AUDIO=DIR. items_per_second is that ratio.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "d2v/pipeline/audio_reader.h"

namespace {

void audio(benchmark::State& state) {
  const char* folder = std::getenv("D2V_BENCH_AUDIO");
  if (folder == nullptr) {
    state.SkipWithError("set D2V_BENCH_AUDIO to a folder of recordings");
    return;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string ending = entry.path().extension().string();
    if (ending == ".wav" || ending == ".flac" || ending == ".mp3" || ending == ".ogg")
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  const d2v::AudioReader reader(16000);
  int64_t samples = 0;
  for (auto _ : state) {
    for (const std::filesystem::path& file : files)
      samples += static_cast<int64_t>(reader.read_all(file, int64_t{1} << 40).size());
  }
  state.SetItemsProcessed(samples / 16000);
}

BENCHMARK(audio)->UseRealTime()->MinTime(3);

}  // namespace
