// Several workers: the union of their batches is the batch of one worker.
#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <tuple>

#include "d2v/base/check.h"
#include "loader_support.h"
#include "watched_source.h"

#include "doctest.h"

using namespace d2v;
using test::contains;
using test::Seen;

namespace {

std::vector<std::vector<Seen>> read_workers(const Source& source, LoaderSettings settings, int64_t workers) {
  settings.workers = workers;
  std::vector<std::vector<Seen>> all;
  for (settings.worker = 0; settings.worker < workers; ++settings.worker)
    all.push_back(test::read_all(source, settings));
  return all;
}

// In the order of one worker, without the batches that say that there is no share.
std::vector<Seen> united(const std::vector<std::vector<Seen>>& workers) {
  std::vector<Seen> all;
  for (const auto& one : workers)
    std::copy_if(one.begin(), one.end(), std::back_inserter(all),
                 [](const Seen& s) { return s.samples > 0; });
  std::sort(all.begin(), all.end(), [](const Seen& a, const Seen& b) {
    return std::tie(a.update, a.part) < std::tie(b.update, b.part);
  });
  return all;
}

}  // namespace

TEST_CASE("1, 2 and 4 workers together make the batches of one, and read no sample twice") {
  std::atomic<int64_t> reads = 0;
  for (test::WatchedSet& set : test::watched_sets([&](size_t) { ++reads; })) {
    INFO(set.name);
    set.settings.accumulate = 4;
    const std::vector<Seen> one = test::read_all(*set.source, set.settings);
    const int64_t reads_of_one = reads.exchange(0);
    CHECK(one.size() > 24);
    for (const int64_t workers : {1, 2, 4}) {
      const auto each = read_workers(*set.source, set.settings, workers);
      CHECK(united(each) == one);
      CHECK(reads.exchange(0) == reads_of_one);
      for (const auto& worker : each) CHECK(worker.size() < one.size() / workers + 12);
    }
  }
}

TEST_CASE("broken samples are replaced by the same ones whatever worker meets them") {
  for (test::WatchedSet& set :
       test::watched_sets([](size_t row) { check<DataError>(row % 7 != 3, "row {} is broken", row); })) {
    INFO(set.name);
    set.settings.accumulate = 4;
    const std::vector<Seen> one = test::read_all(*set.source, set.settings);
    const bool replaced = std::any_of(one.begin(), one.end(), [](const Seen& slice) {
      return std::any_of(slice.refs.begin(), slice.refs.end(),
                         [](const SampleRef& ref) { return ref.occurrence >= 0x80000000u; });
    });
    CHECK(replaced);
    for (const int64_t workers : {2, 4})
      CHECK(united(read_workers(*set.source, set.settings, workers)) == one);
  }
}

TEST_CASE("a run goes on at any update with another number of workers") {
  for (test::WatchedSet& set : test::watched_sets()) {
    INFO(set.name);
    set.settings.accumulate = 4;
    const std::vector<Seen> one = test::read_all(*set.source, set.settings);
    LoaderSettings before = set.settings, after = set.settings;
    before.last_update = after.first_update =
        5;  // the update of one sample is behind this, the next epoch begins
    for (const auto& [first, second] : {std::pair{1, 4}, {4, 2}, {2, 1}}) {
      std::vector<Seen> all = united(read_workers(*set.source, before, first));
      const std::vector<Seen> rest = united(read_workers(*set.source, after, second));
      all.insert(all.end(), rest.begin(), rest.end());
      CHECK(all == one);
    }
  }
}

TEST_CASE("every worker meets every update and knows what the whole update holds") {
  for (test::WatchedSet& set : test::watched_sets()) {
    INFO(set.name);
    set.settings.accumulate = 4;
    std::map<int64_t, std::pair<int64_t, int64_t>>
        whole;  // samples and masked positions of an update, counted
    for (const Seen& slice : test::read_all(*set.source, set.settings)) {
      whole[slice.update].first += slice.samples;
      whole[slice.update].second += static_cast<int64_t>(slice.masked.size());
    }
    REQUIRE(whole.size() == 12);
    for (const auto& worker : read_workers(*set.source, set.settings, 4)) {
      std::map<int64_t, int> batches;
      for (const Seen& slice : worker) {
        ++batches[slice.update];
        CHECK(slice.update_samples == whole[slice.update].first);
        CHECK(slice.update_sample_size == whole[slice.update].second);
      }
      CHECK(batches.size() == 12);
      CHECK(worker.size() == 12);  // four slices among four workers
    }
  }
}

