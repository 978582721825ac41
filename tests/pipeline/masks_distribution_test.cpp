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

RngKey draw_key(int64_t draw) {
  return {.seed = 11, .stream = Stream::mask, .sample = static_cast<uint64_t>(draw)};
}

std::vector<int64_t> the_others(const MaskGrid& grid, const std::vector<int64_t>& positions) {
  std::vector<int64_t> rest;
  size_t next = 0;
  for (int64_t at = 0; at < grid.positions(); ++at) {
    if (next < positions.size() && positions[next] == at)
      ++next;
    else
      rest.push_back(at);
  }
  return rest;
}

// masked(i) gives the hidden positions of draw i.
struct Sample {
  std::vector<double> masked_share, masked_count, visible_components, masked_components, iou;
  Runs visible_runs, masked_runs;
  template <class F>
  Sample(const MaskGrid& grid, F&& masked_of) : masked_share(static_cast<size_t>(grid.positions())) {
    std::vector<int64_t> previous;
    for (int64_t i = 0; i < kDraws; ++i) {
      const std::vector<int64_t> masked = masked_of(i), visible = the_others(grid, masked);
      for (const int64_t at : masked) masked_share[at] += 1.0 / kDraws;
      masked_count.push_back(static_cast<double>(masked.size()));
      visible_components.push_back(static_cast<double>(count_components(grid, visible)));
      masked_components.push_back(static_cast<double>(count_components(grid, masked)));
      visible_runs.add(grid, visible);
      masked_runs.add(grid, masked);
      if (i % 2 == 1) iou.push_back(intersection_over_union(previous, masked));
      previous = masked;
    }
  }
};

Sample draw_all(const MaskPlan& plan) {
  MaskScratch scratch;
  std::vector<int64_t> visible(plan.visible), masked(plan.masked);
  return Sample(plan.grid, [&](int64_t i) {
    draw_mask(plan, draw_key(i), scratch, visible, masked);
    return masked;
  });
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

void compare(const Sample& sample, const MaskGrid& grid, const json& expected) {
  const double draws = expected["draws"];
  check_shares("masked share of position ", sample.masked_share, expected["masked_share_per_position"],
               kDraws, 1);
  check_mean("masked positions", sample.masked_count, expected["masked_count"], draws);
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

json golden_masks() {
  json golden;
  std::ifstream(test::test_data() / "golden/masks.json") >> golden;
  return golden;
}

}  // namespace

TEST_CASE("block and random masks are distributed like the reference's") {
  D2V_NEED_TEST_DATA("golden/masks.json");
  int settings = 0;
  const json golden = golden_masks();
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

    compare(draw_all(plan), grid, expected);
  }
  CHECK(settings == 9);
}

TEST_CASE("wav2vec's spans alone are distributed like the reference's") {
  D2V_NEED_TEST_DATA("golden/masks.json");
  const MaskPlan plan = plan_masks({.kind = MaskKind::spans, .prob = 0.65, .block = 10}, sequence_grid(499));
  MaskScratch scratch;
  const Sample sample(plan.grid, [&](int64_t i) { return draw_uncorrected(plan, draw_key(i), scratch); });
  compare(sample, plan.grid, golden_masks()["v1_speech_alone"]);
}

TEST_CASE("wav2vec's spans in batches of eight, cut to the least number of a batch, are so too") {
  D2V_NEED_TEST_DATA("golden/masks.json");
  const MaskConfig config{.kind = MaskKind::spans, .prob = 0.65, .block = 10};
  const MaskGrid grid = sequence_grid(499);
  const MaskPlan alone = plan_masks(config, grid);
  MaskScratch scratch;
  const Sample sample(grid, [&](int64_t i) {
    int64_t least = grid.positions();
    for (int64_t k = i / 8 * 8; k < i / 8 * 8 + 8; ++k)
      least = std::min(least, hidden_before_correction(alone, draw_key(k), scratch));
    const MaskPlan plan = plan_masks_of(config, grid, config.prob, least);
    std::vector<int64_t> visible(plan.visible), masked(plan.masked);
    draw_mask(plan, draw_key(i), scratch, visible, masked);
    return masked;
  });
  // Counts within a batch are equal: as many independent values as batches.
  json expected = golden_masks()["v1_speech_batch8"];
  expected["draws"] = expected["draws"].get<double>() / 8;
  compare(sample, grid, expected);
}

TEST_CASE("BEiT's rectangles are distributed like the reference's, before the count is made equal") {
  D2V_NEED_TEST_DATA("golden/masks.json");
  for (const auto& [name, prob] : {std::pair{"v1_image_120", 0.6123}, std::pair{"v1_image_75", 0.3827}}) {
    INFO(name);
    const MaskGrid grid{14, 14, false};
    const MaskPlan plan = plan_masks({.kind = MaskKind::beit, .prob = prob}, grid);
    MaskScratch scratch;
    const Sample sample(grid, [&](int64_t i) { return draw_uncorrected(plan, draw_key(i), scratch); });
    compare(sample, grid, golden_masks()[name]);
  }
}
