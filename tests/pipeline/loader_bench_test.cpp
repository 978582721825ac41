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
  CHECK(slowest_stage(bench.runs[0].stats.stages) == Stage::decode);
  CHECK(loader_table(bench).find("bottleneck: decode") != std::string::npos);
  CHECK(nlohmann::json::parse(loader_json(bench))["runs"][1]["threads"] == 2);
}

TEST_CASE("a slow trainer gets no more samples than it wants") {
  D2V_NEED_TEST_DATA("datasets/images/kodak-jpeg");
  const LoaderSettings settings = small_pictures();
  const ImageSource source = scan_images(test::test_data() / "datasets/images/kodak-jpeg", settings.data);
  const LoaderBench bench = bench_loader(source, settings, {1}, 1, 16);
  CHECK(bench.runs[0].batches <= 3);
  CHECK(loader_table(bench).find("of 16 wanted") != std::string::npos);
}
