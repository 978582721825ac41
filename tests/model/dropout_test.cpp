// Dropouts between the parts of a model: each has an effect in training, none in evaluation or on the teacher.
#include <functional>
#include <string>
#include <vector>

#include "d2v/nn/aten.h"
#include "small_models.h"

#include "doctest.h"

using namespace d2v;

namespace {

struct Dropout {
  std::string name;
  std::function<void(Config&, double)> set;
};

const std::vector<Dropout>& dropouts() {
  static const std::vector<Dropout> all{
      {"model.dropout_input", [](Config& c, double rate) { c.model.dropout_input = rate; }},
      {"model.prenet_dropout", [](Config& c, double rate) { c.model.prenet_dropout = rate; }},
      {"decoder.input_dropout", [](Config& c, double rate) { c.decoder.input_dropout = rate; }},
  };
  return all;
}

void check_dropout(Config config, const Dropout& dropout, const DeviceBatch& batch) {
  CAPTURE(dropout.name);
  dropout.set(config, 0);
  const auto without = make_objective(config, Precision::fp32);
  dropout.set(config, 0.5);
  const auto with = make_objective(config, Precision::fp32);
  const StepKey first = test::key_of(batch, 1), second = test::key_of(batch, 2);
  const StepOutput out = with->forward(batch, first, nullptr);
  CHECK_FALSE(at::equal(out.loss, without->forward(batch, first, nullptr).loss));
  CHECK_FALSE(at::equal(out.loss, with->forward(batch, second, nullptr).loss));
  CHECK(at::equal(out.loss, with->forward(batch, first, nullptr).loss));
  CHECK(at::equal(out.targets, without->forward(batch, first, nullptr).targets));
  CHECK(at::equal(with->evaluate(batch, first).loss, without->evaluate(batch, first).loss));
  CHECK(at::equal(with->embed(batch.input, Network::student).layers.back(),
                  without->embed(batch.input, Network::student).layers.back()));
}

}  // namespace

TEST_CASE("data2vec 2: dropout before the prenet, the shared blocks and the decoder") {
  at::manual_seed(4);
  const Config config = test::small_speech();
  const DeviceBatch batch = test::speech_batch(config, {14, 14});
  for (const Dropout& dropout : dropouts()) check_dropout(config, dropout, batch);
}

TEST_CASE("data2vec 1: dropout of the local features") {
  at::manual_seed(4);
  Config config = test::small_speech(0);
  config.model.objective = ObjectiveKind::data2vec1;
  config.model.alibi = false;
  config.mask.clones = 1;
  check_dropout(config, dropouts()[0], test::speech_batch(config, {14, 14}, 1));
}
