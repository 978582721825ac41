// Layerdrop: which shared blocks the student skips in an update.
#include <cmath>
#include <set>

#include "d2v/base/philox.h"
#include "d2v/model/data2vec2.h"
#include "d2v/nn/aten.h"
#include "small_models.h"

#include "doctest.h"

using namespace d2v;

namespace {

Config config_of(ObjectiveKind kind, int64_t depth, double layerdrop) {
  Config config = test::small_text();
  config.model.objective = kind;
  config.model.depth = depth;
  config.model.layerdrop = layerdrop;
  config.target.layers = 1;
  if (kind == ObjectiveKind::data2vec1) config.mask.clones = 1;
  return config;
}

DeviceBatch batch_of(const Config& config) {
  at::manual_seed(3);
  return test::text_batch(config, {12, 12, 12, 12}, config.mask.clones);
}

// Names of the student's blocks that run, by what is recorded behind each.
std::set<std::string> blocks_run(Objective& objective, const DeviceBatch& batch, int64_t update) {
  std::set<std::string> names;
  Trace trace;
  trace.record = [&](const std::string& name, const at::Tensor&) {
    if (name.starts_with("student_layer.")) names.insert(name);
  };
  objective.forward(batch, test::key_of(batch, update), &trace);
  return names;
}

DeviceBatch half_of(const DeviceBatch& whole, int64_t half) {
  DeviceBatch part;
  const auto rows = [&](const at::Tensor& t) { return t.slice(0, 2 * half, 2 * half + 2).contiguous(); };
  part.input = rows(whole.input);
  part.visible = rows(whole.visible);
  part.masked = rows(whole.masked);
  part.lengths = rows(whole.lengths);
  part.refs.assign(whole.refs.begin() + 2 * half, whole.refs.begin() + 2 * half + 2);
  return part;
}

}  // namespace

TEST_CASE("over many updates the share of skipped blocks is model.layerdrop") {
  const Config config = config_of(ObjectiveKind::data2vec2, 4, 0.3);
  const auto objective = make_objective(config, Precision::fp32);
  const DeviceBatch batch = batch_of(config);
  size_t run = 0;
  for (int64_t update = 0; update < 100; ++update) run += blocks_run(*objective, batch, update).size();
  CHECK(static_cast<double>(run) / 400 == doctest::Approx(0.7).epsilon(0.12));  // 3.7 deviations
}

TEST_CASE("an update without any block still trains what is around the blocks") {
  const Config config = config_of(ObjectiveKind::data2vec2, 2, 0.95);
  const auto objective = make_objective(config, Precision::fp32);
  const DeviceBatch batch = batch_of(config);
  int64_t update = 0;
  while (!blocks_run(*objective, batch, update).empty()) REQUIRE(++update < 50);
  const StepOutput out = objective->forward(batch, test::key_of(batch, update), nullptr);
  objective->backward(out.loss, 1);
  CHECK(std::isfinite(out.loss.item<double>()));
  double decoder = 0;
  for (const Parameter& p : objective->layout().all()) {
    const double largest = view_of(objective->gradients(), p).abs().max().item<double>();
    if (p.name.starts_with("blocks.")) CHECK_MESSAGE(largest == 0, p.name);
    if (p.name.find("decoder.") != std::string::npos) decoder = std::max(decoder, largest);
  }
  CHECK(decoder > 0);
}

TEST_CASE("the teacher and an evaluation skip nothing") {
  for (const ObjectiveKind kind : {ObjectiveKind::data2vec2, ObjectiveKind::data2vec1}) {
    const auto whole = make_objective(config_of(kind, 2, 0), Precision::fp32);
    const Config config = config_of(kind, 2, 0.95);
    const auto dropping = make_objective(config, Precision::fp32);
    const DeviceBatch batch = batch_of(config);
    const StepKey key = test::key_of(batch);
    CHECK(at::equal(dropping->forward(batch, key, nullptr).targets,
                    whole->forward(batch, key, nullptr).targets));
    CHECK(at::equal(dropping->evaluate(batch, key).loss, whole->evaluate(batch, key).loss));
  }
}

TEST_CASE("all slices of an update skip the same blocks, updates differ") {
  const Config config = config_of(ObjectiveKind::data2vec2, 4, 0.5);
  const auto objective = make_objective(config, Precision::fp32);
  const DeviceBatch batch = batch_of(config), first = half_of(batch, 0), second = half_of(batch, 1);
  std::set<std::set<std::string>> kinds;
  for (int64_t update = 0; update < 20; ++update) {
    const std::set<std::string> blocks = blocks_run(*objective, first, update);
    CHECK(blocks == blocks_run(*objective, second, update));
    kinds.insert(blocks);
  }
  CHECK(kinds.size() > 3);
}

TEST_CASE("whether a block is skipped does not follow the share of masked positions") {
  for (const ObjectiveKind kind : {ObjectiveKind::data2vec2, ObjectiveKind::data2vec1}) {
    const Config config = config_of(kind, 1, 0.5);
    const auto objective = make_objective(config, Precision::fp32);
    const DeviceBatch batch = batch_of(config);
    int agree = 0;
    for (int64_t update = 0; update < 64; ++update) {
      const StepKey key = test::key_of(batch, update);
      // As mask_ratio (masks.h) draws it.
      Philox ratio({.seed = key.seed, .stream = Stream::batch, .step = static_cast<uint64_t>(update)});
      const bool few = ratio.uniform(0.5, 1) < 0.75;
      agree += few == blocks_run(*objective, batch, update).empty();
    }
    CHECK(agree > 16);  // 32 in the mean, 4 deviations
    CHECK(agree < 48);
  }
}
