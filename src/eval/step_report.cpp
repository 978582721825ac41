#include "d2v/eval/step_report.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "d2v/base/check.h"
#include "d2v/eval/costs.h"

namespace d2v {

namespace {

constexpr double mib = 1024.0 * 1024.0;

double real_of(int64_t n) { return static_cast<double>(n); }

// The median over the steps of what `f` says of each.
template <class F>
double median_of(const StepBench& bench, F&& f) {
  std::vector<double> values;
  for (const PartTimes& times : bench.parts) values.push_back(f(times));
  return median(std::move(values));
}

double median_step(const StepBench& bench) { return median(bench.seconds()); }

// Seconds of waiting over all of the steps' seconds.
double wait_share(const StepBench& bench) {
  double wait = 0, all = 0;
  for (const PartTimes& times : bench.parts) {
    wait += times.of(StepPart::wait);
    all += times.total();
  }
  return all > 0 ? wait / all : 0;
}

std::string part_rows(const StepBench& bench) {
  const double step = median_step(bench);
  std::string out = fmt::format("  {:<22} {:>9} {:>9} {:>7}\n", "part", "forward", "backward", "share");
  for (size_t i = 0; i < kStepPartNames.size(); ++i) {
    const auto part = static_cast<StepPart>(i);
    const double forward =
        median_of(bench, [&](const PartTimes& t) { return t.at(part, StepPass::forward); });
    const double backward =
        median_of(bench, [&](const PartTimes& t) { return t.at(part, StepPass::backward); });
    if (forward + backward == 0 || (part == StepPart::wait && !bench.loader)) continue;
    out += fmt::format("  {:<22} {:>7.4f} s {:>9} {:>5.1f} %\n", kStepPartNames[i], forward,
                       backward > 0 ? fmt::format("{:.4f} s", backward) : "-",
                       100 * (forward + backward) / step);
  }
  return out;
}

// Of the observed step: the student's passes and the whole, by kind of operation.
std::string kind_rows(const ObservedStep& seen) {
  double forward = 0, backward = 0, all = 0;
  for (const ObservedStep::Entry& entry : seen.times) {
    all += entry.seconds;
    if (entry.part != StepPart::student) continue;
    (entry.pass == StepPass::forward ? forward : backward) += entry.seconds;
  }
  const auto share = [](double seconds, double of) { return of > 0 ? 100 * seconds / of : 0; };
  std::string out =
      fmt::format("  {:<22} {:>10} {:>10} {:>10}\n", "kind, one more step", "student →", "student ←", "all");
  for (size_t i = 0; i < kOpKindNames.size(); ++i) {
    const auto kind = static_cast<OpKind>(i);
    if (seen.seconds(kind) == 0) continue;
    out += fmt::format("  {:<22} {:>8.1f} % {:>8.1f} % {:>8.1f} %\n", kOpKindNames[i],
                       share(seen.seconds(StepPart::student, StepPass::forward, kind), forward),
                       share(seen.seconds(StepPart::student, StepPass::backward, kind), backward),
                       share(seen.seconds(kind), all));
  }
  return out;
}

nlohmann::ordered_json details_of(const StepBench& bench) {
  nlohmann::ordered_json parts, kinds = nlohmann::ordered_json::array();
  for (size_t i = 0; i < kStepPartNames.size(); ++i) {
    const auto part = static_cast<StepPart>(i);
    const auto of = [&](StepPass pass) {
      return median_of(bench, [&](const PartTimes& t) { return t.at(part, pass); });
    };
    parts[std::string(kStepPartNames[i])] = {{"forward_seconds", of(StepPass::forward)},
                                             {"backward_seconds", of(StepPass::backward)}};
  }
  for (const ObservedStep::Entry& entry : bench.observed.times)
    kinds.push_back({{"part", kStepPartNames[static_cast<size_t>(entry.part)]},
                     {"pass", entry.pass == StepPass::forward ? "forward" : "backward"},
                     {"kind", kOpKindNames[static_cast<size_t>(entry.kind)]},
                     {"seconds", entry.seconds}});
  return {{"precision", name_of(bench.precision)},
          {"simd", bench.simd},
          {"threads", bench.threads},
          {"batch", bench.batch},
          {"slices_per_update", bench.slices},
          {"clones", bench.clones},
          {"student_tokens", bench.tokens},
          {"step_seconds", bench.seconds()},
          {"median_step_seconds", median_step(bench)},
          {"gemm_gflops", bench.gemm},
          {"parts", parts},
          {"observed_step", kinds}};
}

}  // namespace

StepArithmetic step_arithmetic(const Config& config, int64_t samples) {
  StepArithmetic out;
  for (const PartCost& cost : sample_costs(config)) {
    out.nominal += nominal_flops(cost);
    out.executed += executed_flops(cost);
    out.skipped += nominal_flops(cost) - training_flops(cost);
    out.recomputed += cost.recomputed;
  }
  for (double* value : {&out.nominal, &out.executed, &out.skipped, &out.recomputed})
    *value *= real_of(samples);
  return out;
}

double gemm_share(double operations, const std::vector<double>& seconds, const std::vector<double>& gemm) {
  check(gemm.size() == seconds.size() + 1, "gemm_share expects one more product than steps, found {} and {}",
        gemm.size(), seconds.size());
  std::vector<double> shares;
  for (size_t i = 0; i < seconds.size(); ++i)
    shares.push_back(operations / 1e9 / seconds[i] / ((gemm[i] + gemm[i + 1]) / 2));
  return median(std::move(shares));
}

bool knows_arithmetic(const Config& config, const StepBench& bench) {
  return !bench.loader || config.model.modality != Modality::speech;
}

BenchReport step_report(const Config& config, const StepBench& bench) {
  const double step = median_step(bench), batch = real_of(bench.batch);
  BenchReport out{.bench = "step", .settings = bench_settings(config), .figures = {}};
  out.settings["precision"] = name_of(bench.precision);
  out.settings["threads"] = fmt::format("{}", bench.threads);
  out.settings["slices"] = fmt::format("{}", bench.slices);
  out.settings["loader"] = bench.loader ? "yes" : "no";
  const auto add = [&](std::string name, double value, std::string unit = "") {
    out.figures.push_back({std::move(name), value, std::move(unit)});
  };
  add("step", step, "s");
  add("samples/s", batch / step);
  add("masked views/s", batch * real_of(bench.clones) / step);
  add("student tokens/s", real_of(bench.tokens) / step);
  if (knows_arithmetic(config, bench)) {
    const StepArithmetic work = step_arithmetic(config, bench.batch);
    add("nominal work", work.nominal / step / 1e9, "GFLOP/s");
    add("executed work", work.executed / step / 1e9, "GFLOP/s");
    add("skipped", work.skipped / 1e9, "GFLOP a step");
    add("recomputed", work.recomputed / 1e9, "GFLOP a step");
    add("nominal work over matrix products", 100 * gemm_share(work.nominal, bench.seconds(), bench.gemm),
        "%");
    add("executed work over matrix products", 100 * gemm_share(work.executed, bench.seconds(), bench.gemm),
        "%");
  }
  add("matrix products in fp32", bench.gemm_fp32, "GFLOP/s");
  add("matrix products in bf16", bench.gemm_bf16, "GFLOP/s");
  add("peak memory", bench.peak_gib, "GiB");
  add("allocations", real_of(bench.observed.allocations.count), "a step");
  add("allocated", real_of(bench.observed.allocations.bytes) / mib, "MiB a step");
  add("most allocated at one time", real_of(bench.observed.allocations.most_live_bytes) / mib, "MiB");
  add("waiting for data", 100 * wait_share(bench), "%");
  for (size_t i = 0; i < kStepPartNames.size(); ++i) {
    const auto part = static_cast<StepPart>(i);
    for (const StepPass pass : {StepPass::forward, StepPass::backward}) {
      const double seconds = median_of(bench, [&](const PartTimes& t) { return t.at(part, pass); });
      if (seconds > 0)
        add(fmt::format("{}, {}", kStepPartNames[i], pass == StepPass::forward ? "forward" : "backward"),
            seconds, "s");
    }
  }
  out.details = details_of(bench).dump();
  return out;
}

std::string step_table(const Config& config, const StepBench& bench) {
  const std::vector<double> seconds = bench.seconds();
  const auto [least, most] = std::minmax_element(seconds.begin(), seconds.end());
  const auto [lowest, highest] = std::minmax_element(bench.gemm.begin(), bench.gemm.end());
  const double step = median_step(bench), batch = real_of(bench.batch);
  std::string out = fmt::format(
      "{}, kernels {}, {} threads, {} samples × {} masks a step; medians of {} steps\n",
      name_of(bench.precision), bench.simd, bench.threads, bench.batch, bench.clones, seconds.size());
  if (bench.slices > 1) out += fmt::format("a step is one of the {} slices of an update\n", bench.slices);
  out += fmt::format("\n  step             {:7.3f} s  ({:.3f} to {:.3f})\n", step, *least, *most);
  out += fmt::format("  samples/s        {:7.2f}\n", batch / step);
  out += fmt::format("  masked views/s   {:7.1f}\n", batch * real_of(bench.clones) / step);
  out += fmt::format("  student tokens/s {:7.0f}\n", real_of(bench.tokens) / step);
  if (bench.loader) out += fmt::format("  waiting for data {:7.2f} %\n", 100 * wait_share(bench));
  if (knows_arithmetic(config, bench)) {
    const StepArithmetic work = step_arithmetic(config, bench.batch);
    out += fmt::format("  nominal work     {:7.1f} GFLOP/s  {:5.1f} % of the matrix products below\n",
                       work.nominal / step / 1e9, 100 * gemm_share(work.nominal, seconds, bench.gemm));
    out += fmt::format("  executed work    {:7.1f} GFLOP/s  {:5.1f} %\n", work.executed / step / 1e9,
                       100 * gemm_share(work.executed, seconds, bench.gemm));
    out += fmt::format("    a step: {:.5g} GFLOP nominal - {:.3g} skipped + {:.3g} done twice = {:.5g}\n",
                       work.nominal / 1e9, work.skipped / 1e9, work.recomputed / 1e9, work.executed / 1e9);
  }
  out += fmt::format("  matrix products  {:7.1f} GFLOP/s in {}, between the steps ({:.1f} to {:.1f})\n",
                     median(bench.gemm), name_of(bench.precision), *lowest, *highest);
  out += fmt::format("    at the end: {:.1f} in fp32, {:.1f} in bf16\n", bench.gemm_fp32, bench.gemm_bf16);
  out += fmt::format("  peak memory      {:7.2f} GiB\n", bench.peak_gib);
  const Allocations& memory = bench.observed.allocations;
  out += fmt::format("  allocations      {:7} a step, {:.0f} MiB together, {:.0f} MiB at one time\n\n",
                     memory.count, real_of(memory.bytes) / mib, real_of(memory.most_live_bytes) / mib);
  return out + part_rows(bench) + "\n" + kind_rows(bench.observed);
}

}  // namespace d2v
