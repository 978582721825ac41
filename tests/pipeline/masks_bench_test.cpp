#include "d2v/pipeline/masks_bench.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("a benchmark of masks draws whole samples, and its figures fit together") {
  const MaskPlan plan = plan_masks({}, {14, 14, false});
  const MasksBench bench = bench_masks(plan, 3, 0.01);
  CHECK(bench.masks > 0);
  CHECK(bench.masks % 3 == 0);
  CHECK(bench.seconds >= 0.01);
  CHECK(bench.each() * bench.per_second() == doctest::Approx(1));
  CHECK(MasksBench{}.per_second() == 0);
  CHECK(MasksBench{}.each() == 0);
}
