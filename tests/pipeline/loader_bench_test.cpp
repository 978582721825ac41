// The loader's bench: its sums agree with themselves; what it prints names the stage that takes longest.
#include "d2v/pipeline/loader_bench.h"

#include <nlohmann/json.hpp>

#include "d2v/pipeline/image_source.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;

namespace {

LoaderSettings small_pictures() {
  LoaderSettings settings;
  settings.data.batch = 8;
  settings.image.size = 32;
  settings.image.patch = 8;
  settings.mask.clones = 4;
  settings.mask.block = 2;
  return settings;
}

}  // namespace

TEST_CASE("stages and samples of a run add up") {
  D2V_NEED_TEST_DATA("datasets/images/kodak-jpeg");
  const LoaderSettings settings = small_pictures();
  const ImageSource source = scan_images(test::test_data() / "datasets/images/kodak-jpeg", settings.data);
  const LoaderBench bench = bench_loader(source, settings, {1, 2}, 0.3, 0);
  REQUIRE(bench.runs.size() == 2);
  for (const LoaderRun& run : bench.runs) {
    CHECK(run.stats.samples == run.batches * 8);
    CHECK(run.stats.stages.samples > 0);
    CHECK(run.stats.stages.bytes > run.stats.stages.samples * 10000);
    for (const int64_t nanoseconds : run.stats.stages.nanoseconds) CHECK(nanoseconds > 0);
  }
  CHECK(nlohmann::json::parse(loader_json(bench))["runs"][1]["threads"] == 2);
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

TEST_CASE("the table gives each stage's own rate and names the slowest") {
  LoaderRun run{.threads = 1, .batches = 10, .stats = {}};
  run.stats.samples = 100;
  run.stats.seconds = 2;
  run.stats.stages[Stage::read] = 100'000'000;    // 1 ms a sample
  run.stats.stages[Stage::decode] = 400'000'000;  // 4 ms a sample
  run.stats.stages.bytes = 50'000'000;
  run.stats.stages.samples = 100;
  CHECK(slowest_stage(run.stats.stages) == Stage::decode);
  const std::string table =
      loader_table({.modality = Modality::image, .batch = 10, .clones = 2, .wanted = 0, .runs = {run}});
  INFO(table);
  CHECK(table.find("bottleneck: decode, 80 % of the time") != std::string::npos);
  CHECK(table.find("1 thread : 50 samples/s, 100 masks/s, 25.0 MB/s") != std::string::npos);
  CHECK(table.find("250     125.0     80 %") != std::string::npos);  // decode: samples and MB a second, share
  CHECK(table.find("resize") == std::string::npos);                  // takes no time here
}

TEST_CASE("a slow trainer gets no more samples than it wants") {
  D2V_NEED_TEST_DATA("datasets/images/kodak-jpeg");
  const LoaderSettings settings = small_pictures();
  const ImageSource source = scan_images(test::test_data() / "datasets/images/kodak-jpeg", settings.data);
  const LoaderBench bench = bench_loader(source, settings, {1}, 1, 16);
  CHECK(bench.runs[0].batches <= 3);
  CHECK(loader_table(bench).find("of 16 wanted") != std::string::npos);
}
