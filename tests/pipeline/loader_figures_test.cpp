// The figures of a loader: shares of its stages, and who is the bottleneck.
#include "d2v/pipeline/loader_figures.h"

#include <numeric>

#include "loader_support.h"

#include "doctest.h"

using namespace d2v;

namespace {

LoaderStats ten_seconds(double stall_seconds) {
  LoaderStats stats;
  stats.seconds = 10;
  stats.stall_seconds = stall_seconds;
  stats.queue_depth = 3.25;
  stats.stages.samples = 500;
  stats.stages.bytes = 20'000'000;
  stats.stages[Stage::read] = 1'000'000'000;
  stats.stages[Stage::decode] = 6'000'000'000;
  stats.stages[Stage::masks] = 3'000'000'000;
  return stats;
}

}  // namespace

TEST_CASE("a trainer that hardly waits is the bottleneck itself") {
  const LoaderFigures figures = loader_figures(ten_seconds(0.2));
  CHECK(figures.bottleneck == "step");
  CHECK(figures.percent[static_cast<size_t>(Stage::decode)] == doctest::Approx(60));
  CHECK(figures.percent[static_cast<size_t>(Stage::resize)] == 0);
  CHECK(figures.samples_per_second == doctest::Approx(50));
  CHECK(loader_line(figures) ==
        "decode 60 %, masks 30 %, read 10 %; 2.0 MB/s; 3.2 slices ready; stall 2.0 %; bottleneck: step");
}

TEST_CASE("where the trainer waits, the stage that takes most time is named") {
  CHECK(loader_figures(ten_seconds(4)).bottleneck == "decode");
}

TEST_CASE("before the first sample there is nothing to name") {
  LoaderStats stats;
  stats.seconds = stats.stall_seconds = 1;
  CHECK(loader_figures(stats).bottleneck == "step");
  CHECK(loader_line(loader_figures(stats)) == "0.0 MB/s; 0.0 slices ready; stall 100.0 %; bottleneck: step");
}

TEST_CASE("the timed part counts nothing of the first, untimed batch") {
  LoaderStats begin, end;
  begin.samples = 8;
  begin.seconds = 3;
  begin.calls = 1;
  begin.queue_depth = 0;  // the first call finds nothing ready
  end.samples = 40;
  end.seconds = 5;
  end.calls = 5;
  end.queue_depth = 1.6;  // 8 slices in 5 calls, all of them in the last 4
  const LoaderStats timed = stats_since(begin, end);
  CHECK(timed.samples == 32);
  CHECK(timed.seconds == doctest::Approx(2));
  CHECK(timed.calls == 4);
  CHECK(timed.queue_depth == doctest::Approx(2));
}

TEST_CASE("of a loader at work the shares add up, and bytes are those of the files") {
  const test::Folder data(20);
  LoaderSettings settings = test::small_settings();
  settings.last_update = 4;
  Loader loader(data.source, settings);
  int64_t samples = 0;
  while (const BatchPtr batch = loader.next()) samples += batch->samples;
  const LoaderStats stats = loader.stats();
  const LoaderFigures figures = loader_figures(stats);
  CHECK(std::accumulate(figures.percent.begin(), figures.percent.end(), 0.0) == doctest::Approx(100));
  CHECK(stats.stages.samples == samples);
  CHECK(stats.stages.bytes > samples * 20 * 20 * 3);
  for (const Stage stage : {Stage::read, Stage::decode, Stage::resize, Stage::normalize, Stage::masks})
    CHECK(stats.stages[stage] > 0);
  CHECK(stats.stages[Stage::resample] == 0);
}
