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

Collate::Collate(const Source& source, const LoaderSettings& settings, const BadFileList& bad_files)
    : source_(source),
      settings_(settings),
      geometry_(source.modality(), settings),
      lengths_(used_lengths(source, settings)),
      clones_(settings.mode == LoaderMode::embed ? 0 : settings.mask.clones),
      work_(source, settings, lengths_, bad_files),
      masks_(source, settings_, geometry_, lengths_, work_) {
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
    const std::vector<MaskPlan> plans = masks_.plans_of(slice);
    for (size_t part = 0; part < plans.size(); ++part)
      batch.update_sample_size += slice.update_shapes[part].samples * clones_ * plans[part].masked;
    const MaskPlan& plan = plans[static_cast<size_t>(slice.part)];
    batch.positions = plan.grid.positions();
    batch.visible_count = plan.visible;
    masked = plan.masked;
  }
  batch.visible.resize(static_cast<size_t>(samples * clones_ * batch.visible_count));
  batch.masked.resize(static_cast<size_t>(samples * clones_ * masked));
  batch.refs.assign(static_cast<size_t>(samples), {});
  batch.labels.assign(static_cast<size_t>(samples), -1);
  batch.rows.assign(static_cast<size_t>(samples), kLeftOut);
}

void Collate::sample(const Slice& slice, int64_t i, SampleScratch& scratch, Batch& batch,
                     SliceFailures& failures) const {
  if (!failures.matters(i)) return;
  try {
    fill(slice, i, scratch, batch, failures);
  } catch (...) {
    failures.end(i, std::current_exception());
  }
}

void Collate::fill(const Slice& slice, int64_t i, SampleScratch& scratch, Batch& batch,
                   SliceFailures& failures) const {
  const int64_t length = slice.shape.length;
  const SampleOut out{piece(batch.input, i, geometry_.floats(length)),
                      piece(batch.tokens, i, geometry_.tokens(length))};
  const auto done = work_.read(slice, i, scratch, out, failures);
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
  const MaskGrid grid = lengths_.empty() ? geometry_.grid(0) : sequence_grid(valid);
  const MaskPlan plan = masks_.plan_of_sample(grid, slice.update, hidden);
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
