#include "collate.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "d2v/base/check.h"

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

Collate::Collate(const Source& source, const LoaderSettings& settings)
    : source_(source),
      settings_(settings),
      geometry_(source.modality(), settings),
      lengths_(used_lengths(source, settings)),
      clones_(settings.mode == LoaderMode::embed ? 0 : settings.mask.clones),
      work_(source, settings, lengths_) {
  if (clones_ == 0) return;
  // Settings that keep or hide nothing are refused before the first file.
  if (lengths_.empty()) {
    plan_masks(settings_.mask, geometry_.grid(0));
    return;
  }
  const auto [least, most] = std::minmax_element(lengths_.begin(), lengths_.end());
  for (const int64_t length : {*least, *most}) {
    check<UsageError>(geometry_.positions(length) > 0,
                      "a sample of {} samples or tokens gives no position; raise speech.min_seconds", length);
    plan_masks(settings_.mask, geometry_.grid(length));
  }
}

double Collate::ratio_of(int64_t update) const {
  // Held-out masks are the same at every evaluation, whatever batch a picture is in.
  const bool fixed = settings_.mode != LoaderMode::train;
  return fixed ? settings_.mask.prob : mask_ratio(settings_.mask, settings_.seed, update);
}

int64_t Collate::least_hidden(const Slice& slice, int64_t part, double ratio) const {
  const SliceShape& shape = slice.update_shapes[part];
  int64_t least = geometry_.positions(shape.shortest) - 1;
  MaskScratch scratch;
  for (size_t i = 0; i < slice.update_rows[part].size(); ++i) {
    const uint32_t row = slice.update_rows[part][i];
    const SampleRef ref{source_.id(row), slice.update_occurrences[part][i]};
    const int64_t length = lengths_.empty() ? 0 : std::min(lengths_[row], shape.length);
    const MaskPlan plan = plan_masks(settings_.mask, geometry_.grid(length), ratio);
    for (int64_t clone = 0; clone < clones_; ++clone) {
      const RngKey key = work_.mask_key(slice.epoch, ref, clone);
      least = std::min(least, hidden_before_correction(plan, key, scratch));
    }
  }
  return std::max<int64_t>(least, 1);
}

MaskPlan Collate::plan_of(const Slice& slice, int64_t part) const {
  const SliceShape& shape = slice.update_shapes[part];
  const double ratio = ratio_of(slice.update);
  if (settings_.mask.kind == MaskKind::spans || settings_.mask.kind == MaskKind::bert) {
    return plan_masks_of(settings_.mask, geometry_.grid(shape.length), ratio,
                         least_hidden(slice, part, ratio));
  }
  const MaskPlan plan = plan_masks(settings_.mask, geometry_.grid(shape.shortest), ratio);
  if (shape.shortest == shape.length) return plan;
  // As many hidden as in the shortest sample of the slice: more would not fit there.
  return plan_masks_of(settings_.mask, geometry_.grid(shape.length), ratio, plan.masked);
}

void Collate::prepare(const Slice& slice, Batch& batch) const {
  const auto samples = static_cast<int64_t>(slice.rows.size());
  const int64_t length = slice.shape.length;
  batch.epoch = slice.epoch;
  batch.update = slice.update;
  batch.part = slice.part;
  batch.update_samples = slice.update_samples;
  batch.samples = samples;
  batch.clones = clones_;
  batch.positions = 0;
  batch.visible_count = 0;
  batch.update_sample_size = 0;
  batch.input_shape = geometry_.input_shape(samples, length);
  batch.input.resize(static_cast<size_t>(samples * geometry_.floats(length)));
  batch.tokens.resize(static_cast<size_t>(samples * geometry_.tokens(length)));
  const bool padded =
      !lengths_.empty() && geometry_.positions(slice.shape.shortest) < geometry_.positions(length);
  batch.lengths.resize(padded ? static_cast<size_t>(samples) : 0);
  int64_t masked = 0;
  if (clones_ > 0) {
    for (size_t part = 0; part < slice.update_shapes.size(); ++part) {
      const MaskPlan plan = plan_of(slice, static_cast<int64_t>(part));
      batch.update_sample_size += slice.update_shapes[part].samples * clones_ * plan.masked;
      if (static_cast<int64_t>(part) != slice.part) continue;
      batch.positions = plan.grid.positions();
      batch.visible_count = plan.visible;
      masked = plan.masked;
    }
  }
  batch.visible.resize(static_cast<size_t>(samples * clones_ * batch.visible_count));
  batch.masked.resize(static_cast<size_t>(samples * clones_ * masked));
  batch.refs.assign(static_cast<size_t>(samples), {});
  batch.labels.assign(static_cast<size_t>(samples), -1);
  batch.rows.assign(static_cast<size_t>(samples), kLeftOut);
}

