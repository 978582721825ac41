// A decoder of another width than the encoder, through the whole step of each modality: shapes, what the layers compute,
// and gradients that are the slope of the loss.
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "d2v/nn/aten.h"
#include "small_models.h"

#include "doctest.h"

using namespace d2v;

namespace {

struct Variant {
  Modality modality;
  int64_t encoder_dim, dim, groups, kernel, layers;
  bool residual;
  int64_t projections = 1;
};

const std::vector<Variant> variants{
    {Modality::image, 32, 16, 4, 3, 3, true},     {Modality::image, 32, 48, 16, 5, 2, true},
    {Modality::image, 32, 64, 2, 4, 2, false},    {Modality::speech, 32, 16, 4, 5, 3, true},
    {Modality::speech, 32, 96, 8, 7, 2, true},    {Modality::speech, 32, 24, 4, 4, 2, false},
    {Modality::text, 32, 16, 1, 9, 2, false, 2},  {Modality::text, 32, 80, 1, 3, 2, true, 1},
    {Modality::text, 32, 48, 16, 5, 3, false, 3},
};

Config variant_config(const Variant& v) {
  Config config = v.modality == Modality::text ? test::small_text() : test::small_speech();
  if (v.modality == Modality::image) {
    config = Config();
    config.image.size = 16;
    config.image.patch = 4;
    config.model.heads = 4;
    config.model.prenet_depth = 1;
    config.model.depth = 2;
    config.target.layers = 2;
  }
  config.model.dim = v.encoder_dim;
  config.decoder.dim = v.dim;
  config.decoder.groups = v.groups;
  config.decoder.kernel = v.kernel;
  config.decoder.layers = v.layers;
  config.decoder.residual = v.residual;
  config.decoder.projection_layers = v.projections;
  return config;
}

DeviceBatch variant_batch(const Config& config) {
  if (config.model.modality == Modality::text) return test::text_batch(config, {13, 13});
  if (config.model.modality == Modality::speech) return test::speech_batch(config, {13, 13});
  DeviceBatch batch = test::masked_batch({16, 16}, 16, 2, 10);
  batch.lengths.reset();
  batch.input = at::randn({2, 3, 16, 16});
  return batch;
}

std::string decoder_prefix(const Config& config) {
  const char* part = config.model.modality == Modality::image  ? "IMAGE"
                     : config.model.modality == Modality::text ? "TEXT"
                                                               : "AUDIO";
  return fmt::format("modality_encoders.{}.decoder.", part);
}

// Section 7 of the method, position by position: x (R, T, D) → predictions (R, T, D).
at::Tensor decoded_by_hand(Objective& model, const Config& config, const at::Tensor& x) {
  const DecoderConfig& d = config.decoder;
  const auto weight = [&](const std::string& name) {
    return view_of(model.weights(), model.layout().at(decoder_prefix(config) + name));
  };
  const bool grid = config.model.modality == Modality::image;
  const int64_t rows = x.size(0), length = x.size(1);
  at::Tensor y = x;
  for (int64_t i = 0; i < d.layers; ++i) {
    const std::string conv = fmt::format("blocks.{}.0.", i);
    at::Tensor z;
    if (grid) {
      const at::Tensor plane = y.transpose(1, 2).reshape({rows, -1, 4, 4});
      z = at::conv2d(plane, weight(conv + "weight"), weight(conv + "bias"), 1, d.kernel / 2, 1, d.groups)
              .slice(2, 0, 4)
              .slice(3, 0, 4)
              .flatten(2);
    } else {
      z = at::conv1d(y.transpose(1, 2), weight(conv + "weight"), weight(conv + "bias"), 1, d.kernel / 2, 1,
                     d.groups)
              .slice(2, 0, length);
    }
    z = z.transpose(1, 2);
    z = (z - z.mean(2, true)) / (z.var(2, false, true) + 1e-5).sqrt();
    z = z * 0.5 * (1 + at::erf(z / std::sqrt(2.0)));
    y = d.residual && y.size(2) == z.size(2) ? z + y : z;
  }
  const bool several = d.projection_layers > 1;
  for (int64_t i = 0; i < d.projection_layers; ++i) {
    if (i > 0) y = at::gelu(y);
    const std::string proj = several ? fmt::format("proj.{}.", 2 * i) : std::string("proj.");
    y = at::linear(y, weight(proj + "weight"), weight(proj + "bias"));
  }
  return y;
}

}  // namespace

