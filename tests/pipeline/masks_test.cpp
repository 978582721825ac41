// Masks: exact counts, sorted and complete lists, keys, and settings that make no sense.
#include "d2v/pipeline/masks.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "d2v/base/check.h"
#include "support.h"

#include "doctest.h"

using namespace d2v;
using test::contains;

namespace {

struct Drawn {
  std::vector<int64_t> visible, masked;
  bool operator==(const Drawn&) const = default;
};

Drawn draw(const MaskPlan& plan, const RngKey& key) {
  Drawn mask{std::vector<int64_t>(plan.visible), std::vector<int64_t>(plan.masked)};
  MaskScratch scratch;
  draw_mask(plan, key, scratch, mask.visible, mask.masked);
  return mask;
}

RngKey mask_key(uint64_t sample, uint32_t clone = 0) {
  return {.seed = 5, .stream = Stream::mask, .step = 2, .sample = sample, .occurrence = 0, .clone = clone};
}

}  // namespace

TEST_CASE("visible and masked positions are sorted, disjoint and complete, whatever the shape") {
  Philox random({.seed = 1});
  int drawn = 0;
  for (int i = 0; i < 3000; ++i) {
    MaskConfig config{.kind = static_cast<MaskKind>(random.below(6)),
                      .prob = random.uniform(0.02, 0.98),
                      .adjust = random.uniform(0, 0.3),
                      .block = 1 + random.below(12)};
    const MaskGrid grid = random.below(2) == 0 ? sequence_grid(1 + random.below(700))
                                               : MaskGrid{1 + random.below(30), 1 + random.below(30), false};
    MaskPlan plan;
    try {
      plan = plan_masks(config, grid);
    } catch (const UsageError&) {
      continue;  // nothing kept, hidden or drawn: the case below
    }
    ++drawn;
    const Drawn mask = draw(plan, mask_key(i));
    CHECK(std::is_sorted(mask.visible.begin(), mask.visible.end()));
    CHECK(std::is_sorted(mask.masked.begin(), mask.masked.end()));
    std::vector<int64_t> all = mask.visible;
    all.insert(all.end(), mask.masked.begin(), mask.masked.end());
    std::sort(all.begin(), all.end());
    std::vector<int64_t> expected(grid.positions());
    std::iota(expected.begin(), expected.end(), 0);
    CHECK(all == expected);
  }
  CHECK(drawn > 1000);
}

TEST_CASE("the counts are floors of products in double precision") {
  const auto visible = [](MaskKind kind, double prob, const MaskGrid& grid) {
    return plan_masks({.kind = kind, .prob = prob, .adjust = 1, .block = 1}, grid).visible;
  };
  CHECK(visible(MaskKind::inverse_block, 0.8, {14, 14, false}) == 39);   // ViT-B
  CHECK(visible(MaskKind::inverse_block, 0.75, {16, 16, false}) == 64);  // ViT-H/14
  CHECK(visible(MaskKind::block, 0.5, sequence_grid(499)) == 250);       // floor(T·R) hidden
  CHECK(visible(MaskKind::random, 0.48, sequence_grid(512)) == 266);     // floor(T·(1-R)) kept
  CHECK(visible(MaskKind::random, 0.8, sequence_grid(10)) == 1);         // 1 - 0.8 is a little less than 0.2
}

TEST_CASE("the number of blocks follows the kind, the overlap allowance and the dropout") {
  CHECK(plan_masks({}, {14, 14, false}).starts == 5);                // 196·0.27/9 = 5.88
  CHECK(plan_masks({.dropout = 0.2}, {14, 14, false}).starts == 7);  // ·1.2
  CHECK(plan_masks({.kind = MaskKind::block, .prob = 0.5, .adjust = 0.05, .block = 5}, sequence_grid(499))
            .starts == 54);
  CHECK(plan_masks({.kind = MaskKind::random}, {14, 14, false}).starts == 0);
}