TEST_CASE("the last, smaller update: workers without a slice get one batch of no samples") {
  const auto source = test::watched_pictures("synthetic:samples=18/side=24", [](size_t) {});
  LoaderSettings settings = test::small_settings();
  settings.data.drop_last = false;
  settings.accumulate = 4;
  settings.last_update = 3;  // 8, 8 and 2 samples
  const auto workers = read_workers(*source, settings, 4);
  for (int64_t w = 0; w < 4; ++w) {
    REQUIRE(workers[w].size() == 3);
    const Seen& last = workers[w].back();
    CHECK(last.update == 2);
    CHECK(last.samples == (w < 2 ? 1 : 0));
    CHECK(last.input.size() == static_cast<size_t>(last.samples) * 3 * 16 * 16);
    CHECK(last.input_shape == std::vector<int64_t>{last.samples, 3, 16, 16});
    CHECK(last.refs.size() == static_cast<size_t>(last.samples));
    CHECK(last.update_samples == 2);
    CHECK(last.update_sample_size == 2 * 3 * 8);
  }
}

TEST_CASE("drop_last drops the same samples for any number of workers: those that fill no whole batch") {
  const auto source = test::watched_pictures("synthetic:samples=18/side=24", [](size_t) {});
  LoaderSettings settings = test::small_settings();
  settings.accumulate = 4;
  settings.last_update = 2;  // one epoch
  std::set<std::set<uint64_t>> epochs;
  for (const int64_t workers : {1, 2, 4}) {
    std::set<uint64_t> ids;
    for (const Seen& slice : united(read_workers(*source, settings, workers))) {
      CHECK(slice.samples == 2);
      for (const SampleRef& ref : slice.refs) ids.insert(ref.id);
    }
    CHECK(ids.size() == 16);
    epochs.insert(ids);
  }
  CHECK(epochs.size() == 1);
}

TEST_CASE("evaluation and embeddings: workers take whole batches in turn") {
  for (test::WatchedSet& set : test::watched_sets()) {
    INFO(set.name);
    for (const auto& [mode, slices] :
         {std::pair{LoaderMode::evaluate, 1}, {LoaderMode::evaluate, 4}, {LoaderMode::embed, 1}}) {
      set.settings.mode = mode;
      set.settings.accumulate = slices;
      const std::vector<Seen> one = test::read_all(*set.source, set.settings);
      int64_t samples = 0;
      for (const Seen& slice : one) samples += slice.samples;
      CHECK(samples == 41);
      for (const int64_t workers : {2, 4}) {
        const auto each = read_workers(*set.source, set.settings, workers);
        CHECK(united(each) == one);
        for (int64_t w = 0; w < workers; ++w)
          for (const Seen& slice : each[w]) CHECK(slice.update % workers == w);
      }
    }
  }
}

TEST_CASE("workers that slices cannot be shared by are refused before anything is read") {
  const auto source = test::watched_pictures("synthetic:samples=18/side=24", [](size_t) { FAIL("read"); });
  LoaderSettings settings = test::small_settings();
  settings.workers = 2;
  CHECK(contains(test::message_of<UsageError>([&] { Loader loader(*source, settings); }),
                 "run.accumulate: 1 slices per update cannot be shared evenly by 2 workers"));
  settings.accumulate = 4;
  for (const int64_t worker : {-1, 2}) {
    settings.worker = worker;
    CHECK(contains(test::message_of<UsageError>([&] { Loader loader(*source, settings); }),
                   "expected a worker from 0 to 1, found"));
  }
}
