// The small formulas that host and device share: loss, AdamW, places of rows.
#include <cmath>
#include <vector>

#include "d2v/cuda/adam.h"
#include "d2v/cuda/element_loss.h"
#include "d2v/cuda/row_index.h"

#include "doctest.h"

namespace d2v {
namespace {

TEST_CASE("the slope of the loss is that of differences, squared and smooth L1") {
  for (const double beta : {0.0, 0.7, 2.0})
    for (double d = -3.05; d < 3; d += 0.1) {
      const double slope = (loss_of(d + 1e-6, beta) - loss_of(d - 1e-6, beta)) / 2e-6;
      CHECK(loss_slope(d, beta) == doctest::Approx(slope).epsilon(1e-4));
    }
  CHECK(loss_of(2.0f, 1.0f) == 1.5f);
}

TEST_CASE("a step of AdamW is that of the formula in double") {
  for (const bool reference : {false, true}) {
    const AdamPlan plan{1e-3, 0.9, 0.98, 1e-8, 0.05, 0.25, 4.0, reference};
    const double clip = clip_factor(8, plan.clip_norm);
    CHECK(clip == doctest::Approx(0.5));
    float p = 0.4f, m = 0.02f, v = 0.003f;
    const double g = -0.8 * 0.25 * clip;
    const double want_m = 0.9 * 0.02 + 0.1 * g, want_v = 0.98 * 0.003 + 0.02 * g * g;
    const double c1 = 1 - std::pow(0.9, 3), c2 = std::sqrt(1 - std::pow(0.98, 3));
    const double move = reference ? 1e-3 * c2 / c1 * want_m / (std::sqrt(want_v) + 1e-8)
                                  : 1e-3 / c1 * want_m / (std::sqrt(want_v) / c2 + 1e-8);
    adam_element(p, -0.8f, m, v, adam_factors(plan, clip, 3));
    CHECK(m == doctest::Approx(want_m).epsilon(1e-6));
    CHECK(v == doctest::Approx(want_v).epsilon(1e-6));
    CHECK(p == doctest::Approx(0.4 * (1 - 1e-3 * 0.05) - move).epsilon(1e-6));
  }
  CHECK(clip_factor(1, 4) == 1);
  CHECK(clip_factor(100, 0) == 1);
}

TEST_CASE("a position is found in an increasing list") {
  const std::vector<int64_t> list{0, 3, 4, 9};
  const int64_t count = static_cast<int64_t>(list.size());
  for (int64_t position = -1; position < 12; ++position) {
    int64_t want = -1;
    for (size_t i = 0; i < list.size(); ++i)
      if (list[i] == position) want = static_cast<int64_t>(i);
    CHECK(place_in(list.data(), count, position) == want);
  }
  CHECK(place_in(list.data(), 0, 3) == -1);
}

}  // namespace
}  // namespace d2v