TEST_CASE("a single block is a whole block, cut off at the border") {
  // One start and as many kept positions as an inner block has: where nothing was cut, nothing is corrected.
  const MaskPlan plan{.grid = {9, 9, false},
                      .kind = MaskKind::inverse_block,
                      .block = 3,
                      .starts = 1,
                      .visible = 9,
                      .masked = 72};
  int whole = 0;
  for (uint64_t sample = 0; sample < 500; ++sample) {
    const Drawn mask = draw(plan, mask_key(sample));
    const int64_t top = mask.visible.front() / 9, left = mask.visible.front() % 9;
    std::vector<int64_t> block;
    for (int64_t y = top; y < top + 3; ++y) {
      for (int64_t x = left; x < left + 3; ++x) block.push_back(y * 9 + x);
    }
    whole += mask.visible == block;
  }
  // 49 of 81 starts are not at the border.
  CHECK(whole > 500 * 49 / 81 - 60);
  CHECK(whole < 500 * 49 / 81 + 60);
}

TEST_CASE("a mask depends on its key alone") {
  const MaskPlan plan = plan_masks({}, {14, 14, false});
  CHECK(draw(plan, mask_key(3)) == draw(plan, mask_key(3)));
  CHECK(draw(plan, mask_key(3)) != draw(plan, mask_key(4)));
  CHECK(draw(plan, mask_key(3, 0)) != draw(plan, mask_key(3, 1)));
  RngKey other_epoch = mask_key(3);
  other_epoch.step = 3;
  CHECK(draw(plan, mask_key(3)) != draw(plan, other_epoch));
  RngKey again = mask_key(3);
  again.occurrence = 1;
  CHECK(draw(plan, mask_key(3)) != draw(plan, again));

  // Scratch memory that another shape has used does not matter.
  MaskScratch scratch;
  const MaskPlan larger = plan_masks({}, {40, 40, false});
  std::vector<int64_t> visible(larger.visible), masked(larger.masked);
  draw_mask(larger, mask_key(1), scratch, visible, masked);
  Drawn mask{std::vector<int64_t>(plan.visible), std::vector<int64_t>(plan.masked)};
  draw_mask(plan, mask_key(3), scratch, mask.visible, mask.masked);
  CHECK(mask == draw(plan, mask_key(3)));
}

TEST_CASE("mask.prob_min: the ratio is drawn per update, within its bounds") {
  const MaskConfig config{.prob = 0.8, .prob_min = 0.6};
  double low = 1, high = 0;
  for (int64_t update = 0; update < 2000; ++update) {
    const double ratio = mask_ratio(config, 7, update);
    CHECK(ratio == mask_ratio(config, 7, update));
    low = std::min(low, ratio);
    high = std::max(high, ratio);
  }
  CHECK(low >= 0.6);
  CHECK(low < 0.605);
  CHECK(high <= 0.8);
  CHECK(high > 0.795);
  CHECK(mask_ratio({.prob = 0.7}, 7, 3) == 0.7);
}

TEST_CASE("settings that keep nothing, hide nothing or fit no block are refused and say what to do") {
  const auto error = [](const MaskConfig& config) {
    return test::message_of<UsageError>([&] { plan_masks(config, {4, 4, false}); });
  };
  CHECK(contains(error({.prob = 1}), "mask.prob: 1 keeps none of the 16 positions"));
  CHECK(contains(error({.prob = 0.99}), "lower it to 0.938"));
  CHECK(contains(error({.kind = MaskKind::block, .prob = 0.01}), "hides none of the 16 positions"));
  CHECK(contains(error({.prob = 0, .block = 1}), "raise it to"));
  CHECK(contains(error({.block = 9}), "mask.block: no block of side 9 fits"));
  CHECK(contains(error({.prob = 0.5, .prob_min = 0.7}), "mask.prob_min: 0.7 is above mask.prob 0.5"));
  CHECK(contains(test::message_of<UsageError>([] { image_grid({.size = 224, .patch = 15}); }),
                 "image.patch: 15 does not divide image.size 224"));
}

TEST_CASE("spans: whole runs that never hide the last frame; as many starts as the spec says") {
  const MaskConfig config{.kind = MaskKind::spans, .prob = 0.65, .block = 10};
  const MaskPlan plan = plan_masks(config, sequence_grid(499));
  CHECK(plan.mean_starts == doctest::Approx(32.435));
  CHECK(plan.start_range == 489);
  MaskScratch scratch;
  for (uint64_t sample = 0; sample < 500; ++sample) {
    const std::vector<int64_t> hidden = draw_uncorrected(plan, mask_key(sample), scratch);
    CHECK(hidden_before_correction(plan, mask_key(sample), scratch) == static_cast<int64_t>(hidden.size()));
    CHECK(hidden.back() <= 497);
    CHECK(hidden.size() <= 330);
    for (size_t i = 0; i < hidden.size();) {
      size_t end = i + 1;
      while (end < hidden.size() && hidden[end] == hidden[end - 1] + 1) ++end;
      CHECK(end - i >= 10);
      i = end;
    }
  }
}

