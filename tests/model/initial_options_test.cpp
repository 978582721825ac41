// Options of how weights start (sections 2 and 11 of the method): model.mae_init, model.init_extra_token_zero, MAE's own.
#include <cmath>

#include "d2v/model/objective.h"
#include "d2v/nn/aten.h"
#include "small_models.h"

#include "doctest.h"

using namespace d2v;

namespace {

struct Values {
  double mean, std, largest;
  int64_t count;
};

Values values_of(Objective& model, const std::string& name) {
  const at::Tensor value = view_of(model.weights(), model.layout().at(name));
  return {value.mean().item<double>(), value.numel() > 1 ? value.std().item<double>() : 0,
          value.abs().max().item<double>(), value.numel()};
}

// Five standard errors of the mean and of the deviation (a uniform's is smaller than a normal's).
void check_spread(const Values& v, double std) {
  const double n = static_cast<double>(v.count);
  CHECK(std::abs(v.mean) < 5 * std / std::sqrt(n));
  CHECK(std::abs(v.std - std) < 5 * std / std::sqrt(2 * n));
}

void check_normal(const Values& v, double std) {
  check_spread(v, std);
  CHECK(v.largest > 2.5 * std);
}

// U(±bound): nothing beyond the bound, something near it.
void check_uniform(const Values& v, double bound) {
  check_spread(v, bound / std::sqrt(3.0));
  CHECK(v.largest <= bound);
  CHECK(v.largest > 0.95 * bound);
}

double xavier(double rows, double columns) { return std::sqrt(6 / (rows + columns)); }

void check_constant(Objective& model, const std::string& name, float value) {
  CHECK_MESSAGE(view_of(model.weights(), model.layout().at(name)).eq(value).all().item<bool>(), name);
}

// Every Linear of a block's, by name below the block, as (rows, columns).
struct LinearShape {
  const char* name;
  int64_t rows, columns;
};
std::vector<LinearShape> linears(int64_t d) {
  return {{"attn.qkv", 3 * d, d}, {"attn.proj", d, d}, {"mlp.fc1", 4 * d, d}, {"mlp.fc2", d, 4 * d}};
}

void check_mae_block(Objective& model, const std::string& block, int64_t d) {
  for (const LinearShape& linear : linears(d)) {
    const std::string name = block + linear.name;
    CAPTURE(name);
    check_uniform(values_of(model, name + ".weight"),
                  xavier(static_cast<double>(linear.rows), static_cast<double>(linear.columns)));
    check_constant(model, name + ".bias", 0);
  }
  for (const char* norm : {"norm1", "norm2"}) {
    check_constant(model, block + norm + ".weight", 1);
    check_constant(model, block + norm + ".bias", 0);
  }
}

Config small_picture_config() {
  Config config;
  config.image.size = 16;
  config.image.patch = 4;
  config.model.dim = 64;
  config.model.heads = 4;
  config.model.prenet_depth = 1;
  config.model.depth = 2;
  config.decoder.dim = 32;
  config.decoder.groups = 4;
  config.decoder.layers = 2;
  config.target.layers = 2;
  return config;
}

}  // namespace

TEST_CASE("model.mae_init: Linear layers of all blocks are Xavier-uniform with zero bias, else N(0, 0.02²)") {
  Config config = small_picture_config();
  const std::string image = "modality_encoders.IMAGE.";
  const std::vector<std::string> blocks{"blocks.0.", "blocks.1.", image + "context_encoder.blocks.0."};
  {
    const auto model = make_objective(config, Precision::fp32);
    for (const std::string& block : blocks) {
      for (const LinearShape& linear : linears(64)) {
        CAPTURE(linear.name);
        check_normal(values_of(*model, block + linear.name + ".weight"), 0.02);
        check_constant(*model, block + linear.name + ".bias", 0);
      }
    }
  }
  config.model.mae_init = true;
  const auto model = make_objective(config, Precision::fp32);
  for (const std::string& block : blocks) check_mae_block(*model, block, 64);
  // Reset afterwards, or no Linear: as without the option.
  check_uniform(values_of(*model, image + "decoder.proj.weight"), 1 / std::sqrt(32.0));
  check_uniform(values_of(*model, image + "decoder.blocks.0.0.weight"), 1 / std::sqrt(64.0 / 4 * 9));
  check_uniform(values_of(*model, image + "local_encoder.proj.weight"), xavier(64, 48));
}