void Collate::sample(const Slice& slice, int64_t i, SampleScratch& scratch, Batch& batch) const {
  const int64_t length = slice.shape.length;
  const SampleOut out{piece(batch.input, i, geometry_.floats(length)),
                      piece(batch.tokens, i, geometry_.tokens(length))};
  const auto done = work_.read(slice.rows[i], slice.occurrences[i], slice, scratch, out);
  if (!done) return;
  batch.rows[i] = done->row;
  batch.refs[i] = done->ref;
  batch.labels[i] = source_.label(done->row);
  const int64_t valid = lengths_.empty() ? batch.positions : geometry_.positions(done->length);
  if (batch.lengths.size() > 0) batch.lengths.data()[i] = valid;
  if (clones_ > 0) draw_masks(*done, valid, slice, i, scratch, batch);
  ++scratch.times.samples;
}

void Collate::draw_masks(const SampleDone& sample, int64_t valid, const Slice& slice, int64_t i,
                         SampleScratch& scratch, Batch& batch) const {
  const StageTimer timer(&scratch.times, Stage::masks);
  const int64_t kept = batch.visible_count, hidden = batch.positions - kept;
  const double ratio = ratio_of(slice.update);
  const MaskGrid grid = lengths_.empty() ? geometry_.grid(0) : sequence_grid(valid);
  MaskPlan plan = plan_masks(settings_.mask, grid, ratio);
  if (plan.masked != hidden) plan = plan_masks_of(settings_.mask, grid, ratio, hidden);
  for (int64_t clone = 0; clone < clones_; ++clone) {
    const std::span<int64_t> visible = piece(batch.visible, i * clones_ + clone, kept);
    const std::span<int64_t> masked = piece(batch.masked, i * clones_ + clone, hidden);
    const RngKey key = work_.mask_key(slice.epoch, sample.ref, clone);
    draw_mask(plan, key, scratch.mask, visible.first(static_cast<size_t>(plan.visible)), masked);
    std::iota(visible.begin() + plan.visible, visible.end(), valid);  // the padding
  }
}

void Collate::finish(Batch& batch) const {
  if (batch.samples == 0) return;
  const int64_t floats = static_cast<int64_t>(batch.input.size()) / batch.samples;
  const int64_t tokens = static_cast<int64_t>(batch.tokens.size()) / batch.samples;
  const int64_t visible = batch.clones * batch.visible_count;
  const int64_t masked = batch.clones * (batch.positions - batch.visible_count);
  const bool padded = batch.lengths.size() > 0;
  int64_t kept = 0;
  for (int64_t i = 0; i < batch.samples; ++i) {
    if (batch.rows[i] == kLeftOut) continue;
    if (kept != i) {
      move_piece(batch.input, i, kept, floats);
      move_piece(batch.tokens, i, kept, tokens);
      move_piece(batch.visible, i, kept, visible);
      move_piece(batch.masked, i, kept, masked);
      if (padded) move_piece(batch.lengths, i, kept, 1);
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
