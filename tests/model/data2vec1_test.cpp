#include "d2v/model/data2vec1.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "small_models.h"

#include "doctest.h"

using namespace d2v;

namespace {

Config version1(Config config) {
  config.model.objective = ObjectiveKind::data2vec1;
  config.model.prenet_depth = 0;
  config.model.extra_tokens = 0;
  config.model.alibi = false;
  config.mask.clones = 1;
  config.loss.cls = 0;
  return config;
}

Config small_image() {
  Config config = version1(test::small_speech());
  config.model.modality = Modality::image;
  config.image.size = 16;
  config.image.patch = 4;
  config.target.layer_norm = NormKind::none;
  config.target.final_norm = NormKind::layer;
  config.target.end_of_block = true;
  config.data2vec1.layer_scale = 0.1;
  return config;
}

DeviceBatch small_pictures() {
  DeviceBatch batch = test::masked_batch({16, 16}, 16, 1, 9);
  batch.lengths.reset();
  batch.input = at::randn({2, 3, 16, 16});
  return batch;
}

std::vector<std::pair<Config, DeviceBatch>> each_modality() {
  const Config speech = version1(test::small_speech()), text = version1(test::small_text());
  return {{small_image(), small_pictures()},
          {speech, test::speech_batch(speech, {14, 9, 6}, 1)},
          {text, test::text_batch(text, {14, 9, 6}, 1)}};
}

}  // namespace

TEST_CASE("every trainable parameter gets a gradient; the teacher's targets carry none") {
  for (const auto& [config, batch] : each_modality()) {
    CAPTURE(static_cast<int>(config.model.modality));
    Data2Vec1 model(config, Precision::fp32);
    const StepOutput out = model.forward(batch, test::key_of(batch), nullptr);
    CHECK_FALSE(out.targets.requires_grad());
    model.backward(out.loss, 1);
    for (const Parameter& p : model.layout().all())
      if (p.trainable) CHECK_MESSAGE(view_of(model.gradients(), p).abs().max().item<float>() > 0, p.name);
  }
}

TEST_CASE("a padded sample has the loss, targets and gradients that it has alone") {
  for (const auto& [config, batch] : each_modality()) {
    if (!batch.lengths.defined()) continue;
    CAPTURE(static_cast<int>(config.model.modality));
    Data2Vec1 model(config, Precision::fp32);
    const StepKey key = test::key_of(batch);
    double loss = 0;
    std::vector<at::Tensor> targets;
    for (int64_t b = 0; b < 3; ++b) {
      const StepOutput out = model.forward(test::alone(config, batch, b), key, nullptr);
      model.backward(out.loss, 1);
      loss += out.loss.item<double>();
      targets.push_back(out.targets[0]);
    }
    const at::Tensor gradients = model.gradients().clone();
    model.zero_gradients();
    const StepOutput out = model.forward(batch, key, nullptr);
    model.backward(out.loss, 1);
    CHECK(out.loss.item<double>() == doctest::Approx(loss).epsilon(1e-5));
    CHECK(test::error_of(model.gradients(), gradients) < 2e-5);
    for (int64_t b = 0; b < 3; ++b) {
      const at::Tensor& own = targets[static_cast<size_t>(b)];
      CHECK(test::error_of(out.targets[b].slice(0, 0, own.size(0)), own) < 2e-5);
    }
  }
}

TEST_CASE("the gradient is that of the loss: finite differences along a random direction") {
  for (const auto& [config, batch] : each_modality()) {
    CAPTURE(static_cast<int>(config.model.modality));
    Data2Vec1 model(config, Precision::fp32);
    model.backward(model.forward(batch, test::key_of(batch), nullptr).loss, 1);
    const at::Tensor origin = model.weights().clone();
    at::Tensor direction = at::randn_like(origin);
    for (const Parameter& p : model.layout().all()) {
      at::Tensor d = view_of(direction, p);
      // The teacher reads the student's local features: these would move the targets.
      const bool local =
          !p.name.starts_with("encoder.") && p.name != "mask_emb" && !p.name.starts_with("final_proj");
      if (p.trainable && !local)
        d.mul_(view_of(origin, p).abs().mean().clamp_min(0.01));
      else
        d.zero_();
    }
    const double slope = (model.gradients() * direction).sum().item<double>();
    const auto loss_at = [&](double t) {
      model.weights().copy_(origin + t * direction);
      return model.forward(batch, test::key_of(batch), nullptr).loss.item<double>();
    };
    const double h = 2e-3;
    CHECK((loss_at(h) - loss_at(-h)) / (2 * h) == doctest::Approx(slope).epsilon(0.02));
  }
}

TEST_CASE("embeddings list every block of student and teacher, which start equal") {
  for (const auto& [config, batch] : each_modality()) {
    Data2Vec1 model(config, Precision::fp32);
    const Features student = model.embed_padded(batch.input, batch.lengths, Network::student),
                   teacher = model.embed_padded(batch.input, batch.lengths, Network::teacher);
    CHECK(student.layers.size() == 2);
    CHECK(at::allclose(student.layers[1], teacher.layers[1]));
  }
}

TEST_CASE("an image head predicts through a Linear layer; without it the layer is not trained") {
  Config config = small_image();
  CHECK_FALSE(Data2Vec1(config, Precision::fp32).layout().at("final_proj.weight").trainable);
  config.data2vec1.image_head = true;
  CHECK(Data2Vec1(config, Precision::fp32).layout().at("final_proj.weight").trainable);
}

TEST_CASE("settings that do not fit together are refused with the names of the keys") {
  const auto refused = [](auto change, const char* key) {
    Config config = small_image();
    change(config);
    CHECK_THROWS_WITH_AS(Data2Vec1(config, Precision::fp32), doctest::Contains(key), UsageError);
  };
  refused([](Config& c) { c.mask.clones = 2; }, "mask.clones");
  refused([](Config& c) { c.target.layers = 3; }, "target.layers");
  refused([](Config& c) { c.model.heads = 5; }, "model.heads");
  refused([](Config& c) { c.model.layer_norm_first = true; }, "model.layer_norm_first");
  refused([](Config& c) { c.data2vec1.random_share = 0.5; }, "data2vec1.random_share");
}