TEST_CASE("model.mae_init reaches the text decoder's projection, which the others reset") {
  Config config = test::small_text();
  const std::string name = "modality_encoders.TEXT.decoder.proj.0.weight";  // (32, 16)
  check_normal(values_of(*make_objective(config, Precision::fp32), name), 0.02);
  config.model.mae_init = true;
  check_uniform(values_of(*make_objective(config, Precision::fp32), name), xavier(32, 16));
}

TEST_CASE(
    "MAE starts as its paper does: Xavier everywhere, N(0, 0.02²) tokens, fixed positions, no option "
    "needed") {
  Config config = small_picture_config();
  config.model.objective = ObjectiveKind::mae;
  config.mae.decoder_dim = 32;
  config.mae.decoder_heads = 4;
  config.mae.decoder_depth = 2;
  REQUIRE_FALSE(config.model.mae_init);
  const auto model = make_objective(config, Precision::fp32);
  check_uniform(values_of(*model, "patch_embed.proj.weight"), xavier(64, 48));
  for (const char* block : {"blocks.0.", "blocks.1."}) check_mae_block(*model, block, 64);
  for (const char* block : {"decoder_blocks.0.", "decoder_blocks.1."}) check_mae_block(*model, block, 32);
  check_uniform(values_of(*model, "decoder_embed.weight"), xavier(32, 64));
  check_uniform(values_of(*model, "decoder_pred.weight"), xavier(48, 32));
  check_constant(*model, "decoder_embed.bias", 0);
  check_constant(*model, "decoder_pred.bias", 0);
  for (const char* norm : {"norm", "decoder_norm"}) {
    check_constant(*model, std::string(norm) + ".weight", 1);
    check_constant(*model, std::string(norm) + ".bias", 0);
  }
  check_spread(values_of(*model, "cls_token"), 0.02);
  check_spread(values_of(*model, "mask_token"), 0.02);
  for (const char* positions : {"pos_embed", "decoder_pos_embed"}) {
    CHECK_FALSE(model->layout().at(positions).trainable);
    const at::Tensor value = view_of(model->weights(), model->layout().at(positions));
    CHECK(value.select(1, 0).abs().max().item<float>() == 0);                         // the CLS token's
    CHECK(value.slice(1, 1).square().mean().item<double>() == doctest::Approx(0.5));  // of sines and cosines
  }
}

TEST_CASE(
    "model.init_extra_token_zero: the first extra token starts at 0, the others at N(0, 1) in either case") {
  for (const int64_t tokens : {1, 3}) {
    for (const bool zero : {false, true}) {
      CAPTURE(tokens);
      CAPTURE(zero);
      Config config = small_picture_config();
      config.model.dim = 256;
      config.model.extra_tokens = tokens;
      config.model.init_extra_token_zero = zero;
      const auto model = make_objective(config, Precision::fp32);
      const Parameter& p = model->layout().at("modality_encoders.IMAGE.extra_tokens");
      CHECK(p.shape == std::vector<int64_t>{1, tokens, 256});
      CHECK(p.trainable);
      const at::Tensor value = view_of(model->weights(), p)[0];
      for (int64_t e = 0; e < tokens; ++e) {
        if (zero && e == 0) {
          CHECK(value[e].abs().max().item<float>() == 0);
        } else {
          CHECK(std::abs(value[e].mean().item<double>()) < 5 / 16.0);
          CHECK(std::abs(value[e].std().item<double>() - 1) < 5 / std::sqrt(512.0));
        }
      }
      // The teacher starts as a copy.
      CHECK(at::equal(view_of(model->teacher(), p)[0], value));
      // A token at 0 learns all the same.
      DeviceBatch batch = test::masked_batch({16, 16}, 16, 2, 10);
      batch.lengths.reset();
      batch.input = at::randn({2, 3, 16, 16});
      model->backward(model->forward(batch, test::key_of(batch), nullptr).loss, 1);
      CHECK(view_of(model->gradients(), p).abs().amax({0, 2}).min().item<float>() > 0);
    }
  }
}