TEST_CASE("rectangles: neither over the whole height nor the whole width; corrected to the count") {
  const MaskConfig config{.kind = MaskKind::beit, .prob = 0.6123};
  const MaskGrid grid{14, 14, false};
  const MaskPlan plan = plan_masks(config, grid);
  CHECK(plan.masked == 120);
  MaskScratch scratch;
  int short_of_it = 0;
  for (uint64_t sample = 0; sample < 500; ++sample) {
    const auto hidden = static_cast<int64_t>(draw_uncorrected(plan, mask_key(sample), scratch).size());
    CHECK(hidden <= 120);
    short_of_it += hidden < 120;
    CHECK(draw(plan, mask_key(sample)).masked.size() == 120);
  }
  CHECK(short_of_it > 20);
  // Grids that are no squares, and wider than a machine word.
  const MaskPlan wide = plan_masks({.kind = MaskKind::beit, .prob = 0.5, .aspect = 0.05}, {9, 150, false});
  for (uint64_t sample = 0; sample < 200; ++sample) CHECK(draw(wide, mask_key(sample)).masked.size() == 675);
}

TEST_CASE("BERT's runs: cut off at the end, single tokens too; the share that runs side by side would hide") {
  const MaskPlan runs = plan_masks({.kind = MaskKind::bert, .prob = 0.35, .block = 4}, sequence_grid(512));
  const MaskPlan single = plan_masks({.kind = MaskKind::bert, .prob = 0.15, .block = 1}, sequence_grid(512));
  MaskScratch scratch;
  double in_runs = 0, alone = 0, last = 0;
  for (uint64_t sample = 0; sample < 2000; ++sample) {
    const std::vector<int64_t> hidden = draw_uncorrected(runs, mask_key(sample), scratch);
    in_runs += static_cast<double>(hidden.size()) / 2000;
    last += hidden.back() == 511 ? 1.0 / 2000 : 0;
    alone += static_cast<double>(hidden_before_correction(single, mask_key(sample), scratch)) / 2000;
  }
  CHECK(alone == doctest::Approx(0.15 * 512).epsilon(0.002));  // never twice the same
  CHECK(in_runs == doctest::Approx(512 * (1 - std::pow(1 - 0.0875, 4))).epsilon(0.01));  // they overlap
  CHECK(runs.masked == doctest::Approx(in_runs).epsilon(0.01));
  CHECK(last > 0.2);
}

TEST_CASE("kinds that the grid has not are refused") {
  const auto error = [](MaskKind kind, const MaskGrid& grid) {
    return test::message_of<UsageError>([&] { plan_masks({.kind = kind, .prob = 0.5, .block = 10}, grid); });
  };
  CHECK(contains(error(MaskKind::beit, sequence_grid(100)), "beit draws rectangles"));
  CHECK(contains(error(MaskKind::spans, {14, 14, false}), "spans draws runs"));
  CHECK(contains(error(MaskKind::bert, {14, 14, false}), "bert draws runs"));
  CHECK(contains(error(MaskKind::spans, sequence_grid(10)), "runs of 10 do not fit 10 positions"));
}

TEST_CASE("mask.dropout multiplies the starts of blocks; kinds where it could mean nothing refuse it") {
  const auto error = [](MaskKind kind, const MaskGrid& grid) {
    return test::message_of<UsageError>(
        [&] { plan_masks({.kind = kind, .prob = 0.5, .block = 3, .dropout = 0.1}, grid); });
  };
  const std::string message = "mask.dropout: 0.1 has no meaning for mask.kind ";
  CHECK(contains(error(MaskKind::spans, sequence_grid(100)), message + "spans"));
  CHECK(contains(error(MaskKind::bert, sequence_grid(100)), message + "bert"));
  CHECK(contains(error(MaskKind::beit, {14, 14, false}), message + "beit"));
  for (const MaskKind kind : {MaskKind::block, MaskKind::inverse_block, MaskKind::random})
    CHECK(error(kind, {14, 14, false}) == "(no error)");
}
