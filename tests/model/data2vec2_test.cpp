#include "d2v/model/data2vec2.h"

#include <ATen/Parallel.h>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/positions.h"
#include "small_pictures.h"

#include "doctest.h"

using namespace d2v;

namespace {

Config small_config() {
  Config config = test::small_pictures(32);
  config.mask.clones = 3;
  return config;
}

DeviceBatch small_batch(int64_t samples, int64_t clones = 3) {
  DeviceBatch batch;
  at::manual_seed(5);
  batch.input = at::randn({samples, 3, 16, 16});
  const at::Tensor order = at::rand({samples, clones, 16}).argsort(-1, false);
  batch.visible = std::get<0>(order.slice(2, 0, 4).sort(-1)).contiguous();
  batch.masked = std::get<0>(order.slice(2, 4).sort(-1)).contiguous();
  for (int64_t i = 0; i < samples; ++i) batch.refs.push_back({static_cast<uint64_t>(100 + i), 0});
  return batch;
}

StepKey key_of(const DeviceBatch& batch, int64_t update = 1) {
  return {1, update, 0, batch.input.size(0), batch.masked.numel()};
}

double flat_error(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).abs().max() / b.abs().max()).item<double>();
}

}  // namespace

TEST_CASE("loss and gradients are equal with and without a trace") {
  const Config config = small_config();
  Data2Vec2 model(config, Precision::fp32);
  const DeviceBatch batch = small_batch(2);
  const StepOutput plain = model.forward(batch, key_of(batch), nullptr);
  model.backward(plain.loss, 1);
  const at::Tensor gradients = model.gradients().clone();
  Trace trace;
  int stages = 0;
  trace.record = [&](const std::string&, const at::Tensor&) { ++stages; };
  model.zero_gradients();
  const StepOutput traced = model.forward(batch, key_of(batch), &trace);
  model.backward(traced.loss, 1);
  CHECK(stages > 8);
  CHECK(flat_error(traced.loss.detach(), plain.loss.detach()) < 1e-6);
  CHECK(flat_error(model.gradients(), gradients) < 2e-6);
}

TEST_CASE("two slices of an update give the gradients of the whole batch, CLS term included") {
  Config config = small_config();
  config.loss.cls = 0.5;
  Data2Vec2 model(config, Precision::fp32);
  const DeviceBatch whole = small_batch(4);
  const StepKey key = key_of(whole);
  model.backward(model.forward(whole, key, nullptr).loss, 1.0 / static_cast<double>(whole.masked.numel()));
  const at::Tensor gradients = model.gradients().clone();
  model.zero_gradients();
  for (int64_t half : {0, 1}) {
    DeviceBatch part;
    part.input = whole.input.slice(0, 2 * half, 2 * half + 2).contiguous();
    part.visible = whole.visible.slice(0, 2 * half, 2 * half + 2).contiguous();
    part.masked = whole.masked.slice(0, 2 * half, 2 * half + 2).contiguous();
    part.refs.assign(whole.refs.begin() + 2 * half, whole.refs.begin() + 2 * half + 2);
    model.backward(model.forward(part, key, nullptr).loss, 1.0 / static_cast<double>(whole.masked.numel()));
  }
  CHECK(flat_error(model.gradients(), gradients) < 1e-6);
}

TEST_CASE("the gradient is that of the loss: finite differences along random directions") {
  for (bool alibi : {false, true}) {
    Config config = small_config();
    config.model.alibi = alibi;
    config.model.alibi_scale_learned = alibi;
    config.model.alibi_scale_per_head = alibi;
    config.model.alibi_scale_per_layer = alibi;
    config.model.norm_affine = !alibi;
    config.model.extra_tokens = 2;
    config.decoder.kernel = alibi ? 4 : 3;
    config.decoder.add_positions_masked = alibi;
    config.loss.beta = alibi ? 0.7 : 0;
    CAPTURE(alibi);
    Data2Vec2 model(config, Precision::fp32);
    const DeviceBatch batch = small_batch(2);
    model.backward(model.forward(batch, key_of(batch), nullptr).loss, 1);
    const at::Tensor origin = model.weights().clone();
    at::Tensor direction = at::randn_like(origin);
    for (const Parameter& p : model.layout().all()) {
      if (!p.trainable) view_of(direction, p).zero_();
      // Large weights move more, so that the difference stands out of the rounding.
      else
        view_of(direction, p).mul_(view_of(origin, p).abs().mean().clamp_min(0.01));
    }
    const double slope = (model.gradients() * direction).sum().item<double>();
    const auto loss_at = [&](double t) {
      model.weights().copy_(origin + t * direction);
      return model.forward(batch, key_of(batch), nullptr).loss.item<double>();
    };
    const double h = 2e-3;
    CHECK((loss_at(h) - loss_at(-h)) / (2 * h) == doctest::Approx(slope).epsilon(0.01));
  }
}

