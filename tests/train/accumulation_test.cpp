// Gradient accumulation with the real model: the same update from one slice and from several.

#include "d2v/base/philox.h"
#include "d2v/model/objective.h"
#include "d2v/nn/aten.h"
#include "d2v/train/update.h"

#include "doctest.h"

using namespace d2v;

namespace {

constexpr int64_t kBatch = 8, kClones = 3, kSide = 4, kT = kSide * kSide, kVisible = 6, kPixels = 16;

Config accumulating_config() {
  Config config;
  config.image.size = kPixels;
  config.image.patch = kPixels / kSide;
  config.mask.clones = kClones;
  config.model.dim = 48;  // = patch² · channels, which the reconstruction loss needs
  config.model.heads = 4;
  config.model.prenet_depth = 1;
  config.model.depth = 2;
  config.decoder.dim = 32;
  config.decoder.groups = 4;
  config.decoder.layers = 2;
  config.target.layers = 2;
  config.loss.cls = 1;
  config.loss.recon = 1;
  config.model.encoder_dropout = 0.1;  // numbers that depend on the sample must not depend on the slice
  return config;
}

// Part `part` of an update of kBatch samples that is cut into `parts`.
BatchPtr slice_of(int64_t part, int64_t parts) {
  auto slice = std::make_unique<Batch>();
  slice->part = part;
  slice->update_samples = kBatch;
  slice->update_sample_size = kBatch * kClones * (kT - kVisible);
  slice->samples = kBatch / parts;
  slice->clones = kClones;
  slice->positions = kT;
  slice->visible_count = kVisible;
  slice->input_shape = {slice->samples, 3, kPixels, kPixels};
  constexpr int64_t values = 3 * kPixels * kPixels;
  slice->input.resize(static_cast<size_t>(slice->samples * values));
  slice->visible.resize(static_cast<size_t>(slice->samples * kClones * kVisible));
  slice->masked.resize(static_cast<size_t>(slice->samples * kClones * (kT - kVisible)));
  int64_t *visible = slice->visible.data(), *masked = slice->masked.data();
  for (int64_t i = 0; i < slice->samples; ++i) {
    const auto id = static_cast<uint64_t>(part * slice->samples + i);
    slice->refs.push_back({id, 0});
    Philox({.seed = 5, .sample = id}).fill_normal({slice->input.data() + i * values, values}, 0, 1);
    for (uint32_t m = 0; m < kClones; ++m) {
      // The visible positions are a run that starts anywhere and goes round.
      const int64_t start = Philox({.seed = 6, .sample = id, .clone = m}).below(kT);
      for (int64_t t = 0; t < kT; ++t) *((t - start + kT) % kT < kVisible ? visible++ : masked++) = t;
    }
  }
  return slice;
}

UpdateValues update_of(Objective& objective, int64_t parts) {
  int64_t part = 0;
  const SliceStream stream{[&] { return slice_of(part++, parts); }, {}};
  AdamState adam(objective.layout());
  return run_update(objective, stream, {.seed = 9, .lr = 0}, {}, adam);
}

}  // namespace

TEST_CASE("slices of an update give the gradient of the whole batch, CLS and reconstruction terms included") {
  const auto whole = make_objective(accumulating_config(), Precision::fp32),
             sliced = make_objective(accumulating_config(), Precision::fp32);
  const UpdateValues one = update_of(*whole, 1);
  for (const int64_t parts : {2, 4, 8}) {
    CAPTURE(parts);
    const UpdateValues many = update_of(*sliced, parts);
    CHECK(many.sample_size == one.sample_size);
    CHECK(many.loss.item<double>() == doctest::Approx(one.loss.item<double>()).epsilon(1e-6));
    REQUIRE(many.parts.size() == 3);
    for (size_t i = 0; i < 3; ++i) {
      CAPTURE(one.parts[i].name);
      CHECK(many.parts[i].value.item<double>() ==
            doctest::Approx(one.parts[i].value.item<double>()).epsilon(1e-6));
    }
    CHECK(many.step.gradient_norm == doctest::Approx(one.step.gradient_norm).epsilon(1e-6));
    const double largest = whole->gradients().abs().max().item<double>();
    CHECK((whole->gradients() - sliced->gradients()).abs().max().item<double>() < 1e-6 * largest);
  }
}
