// ALiBi in the modality encoder: which layer reads which scale, and what is left of the bias at kept positions.
#include <map>

#include "d2v/model/context_encoder.h"
#include "d2v/model/data2vec2.h"
#include "d2v/nn/aten.h"
#include "small_models.h"
#include "small_pictures.h"

#include "doctest.h"

using namespace d2v;

namespace {

Config picture_config(bool learned) {
  Config config = test::small_pictures(32);
  config.model.extra_tokens = 2;
  config.model.alibi = true;
  config.model.alibi_scale = 0.7;
  config.model.alibi_scale_learned = config.model.alibi_scale_per_head = config.model.alibi_scale_per_layer =
      learned;
  config.mask.clones = 3;
  return config;
}

DeviceBatch alibi_pictures() {
  at::manual_seed(5);
  DeviceBatch batch = test::masked_batch({16, 16}, 16, 3, 9);
  batch.lengths.reset();
  batch.input = at::randn({2, 3, 16, 16});
  return batch;
}

// What the blocks of student and teacher put out.
std::map<std::string, at::Tensor> alibi_stages(Objective& objective, const DeviceBatch& batch) {
  std::map<std::string, at::Tensor> stages;
  Trace trace;
  trace.record = [&](const std::string& name, const at::Tensor& value) {
    stages[name] = value.detach().clone();
  };
  objective.forward(batch, test::key_of(batch), &trace);
  return stages;
}

}  // namespace

TEST_CASE("the bias at kept positions is the whole picture's, gathered; extra tokens have none") {
  for (const bool learned : {false, true}) {
    CAPTURE(learned);
    const Config config = picture_config(learned);
    const std::string prefix = modality_prefix(Modality::image);
    std::vector<Parameter> parameters;
    declare_modality_encoder(parameters, config);
    const ParameterLayout layout(parameters);
    WeightArenas arenas;
    arenas.full = arenas.low = make_arena(layout.size(), at::kFloat);
    arenas.full_gradient = arenas.low_gradient = make_arena(layout.size(), at::kFloat);
    initialise(layout, arenas.full, 1);
    const at::Tensor scale = view_of(arenas.full, layout.at(prefix + "alibi_scale"));
    CHECK(scale.sizes() == (learned ? at::IntArrayRef({3, 1, 4, 1, 1}) : at::IntArrayRef({1, 1, 1, 1, 1})));
    if (learned) scale.uniform_(0.5, 2);
    const ModalityEncoder encoder = modality_encoder(Weights(layout, arenas, prefix), config);

    const at::NoGradGuard no_grad;
    const DeviceBatch batch = alibi_pictures();
    const at::Tensor z = local_features(encoder, config, batch.input);
    const EncoderInput kept = student_input(encoder, config, z, batch, {}, {}, nullptr);
    const EncoderInput whole = full_input(encoder, config, z, {});
    const at::Tensor index = batch.visible.flatten(0, 1);
    for (int64_t layer = 0; layer < 3; ++layer) {
      const at::Tensor all = whole.bias.of_block(layer).total()[0], some = kept.bias.of_block(layer).total();
      CHECK(all.abs().max().item<float>() > 0.1f);
      for (int64_t row = 0; row < index.size(0); ++row) {
        const at::Tensor places = at::cat({at::arange(2, at::kLong), index[row] + 2});
        CHECK(at::equal(some[row], all.index_select(1, places).index_select(2, places)));
      }
      CHECK(some.slice(2, 0, 2).abs().max().item<float>() == 0);
      CHECK(some.slice(3, 0, 2).abs().max().item<float>() == 0);
    }
  }
}

TEST_CASE("scales per layer count the prenet first, then the shared blocks, in student and teacher") {
  const Config config = picture_config(true);
  const DeviceBatch batch = alibi_pictures();
  const std::vector<std::vector<std::string>> networks{
      {"prenet_output", "student_layer.0", "student_layer.1"},
      {"teacher_prenet_output", "teacher_layer.0", "teacher_layer.1"}};
  Data2Vec2 model(config, Precision::fp32);
  const Parameter& parameter = model.layout().at(modality_prefix(Modality::image) + "alibi_scale");
  const auto before = alibi_stages(model, batch);
  const at::Tensor weights = model.weights().clone(), teacher = model.teacher().clone();
  for (int64_t layer = 0; layer < 3; ++layer) {
    for (const int64_t head : {0, 3}) {
      CAPTURE(layer);
      CAPTURE(head);
      for (const at::Tensor& arena : {model.weights(), model.teacher()})
        view_of(arena, parameter)[layer][0][head].add_(1);
      model.weights_changed();
      const auto after = alibi_stages(model, batch);
      for (const auto& names : networks) {
        // Everything before the layer stays as it was, the layer and what follows changes.
        for (int64_t i = 0; i < 3; ++i) {
          const std::string& name = names[static_cast<size_t>(i)];
          CAPTURE(name);
          CHECK(at::equal(after.at(name), before.at(name)) == (i < layer));
        }
      }
      model.weights().copy_(weights);
      model.teacher().copy_(teacher);
      model.weights_changed();
    }
  }
}

TEST_CASE("a fixed scale is neither trained nor averaged: it stays what model.alibi_scale says") {
  const Config config = picture_config(false);
  Data2Vec2 model(config, Precision::fp32);
  const Parameter& parameter = model.layout().at(modality_prefix(Modality::image) + "alibi_scale");
  CHECK_FALSE(parameter.trainable);
  CHECK(parameter.teacher == TeacherRule::copied);
  CHECK(view_of(model.weights(), parameter).item<float>() == 0.7f);
}
