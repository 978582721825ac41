// The step's benchmark takes a slice of the recipe's update, as training does, and its figures fit together.
#include "d2v/train/step_bench.h"

#include <algorithm>

#include "d2v/nn/aten.h"
#include "d2v/pipeline/masks.h"
#include "d2v/train/synthetic_batch.h"
#include "small_pictures.h"

#include "doctest.h"

using namespace d2v;

namespace {

Config measured_config() {
  Config config = test::small_pictures();
  config.data.batch = 6;
  config.mask.clones = 2;
  config.mask.prob = 0.6;
  config.mask.block = 2;
  config.model.prenet_depth = 0;
  config.model.depth = 1;
  config.target.layers = 1;
  config.decoder.layers = 1;
  return config;
}

int64_t visible_patches(const Config& config) {
  return plan_masks(config.mask, image_grid(config.image)).visible;
}

// As a loader would hand it out.
BatchPtr loaded_slice(const Config& config) {
  const DeviceBatch made = synthetic_batch(config);
  auto slice = std::make_unique<Batch>();
  const auto copy = [](auto& buffer, const at::Tensor& from) {
    using T = std::remove_pointer_t<decltype(buffer.data())>;
    buffer.resize(static_cast<size_t>(from.numel()));
    std::copy_n(from.const_data_ptr<T>(), from.numel(), buffer.data());
  };
  slice->samples = made.input.size(0);
  slice->clones = made.visible.size(1);
  slice->visible_count = made.visible.size(2);
  slice->positions = made.visible.size(2) + made.masked.size(2);
  slice->input_shape = made.input.sizes().vec();
  copy(slice->input, made.input);
  copy(slice->visible, made.visible);
  copy(slice->masked, made.masked);
  slice->refs = made.refs;
  return slice;
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
  const StepBench bench = bench_step(config, {.warmup = 1, .steps = 3, .product = 64});
  CHECK(bench.batch == 2);
  CHECK(bench.slices == 3);
  CHECK(bench.tokens == 2 * 2 * (visible_patches(config) + config.model.extra_tokens));
  REQUIRE(bench.parts.size() == 3);
  CHECK(bench.gemm.size() == 4);
  for (const PartTimes& step : bench.parts) {
    for (const StepPart part : {StepPart::local_encoder, StepPart::student, StepPart::decoder}) {
      CHECK(step.at(part, StepPass::forward) > 0);
      CHECK(step.at(part, StepPass::backward) > 0);
    }
    CHECK(step.of(StepPart::optimizer) > 0);
    CHECK(step.of(StepPart::student) < step.total());
  }
  CHECK(bench.peak_gib > 0);
  CHECK(bench.observed.allocations.count > 0);
  CHECK(bench.observed.allocations.bytes > 0);
  CHECK_FALSE(bench.observed.times.empty());
}

TEST_CASE("with a stream the steps take its slices, in order, and give them back") {
  Config config = measured_config();
  config.data.batch = 2;
  int64_t taken = 0, returned = 0;
  const SliceStream stream{[&] {
                             ++taken;
                             return loaded_slice(config);
                           },
                           [&](BatchPtr) { ++returned; }};
  const StepBench bench = bench_step(config, {.warmup = 1, .steps = 2, .product = 64, .stream = stream});
  CHECK(bench.loader);
  CHECK(taken == 4);  // one more is observed
  CHECK(returned == 4);
  CHECK(bench.parts[0].of(StepPart::wait) > 0);
}

TEST_CASE("the median is the middle one") {
  CHECK(median({}) == 0);
  CHECK(median({3, 1, 2}) == 2);
  CHECK(median({4, 1, 2, 3}) == 3);
}
