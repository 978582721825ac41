// data2vec 2.0 on spectrograms: a rectangular grid from the patch embedding to the decoder, and steps that lower the loss.
#include <cstdlib>
#include <map>

#include "d2v/base/check.h"
#include "d2v/base/patches.h"
#include "d2v/model/data2vec1.h"
#include "d2v/model/data2vec2.h"
#include "d2v/model/mae.h"
#include "d2v/nn/aten.h"
#include "small_models.h"

#include "doctest.h"

using namespace d2v;

namespace {

constexpr int64_t kRows = 5, kColumns = 2, kPatches = kRows * kColumns;

// 5 x 2 patches of 8 frames and 8 bins.
Config small_spectrogram() {
  Config config;
  config.model.modality = Modality::spectrogram;
  config.spectrogram.bins = 16;
  config.spectrogram.frames = 40;
  config.spectrogram.patch = 8;
  config.model.dim = 32;
  config.model.heads = 4;
  config.model.prenet_depth = 1;
  config.model.depth = 2;
  config.decoder.dim = 32;
  config.decoder.groups = 4;
  config.decoder.layers = 2;
  config.target.layers = 2;
  config.loss.cls = 1;
  config.mask.clones = 2;
  return config;
}

DeviceBatch spectrogram_batch(int64_t samples, int64_t masked = 7) {
  at::manual_seed(9);
  DeviceBatch batch = test::masked_batch(std::vector<int64_t>(static_cast<size_t>(samples), kPatches),
                                         kPatches, /*clones=*/2, masked);
  batch.lengths = at::Tensor();
  batch.input = at::randn({samples, 1, 40, 16});
  return batch;
}

// Rows of (1, T, D) in which two tensors differ.
std::vector<int64_t> different_rows(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor rows = (a != b).any(-1).flatten().nonzero().flatten().contiguous();
  return {rows.const_data_ptr<int64_t>(), rows.const_data_ptr<int64_t>() + rows.numel()};
}

}  // namespace

TEST_CASE("patch t of the local features is the one in row t / columns, column t % columns") {
  const Config config = small_spectrogram();
  Data2Vec2 model(config, Precision::fp32);
  DeviceBatch batch = spectrogram_batch(1);
  batch.input.zero_();
  const at::Tensor nothing = model.forward(batch, test::key_of(batch), nullptr).local_features;
  CHECK(nothing.sizes() == at::IntArrayRef({1, kPatches, 32}));
  for (int64_t t = 0; t < kPatches; ++t) {
    const int64_t frame = 8 * (t / kColumns), bin = 8 * (t % kColumns);
    batch.input.zero_();
    batch.input.slice(2, frame, frame + 8).slice(3, bin, bin + 8).fill_(1);
    const at::Tensor z = model.forward(batch, test::key_of(batch), nullptr).local_features;
    CHECK(different_rows(z, nothing) == std::vector<int64_t>{t});
  }
}

TEST_CASE("position t encodes its column in the first half and its row in the second") {
  Data2Vec2 model(small_spectrogram(), Precision::fp32);
  const at::Tensor positions = view_of(
      model.weights(), model.layout().at("modality_encoders.IMAGE.fixed_positional_encoder.positions"));
  REQUIRE(positions.sizes() == at::IntArrayRef({1, kPatches, 32}));
  for (int64_t a = 0; a < kPatches; ++a) {
    for (int64_t b = 0; b < kPatches; ++b) {
      const at::Tensor one = positions[0][a], other = positions[0][b];
      CHECK(at::equal(one.slice(0, 0, 16), other.slice(0, 0, 16)) == (a % kColumns == b % kColumns));
      CHECK(at::equal(one.slice(0, 16), other.slice(0, 16)) == (a / kColumns == b / kColumns));
    }
  }
}

TEST_CASE("the decoder's convolutions join the neighbours of (row, column), and no others") {
  DecoderConfig config;
  config.dim = 8;
  config.groups = 2;
  config.layers = 1;
  config.residual = false;
  at::manual_seed(4);
  const ConvDecoderWeights weights{{at::randn({8, 4, 3, 3})}, {at::randn({8})}, {}, {}};
  const at::Tensor x = at::randn({1, kPatches, 8});
  for (int64_t t = 0; t < kPatches; ++t) {
    std::vector<int64_t> near;
    for (int64_t other = 0; other < kPatches; ++other)
      if (std::abs(other / kColumns - t / kColumns) <= 1 && std::abs(other % kColumns - t % kColumns) <= 1)
        near.push_back(other);
    at::Tensor changed = x.clone();
    changed[0][t].add_(1);
    CAPTURE(t);
    CHECK(different_rows(conv_decoder_layers(weights, config, changed, kRows, kColumns),
                         conv_decoder_layers(weights, config, x, kRows, kColumns)) == near);
    CHECK(different_rows(plain_conv_layers(weights, config, changed, kRows, kColumns),
                         plain_conv_layers(weights, config, x, kRows, kColumns)) == near);
  }
}

