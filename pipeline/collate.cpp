#include "collate.h"

#include <algorithm>
#include <limits>

namespace d2v {
namespace {

constexpr uint32_t kLeftOut = std::numeric_limits<uint32_t>::max();

// Element i of a buffer of equal pieces.
template <class T>
std::span<T> piece(Buffer<T>& buffer, int64_t i, int64_t size) {
  return buffer.span().subspan(static_cast<size_t>(i * size), static_cast<size_t>(size));
}

template <class T>
void move_piece(Buffer<T>& buffer, int64_t from, int64_t to, int64_t size) {
  const auto source = piece(buffer, from, size);
  std::copy(source.begin(), source.end(), piece(buffer, to, size).begin());
}

}  // namespace

Collate::Collate(const ImageSource& source, const LoaderSettings& settings)
    : source_(source),
      settings_(settings),
      grid_(settings.mode == LoaderMode::embed ? MaskGrid{} : image_grid(settings.image)),
      clones_(settings.mode == LoaderMode::embed ? 0 : settings.mask.clones),
      work_(source, settings.data, settings.image, settings.mode == LoaderMode::train, settings.seed) {
  if (clones_ > 0)
    plan_masks(settings_.mask,
               grid_);  // settings that keep or hide nothing are refused before the first file
}

MaskPlan Collate::plan_of(int64_t update) const {
  // Held-out masks are the same at every evaluation, whatever batch a picture is in.
  const bool fixed = settings_.mode != LoaderMode::train;
  return plan_masks(settings_.mask, grid_,
                    fixed ? settings_.mask.prob : mask_ratio(settings_.mask, settings_.seed, update));
}

void Collate::prepare(const Slice& slice, Batch& batch) const {
  const auto samples = static_cast<int64_t>(slice.rows.size());
  const int64_t size = settings_.image.size;
  batch.epoch = slice.epoch;
  batch.update = slice.update;
  batch.part = slice.part;
  batch.update_samples = slice.update_samples;
  batch.samples = samples;
  batch.clones = clones_;
  batch.positions = 0;
  batch.visible_count = 0;
  batch.update_sample_size = 0;
  batch.input_shape = {samples, 3, size, size};
  batch.input.resize(static_cast<size_t>(samples * 3 * size * size));
  int64_t masked = 0;
  if (clones_ > 0) {
    const MaskPlan plan = plan_of(slice.update);
    batch.positions = grid_.positions();
    batch.visible_count = plan.visible;
    batch.update_sample_size = slice.update_samples * clones_ * plan.masked;
    masked = plan.masked;
  }
  batch.visible.resize(static_cast<size_t>(samples * clones_ * batch.visible_count));
  batch.masked.resize(static_cast<size_t>(samples * clones_ * masked));
  batch.refs.assign(static_cast<size_t>(samples), {});
  batch.labels.assign(static_cast<size_t>(samples), -1);
  batch.rows.assign(static_cast<size_t>(samples), kLeftOut);
}

void Collate::sample(const Slice& slice, int64_t i, SampleScratch& scratch, Batch& batch) const {
  const int64_t pixels = 3 * settings_.image.size * settings_.image.size;
  const auto read = work_.read(slice.rows[i], slice.epoch, scratch, piece(batch.input, i, pixels));
  if (!read) return;
  batch.rows[i] = read->row;
  batch.refs[i] = read->ref;
  batch.labels[i] = source_.samples[read->row].label;
  if (clones_ == 0) return;
  const MaskPlan plan = plan_of(slice.update);
  work_.draw_masks(plan, clones_, slice.epoch, read->ref, scratch,
                   piece(batch.visible, i, clones_ * plan.visible),
                   piece(batch.masked, i, clones_ * plan.masked));
}

void Collate::finish(Batch& batch) const {
  const int64_t pixels = 3 * settings_.image.size * settings_.image.size;
  const int64_t visible = batch.clones * batch.visible_count;
  const int64_t masked = batch.clones * (batch.positions - batch.visible_count);
  int64_t kept = 0;
  for (int64_t i = 0; i < batch.samples; ++i) {
    if (batch.rows[i] == kLeftOut) continue;
    if (kept != i) {
      move_piece(batch.input, i, kept, pixels);
      move_piece(batch.visible, i, kept, visible);
      move_piece(batch.masked, i, kept, masked);
      batch.refs[kept] = batch.refs[i];
      batch.labels[kept] = batch.labels[i];
      batch.rows[kept] = batch.rows[i];
    }
    ++kept;
  }
  if (kept == batch.samples) return;
  batch.update_samples -= batch.samples - kept;
  batch.update_sample_size = batch.update_samples * masked;
  batch.samples = kept;
  batch.input_shape[0] = kept;
  batch.refs.resize(static_cast<size_t>(kept));
  batch.labels.resize(static_cast<size_t>(kept));
  batch.rows.resize(static_cast<size_t>(kept));
}

}  // namespace d2v