TEST_CASE("a sample's loss depends neither on its neighbours nor on its place in the batch") {
  Config config = small_config();
  config.model.encoder_dropout = config.model.attention_dropout = config.model.post_mlp_dropout = 0.1;
  config.model.drop_path_end = 0.2;
  Data2Vec2 model(config, Precision::fp32);
  const DeviceBatch pair = small_batch(2);
  DeviceBatch single;
  single.input = pair.input.slice(0, 1, 2).contiguous();
  single.visible = pair.visible.slice(0, 1, 2).contiguous();
  single.masked = pair.masked.slice(0, 1, 2).contiguous();
  single.refs = {pair.refs[1]};
  DeviceBatch first = pair;
  first.input = pair.input.slice(0, 0, 1).contiguous();
  first.visible = pair.visible.slice(0, 0, 1).contiguous();
  first.masked = pair.masked.slice(0, 0, 1).contiguous();
  first.refs = {pair.refs[0]};
  const StepKey key = key_of(pair);
  const double sum = model.forward(single, key, nullptr).loss.item<double>() +
                     model.forward(first, key, nullptr).loss.item<double>();
  CHECK(model.forward(pair, key, nullptr).loss.item<double>() == doctest::Approx(sum).epsilon(1e-5));
}

TEST_CASE("evaluation repeats exactly and differs between updates only by weights") {
  Config config = small_config();
  config.model.encoder_dropout = 0.5;
  Data2Vec2 model(config, Precision::fp32);
  const DeviceBatch batch = small_batch(2);
  CHECK(
      at::equal(model.evaluate(batch, key_of(batch, 1)).loss, model.evaluate(batch, key_of(batch, 9)).loss));
  CHECK_FALSE(at::equal(model.forward(batch, key_of(batch, 1), nullptr).loss,
                        model.forward(batch, key_of(batch, 2), nullptr).loss));
}

TEST_CASE("teachers: own local encoder, the student's local features, or shared blocks only") {
  const DeviceBatch batch = small_batch(2);
  Config config = small_config();
  Data2Vec2 own(config, Precision::fp32);
  config.ema.local_encoder = false;
  Data2Vec2 shared_features(config, Precision::fp32);
  config.ema.encoder_only = true;
  Data2Vec2 blocks_only(config, Precision::fp32);
  CHECK(own.teacher().numel() > shared_features.teacher().numel());
  CHECK(shared_features.teacher().numel() > blocks_only.teacher().numel());
  CHECK(blocks_only.layout().all()[0].name.rfind("blocks.", 0) == 0);
  // Teacher and student start equal, so all three teachers give the same targets.
  const at::Tensor targets = own.forward(batch, key_of(batch), nullptr).targets;
  CHECK(flat_error(shared_features.forward(batch, key_of(batch), nullptr).targets, targets) < 1e-5);
  CHECK(flat_error(blocks_only.forward(batch, key_of(batch), nullptr).targets, targets) < 1e-5);
}

TEST_CASE("embeddings list every block and agree between student and teacher at the start") {
  Data2Vec2 model(small_config(), Precision::fp32);
  const at::Tensor input = small_batch(3).input;
  const Features student = model.embed(input, Network::student),
                 teacher = model.embed(input, Network::teacher);
  CHECK(student.layers.size() == 3);
  CHECK(student.extra_tokens == 1);
  CHECK(student.layers[2].sizes() == at::IntArrayRef({3, 17, 32}));
  CHECK(at::allclose(student.layers[2], teacher.layers[2]));
}

TEST_CASE("bf16 follows fp32 within its precision") {
  const DeviceBatch batch = small_batch(2);
  Data2Vec2 full(small_config(), Precision::fp32), low(small_config(), Precision::bf16);
  const StepOutput a = full.forward(batch, key_of(batch), nullptr),
                   b = low.forward(batch, key_of(batch), nullptr);
  CHECK(flat_error(b.loss.detach(), a.loss.detach()) < 1e-2);
  full.backward(a.loss, 1);
  low.backward(b.loss, 1);
  CHECK((low.gradients().scalar_type() == at::kFloat));
  CHECK(at::cosine_similarity(low.gradients(), full.gradients(), 0).item<double>() > 0.995);
}

TEST_CASE("settings that do not fit together are refused with the names of the keys") {
  const auto refused = [](auto change, const char* key) {
    Config config = small_config();
    change(config);
    try {
      Data2Vec2 model(config, Precision::fp32);
      FAIL_CHECK("accepted");
    } catch (const UsageError& error) {
      CHECK(std::string(error.what()).find(key) != std::string::npos);
    }
  };
  refused([](Config& c) { c.image.patch = 5; }, "image.patch");
  refused([](Config& c) { c.model.heads = 5; }, "model.heads");
  refused([](Config& c) { c.target.layers = 3; }, "target.layers");
  refused([](Config& c) { c.loss.recon = 1; }, "loss.recon");
  refused([](Config& c) { c.model.extra_tokens = 0; }, "loss.cls");
  refused([](Config& c) { c.decoder.groups = 3; }, "decoder.groups");
  const auto speech = [](Config& c) {
    c.model.modality = Modality::speech;
    c.speech.positions_groups = 4;
  };
  refused([&](Config& c) { speech(c), c.speech.positions_groups = 5; }, "speech.positions_groups");
  refused([&](Config& c) { speech(c), c.decoder.add_positions_all = true; }, "decoder.add_positions_all");
  refused([&](Config& c) { speech(c), c.loss.recon = 1; }, "loss.recon");
  refused([&](Config& c) { speech(c), c.target.norm_over = NormOver::all; }, "target.norm_over");
}
