// The step's benchmark takes a slice of the recipe's update, as training does, and its figures fit together.
#include "d2v/train/step_bench.h"

#include <nlohmann/json.hpp>

#include "doctest.h"

using namespace d2v;

namespace {

Config measured_config() {
  Config config;
  config.run.precision = Precision::fp32;
  config.data.batch = 6;
  config.image.size = 16;
  config.image.patch = 4;
  config.mask.clones = 2;
  config.mask.prob = 0.6;
  config.mask.block = 2;
  config.model.dim = 16;
  config.model.heads = 2;
  config.model.depth = 1;
  config.target.layers = 1;
  config.decoder.dim = 16;
  config.decoder.groups = 4;
  config.decoder.layers = 1;
  return config;
}

}  // namespace

TEST_CASE("a slice is the batch over run.accumulate") {
  Config config = measured_config();
  CHECK(slice_samples(config) == 6);
  config.run.accumulate = 3;
  CHECK(slice_samples(config) == 2);
  SUBCASE("rounded up") {
    config.run.accumulate = 4;
    CHECK(slice_samples(config) == 2);
    config.run.accumulate = 100;
    CHECK(slice_samples(config) == 1);
  }
  SUBCASE("of speech by seconds where the recipe says so") {
    config.model.modality = Modality::speech;
    config.speech.batch_seconds = 120;
    config.speech.max_seconds = 20;
    CHECK(slice_samples(config) == 2);
    config.speech.batch_seconds = 0;
    CHECK(slice_samples(config) == 2);
  }
}

TEST_CASE("a benchmark times as many steps as asked, each of one slice") {
  Config config = measured_config();
  config.run.accumulate = 3;
  const StepBench bench = bench_step(config, 1, 3);
  CHECK(bench.batch == 2);
  CHECK(bench.slices == 3);
  REQUIRE(bench.seconds.size() == 3);
  for (size_t i = 0; i < bench.seconds.size(); ++i) {
    const double parts = bench.forward_seconds[i] + bench.backward_seconds[i] + bench.update_seconds[i];
    CHECK(bench.seconds[i] == doctest::Approx(parts));
  }
  CHECK(bench.peak_gib > 0);

  const nlohmann::json json = nlohmann::json::parse(step_json(bench));
  CHECK(json.at("batch") == 2);
  CHECK(json.at("slices_per_update") == 3);
  CHECK(json.at("samples_per_second").get<double>() * json.at("median_step_seconds").get<double>() ==
        doctest::Approx(2));
  CHECK(step_table(bench).find("a step is one of the 3 slices of an update") != std::string::npos);
}