TEST_CASE("a decoder of another width computes what section 7 says, and predicts in the encoder's width") {
  at::manual_seed(11);
  for (const Variant& v : variants) {
    CAPTURE(name_of(v.modality));
    CAPTURE(v.dim);
    const Config config = variant_config(v);
    const auto model = make_objective(config, Precision::fp32);
    const DeviceBatch batch = variant_batch(config);
    std::map<std::string, at::Tensor> stages;
    Trace trace;
    trace.record = [&](const std::string& stage, const at::Tensor& value) { stages[stage] = value.clone(); };
    const StepOutput out = model->forward(batch, test::key_of(batch), &trace);
    const at::Tensor input = stages.at("decoder_input"), output = stages.at("decoder_output");
    CHECK(output.sizes() == input.sizes());
    CHECK(output.size(2) == v.encoder_dim);
    CHECK(test::error_of(output, decoded_by_hand(*model, config, input)) < 2e-5);
    CHECK(out.prediction_moments.sizes() == at::IntArrayRef({3, v.encoder_dim}));
    const Parameter& first = model->layout().at(decoder_prefix(config) + "blocks.0.0.weight");
    CHECK(first.shape[0] == v.dim);
    CHECK(first.shape[1] == v.encoder_dim / v.groups);

    // The projection at masked positions only gives the same loss and gradients.
    model->zero_gradients();
    model->backward(out.loss, 1);
    const at::Tensor gradients = model->gradients().clone();
    model->zero_gradients();
    const StepOutput plain = model->forward(batch, test::key_of(batch), nullptr);
    model->backward(plain.loss, 1);
    CHECK(test::error_of(plain.loss, out.loss) < 1e-6);
    CHECK(test::error_of(model->gradients(), gradients) < 1e-5);
  }
}

TEST_CASE(
    "with a decoder of another width the gradient is the slope of the loss, in the decoder and before it") {
  at::manual_seed(12);
  for (const Variant& v : variants) {
    CAPTURE(name_of(v.modality));
    CAPTURE(v.dim);
    Config config = variant_config(v);
    config.loss.cls = 0;
    const auto model = make_objective(config, Precision::fp32);
    // Away from N(0, 0.02²), where slopes are too small for differences in fp32.
    for (const Parameter& p : model->layout().all())
      if (p.trainable && p.init == Init::normal) view_of(model->weights(), p).mul_(5);
    model->weights_changed();
    const DeviceBatch batch = variant_batch(config);
    const auto loss = [&] { return model->evaluate(batch, test::key_of(batch)).loss.item<double>(); };
    model->zero_gradients();
    model->backward(model->forward(batch, test::key_of(batch), nullptr).loss, 1);
    const std::string prefix = decoder_prefix(config);
    for (const std::string& part : {prefix, std::string("blocks.")}) {
      CAPTURE(part);
      at::Tensor direction = at::zeros_like(model->weights());
      for (const Parameter& p : model->layout().all())
        if (p.name.starts_with(part)) view_of(direction, p).copy_(view_of(model->gradients(), p));
      const double norm = direction.norm().item<double>();
      REQUIRE(norm > 0);
      direction.div_(norm);
      const at::Tensor origin = model->weights().clone();
      const auto at_step = [&](double h) {
        model->weights().copy_(origin + direction * h);
        model->weights_changed();
        const double value = loss();
        model->weights().copy_(origin);
        model->weights_changed();
        return value;
      };
      // A share of the loss far above its rounding, and so small that the curve is straight.
      const double h = 2e-3 * loss() / norm;
      CHECK((at_step(h) - at_step(-h)) / (2 * h) == doctest::Approx(norm).epsilon(0.02));
    }
  }
}
