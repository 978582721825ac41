#include "d2v/train/step_bench.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <utility>

#include <ATen/Parallel.h>

#include "d2v/model/arena_objective.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/device.h"
#include "d2v/nn/simd.h"
#include "d2v/train/optimizer.h"
#include "d2v/train/precision.h"
#include "d2v/train/synthetic_batch.h"

namespace d2v {
namespace {

double peak_resident_gib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word != "VmHWM:") continue;
    double kib = 0;
    status >> kib;
    return kib / (1024.0 * 1024.0);
  }
  return 0;
}

// The slices of the steps, one after the other: always the same made-up one, or those of the stream.
class Slices {
 public:
  Slices(const Config& config, const SliceStream& stream) : stream_(stream) {
    if (!stream_.next) made_up_ = synthetic_batch(config);
  }
  const DeviceBatch& next() {
    if (!stream_.next) return made_up_;
    slice_ = stream_.next();
    made_up_ = to_tensors(*slice_);
    return made_up_;
  }
  void give_back() {
    if (!slice_) return;
    made_up_ = {};
    if (stream_.give_back) stream_.give_back(std::move(slice_));
    slice_.reset();
  }

 private:
  SliceStream stream_;
  BatchPtr slice_;
  DeviceBatch made_up_;
};

int64_t student_tokens(const ModelConfig& model, const DeviceBatch& batch) {
  const int64_t visible = batch.visible.size(2), positions = visible + batch.masked.size(2);
  // data2vec 1 encodes mask tokens too.
  const int64_t each = model.objective == ObjectiveKind::data2vec1 ? positions : visible;
  return batch.visible.size(0) * batch.visible.size(1) * (each + model.extra_tokens);
}

// One step of training; returns the student's tokens.
int64_t run_step(const Config& config, int64_t number, Objective& objective, AdamState& adam, Slices& slices,
                 PartClock& clock) {
  objective.zero_gradients();
  clock.enter(StepPart::wait);
  const DeviceBatch& batch = slices.next();
  clock.enter(StepPart::other);
  const StepKey key{1, number, 0, batch.visible.size(0), batch.masked.numel()};
  int64_t sample_size = 0;
  {
    const StepOutput output = objective.forward(batch, key, nullptr);
    objective.backward(output.loss, 1.0);
    sample_size = output.sample_size;
  }
  clock.enter(StepPart::optimizer);
  optimizer_step(objective.layout(), config.optim, {1e-4, 0.999, 1.0 / static_cast<double>(sample_size)},
                 {objective.weights(), objective.gradients(), objective.teacher()}, adam);
  objective.weights_changed();
  clock.enter(StepPart::other);
  const int64_t tokens = student_tokens(config.model, batch);
  slices.give_back();
  return tokens;
}

// The largest side up to `most` whose product does not take much longer than a tenth of a second: where the processor has no
// bf16, its products are a hundred times slower.
int64_t product_side(Precision precision, int64_t most, at::Device device) {
  constexpr double enough_seconds = 0.1 / 8;
  int64_t side = std::min<int64_t>(128, most);
  const auto seconds = [&] {
    return 2e-9 * static_cast<double>(side * side * side) / gemm_gflops(precision, side, device);
  };
  while (2 * side <= most && seconds() < enough_seconds) side *= 2;
  return side;
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double gemm_gflops(Precision precision, int64_t n, at::Device device) {
  const auto dtype = precision == Precision::bf16 ? at::kBFloat16 : at::kFloat;
  const auto options = at::TensorOptions(dtype).device(device);
  const at::Tensor a = at::ones({n, n}, options), b = at::ones({n, n}, options);
  at::Tensor c = at::empty({n, n}, options);
  std::vector<double> seconds;
  for (int i = 0; i < 3; ++i) {
    const double start = seconds_now();
    at::mm_out(c, a, b);
    wait_for_device(device);
    seconds.push_back(seconds_now() - start);
  }
  return 2.0 * static_cast<double>(n * n * n) / median(seconds) / 1e9;
}

std::vector<double> StepBench::seconds() const {
  std::vector<double> out;
  for (const PartTimes& times : parts) out.push_back(times.total());
  return out;
}

int64_t slice_samples(const Config& config) {
  const bool by_seconds = config.model.modality == Modality::speech && config.speech.batch_seconds > 0;
  const auto samples = by_seconds
                           ? static_cast<int64_t>(config.speech.batch_seconds / config.speech.max_seconds)
                           : config.data.batch;
  const int64_t slices = config.run.accumulate;
  return std::max<int64_t>(1, (samples + slices - 1) / slices);
}

StepBench bench_step(const Config& recipe, const StepBenchSettings& settings) {
  Config config = recipe;
  config.data.batch = slice_samples(recipe);
  StepBench bench;
  bench.precision = resolve_precision(config.run.precision, !resolve_device(config.run.device).is_cpu());
  bench.simd = simd_in_use();
  bench.threads = at::get_num_threads();
  bench.batch = config.data.batch;
  bench.slices = recipe.run.accumulate;
  bench.clones = config.mask.clones;
  bench.loader = static_cast<bool>(settings.stream.next);

  Slices slices(config, settings.stream);
  const std::unique_ptr<Objective> objective = make_objective(config, bench.precision);
  const at::Device device = objective->weights().device();
  PartClock clock([device] {
    wait_for_device(device);
    return seconds_now();
  });
  if (auto* measured = dynamic_cast<ArenaObjective*>(objective.get())) measured->measure(&clock);
  AdamState adam(objective->layout(), device);
  int64_t number = 0, tokens = 0;
  const auto step = [&] { return run_step(config, number++, *objective, adam, slices, clock); };
  const int64_t side = product_side(bench.precision, settings.product, device);
  const auto product = [&] { return gemm_gflops(bench.precision, side, device); };
  for (int64_t i = 0; i < settings.warmup; ++i) step();
  bench.gemm.push_back(product());
  for (int64_t i = 0; i < settings.steps; ++i) {
    clock.start();
    tokens += step();
    bench.parts.push_back(clock.stop());
    bench.peak_gib = peak_resident_gib();
    bench.gemm.push_back(product());
  }
  bench.tokens = tokens / std::max<int64_t>(1, settings.steps);
  clock.start();
  bench.observed = observe_step(clock, step);
  bench.gemm_fp32 =
      gemm_gflops(Precision::fp32, product_side(Precision::fp32, settings.product, device), device);
  bench.gemm_bf16 =
      gemm_gflops(Precision::bf16, product_side(Precision::bf16, settings.product, device), device);
  return bench;
}

}  // namespace d2v
