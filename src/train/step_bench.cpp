#include "d2v/train/step_bench.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <numeric>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "d2v/model/objective.h"
#include "d2v/nn/device.h"
#include "d2v/train/optimizer.h"
#include "d2v/train/precision.h"
#include "d2v/train/synthetic_batch.h"

namespace d2v {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double gemm_gflops(Precision precision, at::Device device) {
  const int64_t n = precision == Precision::bf16 ? 1024 : 2048;
  const auto dtype = precision == Precision::bf16 ? at::kBFloat16 : at::kFloat;
  const at::Tensor a = at::randn({n, n}).to(device, dtype), b = at::randn({n, n}).to(device, dtype);
  at::mm(a, b);
  wait_for_device(device);
  std::vector<double> seconds;
  for (int i = 0; i < 3; ++i) {
    const double start = now();
    at::mm(a, b);
    wait_for_device(device);
    seconds.push_back(now() - start);
  }
  return 2.0 * static_cast<double>(n * n * n) / median(seconds) / 1e9;
}

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

}  // namespace

int64_t slice_samples(const Config& config) {
  const bool by_seconds = config.model.modality == Modality::speech && config.speech.batch_seconds > 0;
  const auto samples = by_seconds
                           ? static_cast<int64_t>(config.speech.batch_seconds / config.speech.max_seconds)
                           : config.data.batch;
  const int64_t slices = config.run.accumulate;
  return std::max<int64_t>(1, (samples + slices - 1) / slices);
}

StepBench bench_step(const Config& recipe, int64_t warmup, int64_t steps) {
  Config config = recipe;
  config.data.batch = slice_samples(recipe);
  StepBench bench;
  bench.slices = recipe.run.accumulate;
  bench.precision = resolve_precision(config.run.precision, !resolve_device(config.run.device).is_cpu());
  bench.threads = at::get_num_threads();
  bench.batch = config.data.batch;
  bench.clones = config.mask.clones;
  const DeviceBatch batch = synthetic_batch(config);
  const int64_t positions = batch.visible.size(2) + batch.masked.size(2);
  // data2vec 1 encodes mask tokens too.
  const bool all = config.model.objective == ObjectiveKind::data2vec1;
  bench.tokens =
      bench.batch * bench.clones * ((all ? positions : batch.visible.size(2)) + config.model.extra_tokens);

  const std::unique_ptr<Objective> objective = make_objective(config, bench.precision);
  const at::Device device = objective->weights().device();
  const auto now = [device] {
    wait_for_device(device);
    return d2v::now();
  };
  AdamState adam(objective->layout(), device);
  bench.gemm_gflops_before = gemm_gflops(bench.precision, device);
  for (int64_t i = 0; i < warmup + steps; ++i) {
    const double start = now();
    objective->zero_gradients();
    const StepKey key{1, i, 0, bench.batch, batch.masked.numel()};
    const StepOutput output = objective->forward(batch, key, nullptr);
    const double forward = now();
    objective->backward(output.loss, 1.0);
    const double backward = now();
    optimizer_step(objective->layout(), config.optim,
                   {1e-4, 0.999, 1.0 / static_cast<double>(output.sample_size)},
                   {objective->weights(), objective->gradients(), objective->teacher()}, adam);
    objective->weights_changed();
    const double end = now();
    if (i < warmup) continue;
    bench.seconds.push_back(end - start);
    bench.forward_seconds.push_back(forward - start);
    bench.backward_seconds.push_back(backward - forward);
    bench.update_seconds.push_back(end - backward);
  }
  bench.gemm_gflops_after = gemm_gflops(bench.precision, device);
  bench.peak_gib = peak_resident_gib();
  return bench;
}

std::string step_table(const StepBench& bench) {
  const auto [least, most] = std::minmax_element(bench.seconds.begin(), bench.seconds.end());
  const double step = median(bench.seconds);
  const auto share = [&](const std::vector<double>& seconds) {
    return fmt::format("{:7.3f} s  {:3.0f} %", median(seconds), 100 * median(seconds) / step);
  };
  std::string out =
      fmt::format("{}, {} threads, {} samples × {} masks a step; medians of {} steps\n",
                  name_of(bench.precision), bench.threads, bench.batch, bench.clones, bench.seconds.size());
  if (bench.slices > 1) out += fmt::format("a step is one of the {} slices of an update\n", bench.slices);
  out += "\n";
  out += fmt::format("  step             {:7.3f} s  ({:.3f} to {:.3f})\n", step, *least, *most);
  out += fmt::format("    forward        {}\n", share(bench.forward_seconds));
  out += fmt::format("    backward       {}\n", share(bench.backward_seconds));
  out += fmt::format("    AdamW + EMA    {}\n", share(bench.update_seconds));
  out += fmt::format("  samples/s        {:7.2f}\n", static_cast<double>(bench.batch) / step);
  out += fmt::format("  masked views/s   {:7.1f}\n", static_cast<double>(bench.batch * bench.clones) / step);
  out += fmt::format("  student tokens/s {:7.0f}\n", static_cast<double>(bench.tokens) / step);
  out += fmt::format("  peak memory      {:7.2f} GiB\n", bench.peak_gib);
  out += fmt::format(
      "  matrix products  {:7.0f} GFLOP/s before, {:.0f} after (2 n³ of a square product in {})\n",
      bench.gemm_gflops_before, bench.gemm_gflops_after, name_of(bench.precision));
  return out;
}

std::string step_json(const StepBench& bench) {
  const double step = median(bench.seconds);
  const nlohmann::json json{{"precision", name_of(bench.precision)},
                            {"threads", bench.threads},
                            {"batch", bench.batch},
                            {"slices_per_update", bench.slices},
                            {"clones", bench.clones},
                            {"step_seconds", bench.seconds},
                            {"median_step_seconds", step},
                            {"samples_per_second", static_cast<double>(bench.batch) / step},
                            {"peak_gib", bench.peak_gib},
                            {"gemm_gflops", {bench.gemm_gflops_before, bench.gemm_gflops_after}}};
  return json.dump(2) + "\n";
}

}  // namespace d2v
