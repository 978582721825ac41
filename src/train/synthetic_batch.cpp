#include "d2v/train/synthetic_batch.h"

#include <algorithm>

#include "d2v/base/check.h"
#include "d2v/base/conv_layers.h"
#include "d2v/base/patches.h"
#include "d2v/base/philox.h"
#include "d2v/nn/aten.h"
#include "d2v/pipeline/masks.h"

namespace d2v {
namespace {

constexpr uint64_t kSeed = 1;
constexpr int64_t kFirstWord = 4;  // below it special tokens

struct Inputs {
  at::Tensor input;
  MaskGrid grid;
};

at::Tensor normal(std::vector<int64_t> shape) {
  at::Tensor out = at::empty(shape, at::kFloat);
  fill_normal({.seed = kSeed}, 0, {out.mutable_data_ptr<float>(), static_cast<size_t>(out.numel())}, 0, 1);
  return out;
}

// Pictures and spectrograms.
Inputs patches(const Config& config) {
  const PatchGrid grid = patch_grid(config);
  return {normal({config.data.batch, grid.channels, grid.height, grid.width}), mask_grid(grid)};
}

Inputs recordings(const Config& config) {
  const auto samples =
      static_cast<int64_t>(config.speech.max_seconds * static_cast<double>(config.speech.sample_rate));
  const int64_t frames = conv_frames(parse_conv_layers(config.speech.conv_layers), samples);
  return {normal({config.data.batch, samples}), sequence_grid(frames)};
}

Inputs texts(const Config& config) {
  const int64_t vocabulary = config.text.vocabulary_size;
  check<UsageError>(vocabulary > kFirstWord + 1,
                    "text.vocabulary_size = {}: made-up text needs the number of tokens; give it with "
                    "--text.vocabulary_size 50265",
                    vocabulary);
  at::Tensor tokens = at::empty({config.data.batch, config.text.block}, at::kLong);
  Philox random({.seed = kSeed});
  int64_t* token = tokens.mutable_data_ptr<int64_t>();
  // The last token of a vocabulary is <mask>.
  for (int64_t i = 0; i < tokens.numel(); ++i)
    token[i] = kFirstWord + random.below(static_cast<uint32_t>(vocabulary - kFirstWord - 1));
  return {tokens, sequence_grid(config.text.block)};
}

Inputs inputs(const Config& config) {
  switch (config.model.modality) {
    case Modality::speech:
      return recordings(config);
    case Modality::text:
      return texts(config);
    default:
      return patches(config);
  }
}

RngKey mask_key(int64_t sample, int64_t clone) {
  return {.seed = kSeed,
          .stream = Stream::mask,
          .sample = static_cast<uint64_t>(sample),
          .clone = static_cast<uint32_t>(clone)};
}

// Spans and BERT's runs hide what the sample with the fewest hides, as in the loader.
MaskPlan slice_plan(const Config& config, const MaskGrid& grid) {
  const MaskPlan plan = plan_masks(config.mask, grid);
  if (plan.kind != MaskKind::spans && plan.kind != MaskKind::bert) return plan;
  int64_t least = grid.positions() - 1;
  MaskScratch scratch;
  for (int64_t b = 0; b < config.data.batch; ++b) {
    for (int64_t m = 0; m < config.mask.clones; ++m)
      least = std::min(least, hidden_before_correction(plan, mask_key(b, m), scratch));
  }
  return plan_masks_of(config.mask, grid, config.mask.prob, std::max<int64_t>(least, 1));
}

}  // namespace

DeviceBatch synthetic_batch(const Config& config) {
  const Inputs made = inputs(config);
  const MaskPlan plan = slice_plan(config, made.grid);
  const int64_t batch = config.data.batch, clones = config.mask.clones;
  DeviceBatch out;
  out.input = made.input;
  out.visible = at::empty({batch, clones, plan.visible}, at::kLong);
  out.masked = at::empty({batch, clones, plan.masked}, at::kLong);
  MaskScratch scratch;
  for (int64_t b = 0; b < batch; ++b) {
    out.refs.push_back({static_cast<uint64_t>(b), 0});
    for (int64_t m = 0; m < clones; ++m) {
      const int64_t row = b * clones + m;
      draw_mask(
          plan, mask_key(b, m), scratch,
          {out.visible.mutable_data_ptr<int64_t>() + row * plan.visible, static_cast<size_t>(plan.visible)},
          {out.masked.mutable_data_ptr<int64_t>() + row * plan.masked, static_cast<size_t>(plan.masked)});
    }
  }
  return out;
}

}  // namespace d2v
