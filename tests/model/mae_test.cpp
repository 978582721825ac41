#include "d2v/model/mae.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "small_models.h"
#include "small_pictures.h"

#include "doctest.h"

using namespace d2v;

namespace {

Config small_mae() {
  Config config = test::small_pictures();
  config.model.objective = ObjectiveKind::mae;
  config.mae.decoder_dim = 8;
  return config;
}

DeviceBatch pictures(int64_t samples, int64_t clones = 1) {
  DeviceBatch batch = test::masked_batch(std::vector<int64_t>(samples, 16), 16, clones, 12);
  batch.lengths.reset();
  batch.input = at::randn({samples, 3, 16, 16});
  return batch;
}

}  // namespace

TEST_CASE("MAE has no teacher, and its loss is the mean over the pixels of masked patches") {
  Mae model(small_mae(), Precision::fp32);
  CHECK_FALSE(model.teacher().defined());
  const DeviceBatch batch = pictures(3);
  const StepOutput out = model.forward(batch, test::key_of(batch), nullptr);
  CHECK(out.sample_size == 36);
  // A fresh model predicts nearly nothing: normalised pixels have a mean square of 47/48.
  CHECK(out.loss.item<double>() / 36 == doctest::Approx(1).epsilon(0.5));
  model.backward(out.loss, 1);
  for (const Parameter& p : model.layout().all())
    if (p.trainable && !p.name.ends_with("qkv.bias"))
      CHECK_MESSAGE(view_of(model.gradients(), p).abs().max().item<float>() > 0, p.name);
}

TEST_CASE("loss and gradients are equal with and without a trace, for several masks of a picture too") {
  for (int64_t clones : {1, 3}) {
    Mae model(small_mae(), Precision::fp32);
    const DeviceBatch batch = pictures(2, clones);
    const StepOutput plain = model.forward(batch, test::key_of(batch), nullptr);
    model.backward(plain.loss, 1);
    const at::Tensor gradients = model.gradients().clone();
    model.zero_gradients();
    Trace trace;
    const StepOutput traced = model.forward(batch, test::key_of(batch), &trace);
    model.backward(traced.loss, 1);
    CHECK(test::error_of(traced.loss, plain.loss) < 1e-6);
    CHECK(test::error_of(model.gradients(), gradients) < 1e-5);
  }
}

TEST_CASE("what stands at masked patches does not reach the encoder") {
  Mae model(small_mae(), Precision::fp32);
  const auto encoder_output = [&](const DeviceBatch& batch) {
    at::Tensor out;
    Trace trace;
    trace.record = [&](const std::string& stage, const at::Tensor& value) {
      if (stage == "encoder_output") out = value;
    };
    model.forward(batch, test::key_of(batch), &trace);
    return out;
  };
  DeviceBatch batch = pictures(1);
  const at::Tensor before = encoder_output(batch);
  const int64_t patch = batch.masked[0][0][0].item<int64_t>(), row = patch / 4 * 4, column = patch % 4 * 4;
  batch.input = batch.input.clone();
  batch.input.slice(2, row, row + 4).slice(3, column, column + 4).fill_(9);
  CHECK(at::equal(encoder_output(batch), before));
}

TEST_CASE("embeddings list every block, CLS first; bf16 follows fp32") {
  Mae full(small_mae(), Precision::fp32), low(small_mae(), Precision::bf16);
  const DeviceBatch batch = pictures(2);
  const Features features = full.embed(batch.input, Network::student);
  CHECK(features.layers.size() == 2);
  CHECK(features.extra_tokens == 1);
  CHECK(features.layers[1].sizes() == at::IntArrayRef({2, 17, 16}));
  const StepKey key = test::key_of(batch);
  CHECK(test::error_of(low.forward(batch, key, nullptr).loss, full.forward(batch, key, nullptr).loss) < 2e-2);
  CHECK_THROWS_AS(full.embed_padded(batch.input, at::ones({2}, at::kLong), Network::student), UsageError);
}

TEST_CASE("MAE is for pictures") {
  Config config = small_mae();
  config.model.modality = Modality::text;
  CHECK_THROWS_WITH_AS(Mae(config, Precision::fp32), doctest::Contains("model.modality"), UsageError);
}