TEST_CASE("the student sees the kept patches of each mask, and they come back to their places") {
  const Config config = small_spectrogram();
  Data2Vec2 model(config, Precision::fp32);
  const DeviceBatch batch = spectrogram_batch(2);
  std::map<std::string, at::Tensor> stages;
  Trace trace;
  trace.decoder_noise = at::zeros({4, 7, 32});
  trace.record = [&](const std::string& stage, const at::Tensor& value) { stages[stage] = value.clone(); };
  model.forward(batch, test::key_of(batch), &trace);
  const at::Tensor positions = view_of(
      model.weights(), model.layout().at("modality_encoders.IMAGE.fixed_positional_encoder.positions"));
  CHECK(stages.at("student_encoder_input").sizes() == at::IntArrayRef({4, 1 + 3, 32}));
  CHECK(stages.at("decoder_output").sizes() == at::IntArrayRef({4, kPatches, 32}));
  CHECK(stages.at("targets").sizes() == at::IntArrayRef({2, kPatches, 32}));
  for (int64_t row = 0; row < 4; ++row) {
    const at::Tensor kept = batch.visible.flatten(0, 1)[row], hidden = batch.masked.flatten(0, 1)[row];
    const at::Tensor wanted = (stages.at("local_features")[row / 2] + positions[0]).index_select(0, kept);
    CHECK(at::allclose(stages.at("student_encoder_input")[row].slice(0, 1), wanted));
    const at::Tensor decoded = stages.at("decoder_input")[row];
    CHECK(at::equal(decoded.index_select(0, kept), stages.at("encoder_output")[row].slice(0, 1)));
    CHECK(decoded.index_select(0, hidden).abs().max().item<float>() == 0);
  }
}

TEST_CASE("steps down the gradient lower the loss, the utterance's part too") {
  for (const bool alibi : {false, true}) {
    Config config = small_spectrogram();
    config.model.alibi = alibi;
    CAPTURE(alibi);
    Data2Vec2 model(config, Precision::fp32);
    const DeviceBatch batch = spectrogram_batch(3);
    std::vector<double> losses, utterance;
    for (int step = 0; step < 30; ++step) {
      model.zero_gradients();
      const StepOutput out = model.forward(batch, test::key_of(batch), nullptr);
      model.backward(out.loss, 1);
      losses.push_back(out.loss.item<double>());
      for (const Monitored& part : out.parts)
        if (part.name == "cls") utterance.push_back(part.value.item<double>());
      // A twentieth of the loss, were it linear.
      const double square = model.gradients().square().sum().item<double>();
      model.weights().sub_(model.gradients() * (0.05 * losses.back() / square));
      model.weights_changed();
    }
    REQUIRE(utterance.size() == 30);
    CHECK(losses.back() < 0.7 * losses.front());
    CHECK(utterance.back() < utterance.front());
  }
}

TEST_CASE("embeddings have every patch and the utterance's token") {
  Data2Vec2 model(small_spectrogram(), Precision::fp32);
  const DeviceBatch batch = spectrogram_batch(3);
  const Features features = model.embed(batch.input, Network::teacher);
  CHECK(features.layers.size() == 3);
  CHECK(features.layers[2].sizes() == at::IntArrayRef({3, 1 + kPatches, 32}));
  CHECK(features.extra_tokens == 1);
  CHECK_THROWS_AS(model.embed_padded(batch.input, at::full({3}, 4, at::kLong), Network::teacher), UsageError);
}

TEST_CASE("what spectrograms do not have is refused with the name of the key") {
  const auto refused = [](auto&& make, const char* key) {
    try {
      make();
      FAIL_CHECK("accepted");
    } catch (const UsageError& error) {
      CHECK(std::string(error.what()).find(key) != std::string::npos);
    }
  };
  Config config = small_spectrogram();
  config.spectrogram.patch = 6;
  refused([&] { Data2Vec2::declare(config); }, "spectrogram.patch");
  config = small_spectrogram();
  config.loss.recon = 1;
  refused([&] { Data2Vec2::declare(config); }, "spectrogram.patch");
  config = small_spectrogram();
  config.mask.clones = 1;
  refused([&] { Data2Vec1::declare(config); }, "model.modality");
  refused([&] { Mae::declare(config); }, "model.modality");
}
