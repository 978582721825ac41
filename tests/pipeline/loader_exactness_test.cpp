// What comes out does not depend on threads, on where a run starts, or on how the data is packed.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "d2v/base/check.h"
#include "d2v/pipeline/image_source.h"
#include "d2v/pipeline/shard_source.h"
#include "loader_support.h"
#include "tar_support.h"
#include "watched_source.h"

#include "doctest.h"

using namespace d2v;
using test::contains;
using test::Seen;

namespace {

// Holds the first thread back until a second one reads too.
class Meeting {
 public:
  void arrive() {
    std::unique_lock lock(mutex_);
    threads_.insert(std::this_thread::get_id());
    changed_.notify_all();
    if (!std::exchange(waited_, true))
      changed_.wait_for(lock, std::chrono::seconds(20), [&] { return threads_.size() > 1; });
  }
  void start_again() {
    const std::lock_guard lock(mutex_);
    threads_.clear();
    waited_ = false;
  }
  size_t threads() const {
    const std::lock_guard lock(mutex_);
    return threads_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::thread::id> threads_;
  bool waited_ = false;
};

}  // namespace

TEST_CASE("1 and 16 threads make the same stream of every modality, and more than one takes part") {
  Meeting meeting;
  bool meet = false;
  for (test::WatchedSet& set : test::watched_sets([&](size_t row) {
         if (meet) meeting.arrive();
         check<DataError>(row % 9 != 4, "row {} is broken", row);
       })) {
    INFO(set.name);
    set.settings.accumulate = 2;
    meet = false;
    const std::vector<Seen> one = test::read_all(*set.source, set.settings);
    meet = true;
    meeting.start_again();
    set.settings.threads = 16;
    CHECK(test::read_all(*set.source, set.settings) == one);
    CHECK(meeting.threads() > 1);
    // Another number of threads from some update on.
    set.settings.first_update = 7;
    set.settings.threads = 3;
    const std::vector<Seen> late = test::read_all(*set.source, set.settings);
    CHECK(late == std::vector<Seen>(one.end() - static_cast<std::ptrdiff_t>(late.size()), one.end()));
    CHECK(late.front().update == 7);
  }
}

TEST_CASE("starting at update 1,000,000,000 makes the batch of that update and reads nothing else") {
  constexpr int64_t kFar = 1'000'000'000;
  std::atomic<int64_t> reads = 0;
  for (test::WatchedSet& set : test::watched_sets([&](size_t) { ++reads; })) {
    INFO(set.name);
    const auto read = [&](int64_t first, int64_t last) {
      reads = 0;
      set.settings.first_update = first;
      set.settings.last_update = last;
      return test::read_all(*set.source, set.settings);
    };
    for (const int64_t update : {int64_t{0}, kFar}) {
      const std::vector<Seen> batches = read(update, update + 1);
      REQUIRE(batches.size() == 1);
      CHECK(batches[0].update == update);
      CHECK(reads == batches[0].samples);
    }
    const std::vector<Seen> there = read(kFar, kFar + 1), reached = read(kFar - 3, kFar + 1);
    REQUIRE(reached.size() == 4);
    CHECK(there[0] == reached[3]);
    CHECK(there[0].input_shape.size() > 1);
  }
}

TEST_CASE("a data set smaller than a batch: all of it in every update, or a clear error") {
  for (const int64_t threads : {1, 4}) {
    const auto source = test::watched_pictures("synthetic:samples=5/side=24", [](size_t) {});
    LoaderSettings settings = test::small_settings();
    settings.threads = threads;
    CHECK(contains(test::message_of<UsageError>([&] { Loader loader(*source, settings); }),
                   "data.batch: 8 is more than the 5 samples of the data set, so no batch is ever full"));
    settings.data.drop_last = false;
    const std::vector<Seen> all = test::read_all(*source, settings);
    REQUIRE(all.size() == 12);
    for (int64_t update = 0; update < 12; ++update) {
      const Seen& batch = all[static_cast<size_t>(update)];
      std::set<uint64_t> ids;
      for (const SampleRef& ref : batch.refs) ids.insert(ref.id);
      CHECK(batch.epoch == update);
      CHECK(batch.samples == 5);
      CHECK(batch.update_samples == 5);
      CHECK(batch.update_sample_size == 5 * 3 * 8);
      CHECK(ids.size() == 5);
    }
    CHECK(all[0].refs != all[1].refs);  // in another order
  }
}

TEST_CASE(
    "shards of 7, 13 and 1 samples: an epoch has each once, and drop_last leaves out another one each time") {
  const test::TemporaryFolder folder;
  int variant = 0;
  for (const int count : {7, 13, 1}) {
    std::string tar;
    for (int i = 0; i < count; ++i, ++variant)
      tar +=
          test::tar_entry(fmt::format("{:02}.ppm", i), test::pnm_bytes(test::formula_image(20, 24, variant)));
    test::write(folder.path() / fmt::format("{}.tar", count), tar + test::tar_end());
  }
  const FolderSource source = scan_shards(folder.path(), {}, pictures_kind(), {.cache = {}, .threads = 1});
  REQUIRE(source.size() == 21);
  LoaderSettings settings = test::small_settings();
  settings.data.batch = 4;
  for (const bool drop : {false, true}) {
    settings.data.drop_last = drop;
    settings.last_update = drop ? 50 : 60;  // ten epochs
    std::map<int64_t, std::set<uint64_t>> epochs;
    std::set<uint64_t> dropped;
    int64_t samples = 0;
    for (const Seen& batch : test::read_all(source, settings)) {
      samples += batch.samples;
      for (const SampleRef& ref : batch.refs) epochs[batch.epoch].insert(ref.id);
    }
    REQUIRE(epochs.size() == 10);
    CHECK(samples == (drop ? 200 : 210));
    for (const auto& [epoch, ids] : epochs) {
      CHECK(ids.size() == (drop ? 20 : 21));
      for (const FolderSample& sample : source.samples)
        if (!ids.contains(sample.id)) dropped.insert(sample.id);
    }
    CHECK((dropped.size() > 3) == drop);
  }
}
