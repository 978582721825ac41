// The plan: who is in which batch.
#include "d2v/pipeline/plan.h"

#include <algorithm>
#include <set>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"
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

namespace {

// Lengths from 100 to 2000, most of them short.
std::vector<int64_t> some_lengths(int64_t count) {
  Philox random({.seed = 12});
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < count; ++i)
    lengths.push_back(100 + static_cast<int64_t>(1900 * random.uniform() * random.uniform()));
  return lengths;
}

}  // namespace

TEST_CASE("batches by length: every sample once an epoch, similar lengths together, never above the limit") {
  const std::vector<int64_t> lengths = some_lengths(3000);
  Plan plan({.samples = 3000, .seed = 5, .lengths = lengths, .batch_length = 20000});
  std::vector<uint32_t> epochs[2];
  std::vector<int64_t> first_lengths;
  double used = 0, padded = 0;
  for (int64_t update = 0; update < 2 * plan.updates_per_epoch(); ++update) {
    const Slice slice = plan.slice(update, 0);
    auto& epoch = epochs[slice.epoch];
    epoch.insert(epoch.end(), slice.rows.begin(), slice.rows.end());
    CHECK(slice.shape.samples * slice.shape.length <= 20000);
    CHECK(slice.shape.samples == static_cast<int64_t>(slice.rows.size()));
    int64_t longest = 0, shortest = 1 << 20;
    for (const uint32_t row : slice.rows) {
      longest = std::max(longest, lengths[row]);
      shortest = std::min(shortest, lengths[row]);
      used += static_cast<double>(lengths[row]);
    }
    CHECK(slice.shape == SliceShape{slice.update_samples, longest, shortest});
    padded += static_cast<double>(slice.shape.samples * slice.shape.length);
    first_lengths.push_back(longest);
  }
  for (auto& epoch : epochs) CHECK(std::set(epoch.begin(), epoch.end()).size() == 3000);
  CHECK(epochs[0] != epochs[1]);
  CHECK(!std::is_sorted(first_lengths.begin(), first_lengths.end()));
  CHECK(used / padded > 0.93);
  CHECK(padded / static_cast<double>(2 * plan.updates_per_epoch()) > 0.8 * 20000);
}

TEST_CASE("batches by length: any order of asking, slices by length, lengths of all slices of the update") {
  const PlanSettings settings{.samples = 500,
                              .accumulate = 3,
                              .seed = 5,
                              .lengths = some_lengths(500),
                              .batch_length = 9000,
                              .crop = true};
  Plan forwards(settings), backwards(settings);
  std::vector<std::vector<uint32_t>> seen;
  const int64_t updates = 2 * forwards.updates_per_epoch();
  for (int64_t update = 0; update < updates; ++update) seen.push_back(rows_of_update(forwards, update));
  for (int64_t update = updates - 1; update >= 0; --update)
    CHECK(rows_of_update(backwards, update) == seen[update]);
  for (int64_t update = 0; update < updates; ++update) {
    int64_t before = 0;
    for (int64_t part = 0; part < forwards.parts_of(update); ++part) {
      const Slice slice = forwards.slice(update, part);
      CHECK(slice.shape.length == slice.shape.shortest);
      CHECK(slice.shape == slice.update_shapes[part]);
      CHECK(slice.rows == slice.update_rows[part]);
      CHECK(slice.shape.length >= before);
      before = slice.shape.length;
    }
  }
}

TEST_CASE("batches by count know the lengths of their slices too") {
  const std::vector<int64_t> lengths{30, 10, 20, 50};
  Plan plan({.samples = 4, .batch = 4, .accumulate = 2, .shuffle = false, .lengths = lengths});
  CHECK(plan.slice(0, 0).rows == std::vector<uint32_t>{1, 2});
  CHECK(plan.slice(0, 1).rows == std::vector<uint32_t>{0, 3});
  CHECK(plan.slice(0, 0).update_shapes == std::vector<SliceShape>{{2, 20, 10}, {2, 50, 30}});
}

TEST_CASE("a batch shorter than the longest sample is refused") {
  CHECK(contains(test::message_of<UsageError>([] {
                   Plan plan({.samples = 2, .lengths = {10, 90}, .batch_length = 80});
                 }),
                 "speech.batch_seconds"));
}
