// The plan: who is in which batch.
#include "d2v/pipeline/plan.h"

#include <algorithm>
#include <set>

#include "d2v/base/check.h"
#include "support.h"

#include "doctest.h"

using namespace d2v;
using test::contains;

namespace {

std::vector<uint32_t> rows_of_update(Plan& plan, int64_t update) {
  std::vector<uint32_t> rows;
  for (int64_t part = 0; part < plan.parts_of(update); ++part) {
    const Slice slice = plan.slice(update, part);
    rows.insert(rows.end(), slice.rows.begin(), slice.rows.end());
  }
  return rows;
}

}  // namespace

TEST_CASE("an epoch shows every sample once, in an order of its own") {
  Plan plan({.samples = 100, .batch = 10, .seed = 3});
  REQUIRE(plan.updates_per_epoch() == 10);
  std::vector<uint32_t> first, second;
  for (int64_t update = 0; update < 20; ++update) {
    const auto rows = rows_of_update(plan, update);
    auto& epoch = update < 10 ? first : second;
    epoch.insert(epoch.end(), rows.begin(), rows.end());
  }
  CHECK(first != second);
  CHECK(std::set(first.begin(), first.end()).size() == 100);
  CHECK(std::set(second.begin(), second.end()).size() == 100);
  CHECK(!std::is_sorted(first.begin(), first.end()));
}

TEST_CASE("the update number is the whole position: any order of asking gives the same slices") {
  const PlanSettings settings{.samples = 53, .batch = 8, .accumulate = 2, .drop_last = false, .seed = 9};
  Plan forwards(settings), backwards(settings);
  std::vector<std::vector<uint32_t>> seen;
  for (int64_t update = 0; update < 30; ++update) seen.push_back(rows_of_update(forwards, update));
  for (int64_t update = 29; update >= 0; --update) CHECK(rows_of_update(backwards, update) == seen[update]);
}

TEST_CASE("accumulation cuts a batch into slices and changes nothing else") {
  Plan whole({.samples = 100, .batch = 12, .seed = 1}),
      sliced({.samples = 100, .batch = 12, .accumulate = 4, .seed = 1});
  for (int64_t update = 0; update < 16; ++update) {
    CHECK(rows_of_update(whole, update) == rows_of_update(sliced, update));
    CHECK(sliced.slice(update, 3).rows.size() == 3);
    CHECK(sliced.slice(update, 3).update_samples == 12);
  }
}

TEST_CASE("the last, smaller batch of an epoch is split evenly, without empty slices") {
  Plan plan({.samples = 22, .batch = 8, .accumulate = 4, .drop_last = false, .seed = 1});
  CHECK(plan.updates_per_epoch() == 3);
  REQUIRE(plan.parts_of(2) == 4);
  CHECK(plan.slice(2, 0).rows.size() == 1);
  CHECK(plan.slice(2, 1).rows.size() == 2);
  CHECK(plan.slice(2, 2).update_samples == 6);

  Plan tiny({.samples = 18, .batch = 8, .accumulate = 4, .drop_last = false, .seed = 1});
  CHECK(tiny.parts_of(2) == 2);
  CHECK(tiny.slice(2, 1).rows.size() == 1);
  CHECK_THROWS_AS(tiny.slice(2, 2), Error);

  Plan dropped({.samples = 22, .batch = 8, .seed = 1});
  CHECK(dropped.updates_per_epoch() == 2);
}

TEST_CASE("without shuffling the source's order stays") {
  Plan plan({.samples = 5, .batch = 2, .drop_last = false, .shuffle = false});
  CHECK(rows_of_update(plan, 0) == std::vector<uint32_t>{0, 1});
  CHECK(rows_of_update(plan, 2) == std::vector<uint32_t>{4});
}

TEST_CASE("settings that do not fit the data set are refused and say what to do") {
  const auto error = [](const PlanSettings& settings) {
    return test::message_of<UsageError>([&] { Plan plan(settings); });
  };
  CHECK(contains(error({.samples = 50, .batch = 64}),
                 "data.batch: 64 is more than the 50 samples of the data set"));
  CHECK(contains(error({.samples = 50, .batch = 64}), "lower data.batch to 50 or less"));
  CHECK(contains(error({.samples = 500, .batch = 64, .accumulate = 3}),
                 "run.accumulate: 3 does not divide data.batch 64"));
  CHECK(contains(test::message_of<DataError>([] { Plan plan({.samples = 0, .batch = 1}); }), "no samples"));
  CHECK_NOTHROW(Plan({.samples = 50, .batch = 64, .drop_last = false}));
}
