// Bytes per second of GPT-2's BPE on one core: D2V_BENCH_BPE=folder of encoder.json and vocab.bpe, D2V_BENCH_TEXT=file.
#include <cstdlib>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "d2v/base/file.h"
#include "d2v/pipeline/bpe.h"

namespace {

void bpe(benchmark::State& state) {
  const char *vocabulary = std::getenv("D2V_BENCH_BPE"), *file = std::getenv("D2V_BENCH_TEXT");
  if (vocabulary == nullptr || file == nullptr) {
    state.SkipWithError("set D2V_BENCH_BPE and D2V_BENCH_TEXT");
    return;
  }
  const std::string text = d2v::read_file(file, uint64_t{1} << 30);
  const auto tokenizer = d2v::open_gpt2(vocabulary);
  std::vector<uint32_t> ids;
  for (auto _ : state) {
    ids.clear();
    tokenizer->copy()->encode(text, ids);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}

BENCHMARK(bpe)->UseRealTime()->MinTime(2);

}  // namespace
