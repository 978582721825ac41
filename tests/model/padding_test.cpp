// With padding = exact a sample's features, targets, loss and gradients are those it has alone.
#include <map>

#include "d2v/nn/aten.h"
#include "small_models.h"

#include "doctest.h"

using namespace d2v;

namespace {

struct Setting {
  std::string name;
  Config config;
  DeviceBatch batch;
};

std::vector<Setting> settings() {
  std::vector<Setting> out;
  const auto add = [&out](const char* name, Config config) {
    const std::vector<int64_t> lengths{14, 9, 6};
    DeviceBatch batch = config.model.modality == Modality::speech ? test::speech_batch(config, lengths)
                                                                  : test::text_batch(config, lengths);
    out.push_back({name, std::move(config), std::move(batch)});
  };
  add("speech", test::small_speech());
  Config noised = test::small_speech(2);
  noised.speech.zero_masked = false;
  noised.model.extra_tokens = 1;
  noised.loss.cls = 0.1;
  noised.loss.cls_batch = 3;  // else its weight is the number of samples
  noised.decoder.kernel = 4;
  noised.model.alibi_scale_per_layer = true;
  add("speech, noise at masked frames, CLS token, even kernel", noised);
  Config dropped = test::small_speech();
  dropped.model.encoder_dropout = dropped.model.post_mlp_dropout = dropped.model.prenet_dropout = 0.2;
  dropped.model.attention_dropout = dropped.model.activation_dropout = 0.2;
  dropped.decoder.input_dropout = 0.2;
  add("speech with dropout", dropped);
  add("text", test::small_text());
  Config large = test::small_text();
  large.target.layer_norm = NormKind::layer;
  large.target.final_norm = NormKind::instance;
  large.text.dropout = 0.1;
  large.model.prenet_depth = 1;
  add("text, norms of the large recipe, dropout, prenet", large);
  return out;
}

std::map<std::string, at::Tensor> stages_of(Objective& model, const DeviceBatch& batch, const StepKey& key) {
  std::map<std::string, at::Tensor> stages;
  Trace trace;
  trace.record = [&](const std::string& stage, const at::Tensor& value) { stages[stage] = value.clone(); };
  model.forward(batch, key, &trace);
  return stages;
}

}  // namespace

TEST_CASE("a padded sample has the features, targets, loss and gradients that it has alone") {
  at::manual_seed(3);
  for (const Setting& s : settings()) {
    CAPTURE(s.name);
    const auto model = make_objective(s.config, Precision::fp32);
    const StepKey key = test::key_of(s.batch);
    const auto together = stages_of(*model, s.batch, key);
    const int64_t clones = s.batch.visible.size(1), extra = s.config.model.extra_tokens;
    double loss = 0;
    model->zero_gradients();
    for (int64_t b = 0; b < 3; ++b) {
      CAPTURE(b);
      const DeviceBatch single = test::alone(s.config, s.batch, b);
      const auto by_itself = stages_of(*model, single, key);
      const auto rows = [&](const char* stage, int64_t per_sample, int64_t count) {
        CHECK(test::error_of(
                  together.at(stage).slice(0, b * per_sample, (b + 1) * per_sample).slice(1, 0, count),
                  by_itself.at(stage)) < 2e-5);
      };
      const int64_t length = s.batch.lengths[b].item<int64_t>();
      rows("local_features", 1, length);
      rows("encoder_output", clones, extra + single.visible.size(2));
      rows("decoder_output", clones, length);
      rows("targets", 1, length);
      const StepOutput out = model->forward(single, key, nullptr);
      model->backward(out.loss, 1);
      loss += out.loss.item<double>();
    }
    const at::Tensor gradients = model->gradients().clone();
    model->zero_gradients();
    const StepOutput out = model->forward(s.batch, key, nullptr);
    model->backward(out.loss, 1);
    CHECK(out.loss.item<double>() == doctest::Approx(loss).epsilon(1e-5));
    CHECK(test::error_of(model->gradients(), gradients) < 2e-5);
    CHECK(out.targets[2].slice(0, s.batch.lengths[2].item<int64_t>()).abs().sum().item<float>() == 0);
  }
}

TEST_CASE("embeddings of valid positions do not depend on padding") {
  for (const Setting& s : settings()) {
    CAPTURE(s.name);
    const auto model = make_objective(s.config, Precision::fp32);
    const Features padded = model->embed_padded(s.batch.input, s.batch.lengths, Network::teacher);
    for (int64_t b = 0; b < 3; ++b) {
      const Features single = model->embed(test::alone(s.config, s.batch, b).input, Network::teacher);
      CHECK(test::error_of(padded.layers.back()[b].slice(0, 0, single.layers.back().size(1)),
                           single.layers.back()[0]) < 1e-5);
    }
  }
}

TEST_CASE("with padding = reference the convolutions see padding, so results do change") {
  Config config = test::small_speech();
  config.speech.padding = Padding::reference;
  const auto model = make_objective(config, Precision::fp32);
  const DeviceBatch batch = test::speech_batch(config, {14, 9});
  const StepKey key = test::key_of(batch);
  const auto together = stages_of(*model, batch, key),
             by_itself = stages_of(*model, test::alone(config, batch, 1), key);
  CHECK(test::error_of(together.at("decoder_output").slice(0, 2).slice(1, 0, 9),
                       by_itself.at("decoder_output")) > 1e-3);
}
