// The loader's bench: its sums agree with themselves; what it prints names the stage that takes longest.
#include "d2v/pipeline/loader_bench.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "audio_support.h"
#include "d2v/pipeline/audio_source.h"
#include "d2v/pipeline/image_source.h"
#include "d2v/pipeline/text_source.h"
#include "support.h"
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
    for (const Stage stage : {Stage::read, Stage::decode, Stage::resize, Stage::normalize, Stage::masks})
      CHECK(run.stats.stages[stage] > 0);
  }
  CHECK(nlohmann::json::parse(loader_json(bench))["runs"][1]["threads"] == 2);
  std::vector<Stage> alone;
  for (const StageAlone& stage : bench.alone) {
    alone.push_back(stage.stage);
    CHECK(stage.samples > 0);
    CHECK(stage.seconds > 0);
  }
  CHECK(alone == std::vector{Stage::read, Stage::decode, Stage::resize, Stage::normalize, Stage::masks});
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
  CHECK(table.find("slowest stage: decode, 80 % of the time\n  bottleneck: decode") != std::string::npos);
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

TEST_CASE("recordings and texts have their own stages, with the megabytes of their files") {
  const test::TemporaryFolder folder;
  for (int i = 0; i < 4; ++i)
    test::write(folder.path() / fmt::format("{}.wav", i), test::wav_bytes(test::tone(1, 8000), 8000));
  LoaderSettings settings = small_pictures();
  settings.data.batch = 2;
  settings.speech = {.min_seconds = 0.1, .max_seconds = 1, .batch_seconds = 3};
  settings.mask = {.kind = MaskKind::random, .prob = 0.5, .clones = 2};
  const FolderSource recordings = scan_recordings(folder.path(), {}, settings.speech, {});
  const LoaderBench sound = bench_loader(recordings, settings, {1}, 0.1, 0);
  const StageTimes& times = sound.runs.front().stats.stages;
  CHECK(times[Stage::decode] > 0);
  CHECK(times[Stage::resample] > 0);
  CHECK(times[Stage::resize] == 0);
  CHECK(times.bytes >= times.samples * 16000);  // 8,000 samples of 2 bytes
  CHECK(nlohmann::json::parse(loader_json(sound))["alone"]["resample"]["samples_per_second"] > 0);

  TokenWriter writer(folder.path() / "t.d2vtok", {.size = 500, .mask = 499});
  writer.add(std::vector<uint32_t>(2000, 7));
  writer.commit();
  settings.text.block = 64;
  const LoaderBench text =
      bench_loader(open_text(folder.path() / "t.d2vtok", settings.text), settings, {1}, 0.1, 0);
  const StageTimes& reads = text.runs.front().stats.stages;
  CHECK(reads[Stage::decode] == 0);
  CHECK(reads.bytes == reads.samples * 63 * 2);  // <s> is not in the file
  CHECK(text.alone.size() == 2);
}

TEST_CASE(
    "a trainer that wants little is the bottleneck; one that wants more than there is names the stage") {
  LoaderRun run{.threads = 1, .batches = 10, .stats = {}};
  run.stats.samples = 100;
  run.stats.seconds = 2;
  run.stats.stages[Stage::resample] = 100'000'000;
  run.stats.stages.samples = 100;
  LoaderBench bench{.modality = Modality::speech, .batch = 10, .clones = 2, .wanted = 50, .runs = {run}};
  CHECK(loader_table(bench).find("bottleneck: step") != std::string::npos);
  bench.runs.front().stats.stall_seconds = 1;
  CHECK(loader_table(bench).find("bottleneck: resample") != std::string::npos);
  CHECK(loader_table(bench).find("stall 50.0 %") != std::string::npos);
}
