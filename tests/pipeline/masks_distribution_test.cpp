// The masks are distributed like the reference's: golden/masks.json, 20,000 draws per setting.
#include <cmath>
#include <fstream>

#include <nlohmann/json.hpp>

#include "d2v/pipeline/mask_stats.h"
#include "d2v/pipeline/masks.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;
using nlohmann::json;

namespace {

constexpr int64_t kDraws = 20000;

// Share of runs by length along rows; the last entry of the reference holds everything from 40 on.
struct Runs {
  std::vector<double> count = std::vector<double>(41, 0);
  double total = 0;
  void add(const MaskGrid& grid, const std::vector<int64_t>& positions) {
    for (size_t i = 0; i < positions.size();) {
      size_t end = i + 1;
      while (end < positions.size() && positions[end] == positions[end - 1] + 1 &&
             positions[end] % grid.columns != 0)
        ++end;
      ++count[std::min<size_t>(end - i, 40)];
      ++total;
      i = end;
    }
  }
};

struct Sample {
  std::vector<double> masked_share, visible_components, masked_components, iou;
  Runs visible_runs, masked_runs;
};

Sample draw_all(const MaskPlan& plan) {
  Sample sample;
  sample.masked_share.resize(plan.grid.positions());
  MaskScratch scratch;
  std::vector<int64_t> visible(plan.visible), masked(plan.masked), previous;
  for (int64_t i = 0; i < kDraws; ++i) {
    draw_mask(plan, {.seed = 11, .stream = Stream::mask, .sample = static_cast<uint64_t>(i)}, scratch,
              visible, masked);
    for (const int64_t at : masked) sample.masked_share[at] += 1.0 / kDraws;
    sample.visible_components.push_back(static_cast<double>(count_components(plan.grid, visible)));
    sample.masked_components.push_back(static_cast<double>(count_components(plan.grid, masked)));
    sample.visible_runs.add(plan.grid, visible);
    sample.masked_runs.add(plan.grid, masked);
    if (i % 2 == 1) sample.iou.push_back(intersection_over_union(previous, masked));
    previous = masked;
  }
  return sample;
}

// Means within five standard errors of both samples.
void check_mean(const char* what, const std::vector<double>& values, const json& expected,
                double expected_draws) {
  double mean = 0, squares = 0;
  for (const double x : values) mean += x / static_cast<double>(values.size());
  for (const double x : values) squares += (x - mean) * (x - mean);
  const double variance = squares / static_cast<double>(values.size() - 1);
  const double theirs = expected["std"].get<double>();
  const double error =
      std::sqrt(variance / static_cast<double>(values.size()) + theirs * theirs / expected_draws);
  INFO(what, ": mean ", mean, ", reference ", expected["mean"].get<double>(), ", standard error ", error);
  CHECK(std::abs(mean - expected["mean"].get<double>()) <= 5 * error + 1e-9);
}

// Shares of a binomial count. Runs of one mask depend on each other, so their bound has an allowance.
void check_shares(const char* what, const std::vector<double>& shares, const json& expected, double total,
                  double spread) {
  for (size_t i = 0; i < expected.size(); ++i) {
    const double theirs = expected[i].get<double>(), ours = shares[i], s = (theirs + ours) / 2;
    const double error = std::sqrt(2 * s * (1 - s) / total) * spread;
    INFO(what, "[", i, "]: ", ours, ", reference ", theirs, ", standard error ", error);
    CHECK(std::abs(ours - theirs) <= 5 * error + 3 / total);
  }
}

}  // namespace

TEST_CASE("block and random masks are distributed like the reference's") {
  D2V_NEED_TEST_DATA("golden/masks.json");
  json golden;
  std::ifstream(test::test_data() / "golden/masks.json") >> golden;
  int settings = 0;
  for (const auto& [name, expected] : golden.items()) {
    const std::string kind = expected["kind"];
    if (kind != "block_2d" && kind != "block_1d" && kind != "uniform") continue;
    ++settings;
    INFO(name);
    const json& given = expected["settings"];
    const int64_t positions = given["T"];
    MaskConfig config{
        .kind = MaskKind::random, .prob = given["R"], .dropout = given.value("mask_dropout", 0.0)};
    if (kind != "uniform") {
      config.kind = given["inverse"].get<bool>() ? MaskKind::inverse_block : MaskKind::block;
      config.adjust = given["A"];
      config.block = given["b"];
    }
    const auto side = static_cast<int64_t>(std::lround(std::sqrt(positions)));
    const MaskGrid grid = kind == "block_2d" ? MaskGrid{side, side, false} : sequence_grid(positions);
    const MaskPlan plan = plan_masks(config, grid);
    CHECK(plan.masked == expected["masked_count"]["mean"].get<double>());

    const Sample sample = draw_all(plan);
    const double draws = expected["draws"];
    check_shares("masked share of position ", sample.masked_share, expected["masked_share_per_position"],
                 kDraws, 1);
    check_mean("kept components", sample.visible_components, expected["kept_components"], draws);
    check_mean("masked components", sample.masked_components, expected["masked_components"], draws);
    // The reference's overlaps are fewer than its draws at worst: pairs.
    check_mean("overlap", sample.iou, expected["iou_of_two_draws"], draws / 2);
    const bool flat = grid.sequence;
    const auto runs = [&](const char* what, const Runs& ours, const json& theirs) {
      std::vector<double> shares = ours.count;
      for (double& share : shares) share /= ours.total;
      check_shares(what, shares, theirs, ours.total, 3);
    };
    runs("kept runs ", sample.visible_runs, expected[flat ? "kept_run_lengths" : "kept_row_runs"]);
    runs("masked runs ", sample.masked_runs, expected[flat ? "masked_run_lengths" : "masked_row_runs"]);
  }
  CHECK(settings == 9);
}
