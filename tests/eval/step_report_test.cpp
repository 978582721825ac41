#include "d2v/eval/step_report.h"

#include <nlohmann/json.hpp>

#include "d2v/base/check.h"
#include "d2v/eval/costs.h"
#include "tiny_model.h"

#include "doctest.h"

using namespace d2v;

namespace {

// Three steps of 2, 4 and 3 seconds, half of each in the student's forward pass.
StepBench made_up_bench() {
  StepBench bench;
  bench.precision = Precision::fp32;
  bench.simd = "avx2";
  bench.threads = 2;
  bench.batch = 6;
  bench.slices = 3;
  bench.clones = 2;
  bench.tokens = 600;
  for (const double seconds : {2.0, 4.0, 3.0}) {
    PartTimes times;
    times.at(StepPart::student, StepPass::forward) = seconds / 2;
    times.at(StepPart::student, StepPass::backward) = seconds / 4;
    times.at(StepPart::wait, StepPass::forward) = seconds / 4;
    bench.parts.push_back(times);
  }
  bench.gemm = {100, 100, 300, 100};
  bench.gemm_fp32 = 100;
  bench.gemm_bf16 = 50;
  bench.peak_gib = 1.5;
  bench.observed.allocations = {.count = 7, .bytes = 3 << 20, .most_live_bytes = 2 << 20};
  bench.observed.times = {{StepPart::student, StepPass::forward, OpKind::matrix_product, 3},
                          {StepPart::student, StepPass::forward, OpKind::gelu, 1},
                          {StepPart::decoder, StepPass::backward, OpKind::own, 4}};
  return bench;
}

double figure(const BenchReport& report, const std::string& name) {
  for (const BenchFigure& one : report.figures)
    if (one.name == name) return one.value;
  FAIL("no figure " << name);
  return 0;
}

}  // namespace

TEST_CASE("a step's arithmetic is that of its samples, and its pieces add up") {
  const Config config = test::tiny_config();
  double nominal = 0;
  for (const PartCost& cost : sample_costs(config)) nominal += nominal_flops(cost);
  const StepArithmetic work = step_arithmetic(config, 5);
  CHECK(work.nominal == doctest::Approx(5 * nominal));
  CHECK(work.executed == doctest::Approx(work.nominal - work.skipped + work.recomputed));
  CHECK(work.skipped > 0);
  CHECK(work.recomputed > 0);
}

TEST_CASE("the share of the products' rate is taken step by step") {
  // 200 GFLOP in 1 s against 100 and 100; in 2 s against 100 and 300.
  CHECK(gemm_share(200e9, {1}, {100, 100}) == doctest::Approx(2));
  CHECK(gemm_share(200e9, {2}, {100, 300}) == doctest::Approx(0.5));
  CHECK(gemm_share(200e9, {1, 2, 4}, {100, 100, 300, 300}) == doctest::Approx(0.5));
  CHECK_THROWS(gemm_share(1, {1}, {100}));
}

TEST_CASE("rates are those of the median step") {
  const Config config = test::tiny_config();
  const StepBench bench = made_up_bench();
  const BenchReport report = step_report(config, bench);
  CHECK(figure(report, "step") == 3);
  CHECK(figure(report, "samples/s") == 2);
  CHECK(figure(report, "masked views/s") == 4);
  CHECK(figure(report, "student tokens/s") == 200);
  CHECK(figure(report, "waiting for data") == doctest::Approx(25));
  CHECK(figure(report, "student, forward") == 1.5);
  CHECK(figure(report, "student, backward") == 0.75);
  CHECK(figure(report, "allocations") == 7);
  CHECK(figure(report, "allocated") == 3);
  CHECK(figure(report, "nominal work") == doctest::Approx(step_arithmetic(config, 6).nominal / 3 / 1e9));
  CHECK(report.settings.at("threads") == "2");
  CHECK(report.settings.at("slices") == "3");

  const nlohmann::json details = nlohmann::json::parse(report.details);
  CHECK(details.at("batch") == 6);
  CHECK(details.at("slices_per_update") == 3);
  CHECK(details.at("parts").at("student").at("forward_seconds") == 1.5);
}

TEST_CASE("the table has every part that took time, and kinds as shares of the student's pass") {
  const std::string table = step_table(test::tiny_config(), made_up_bench());
  CHECK(table.find("a step is one of the 3 slices of an update") != std::string::npos);
  CHECK(table.find("student tokens/s") != std::string::npos);
  CHECK(table.find("75.0 %") != std::string::npos);  // products in the student's forward pass
  CHECK(table.find("teacher") == std::string::npos);
  CHECK(table.find("waiting for data") == std::string::npos);  // no loader
}

TEST_CASE("the work on a loader's recordings, of any length, is not claimed to be known") {
  Config config = test::tiny_config();
  StepBench bench = made_up_bench();
  bench.loader = true;
  CHECK(knows_arithmetic(config, bench));
  config.model.modality = Modality::speech;
  CHECK_FALSE(knows_arithmetic(config, bench));
  bench.loader = false;
  CHECK(knows_arithmetic(config, bench));
}
