#include "d2v/pipeline/plan.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"
#include "mix_draws.h"

namespace d2v {
namespace {

// Lengths of a window are within this factor, unless it takes more for one batch.
constexpr double kSimilar = 1.1;

template <class T>
void shuffle(T* items, size_t count, Philox& random) {
  for (auto i = static_cast<uint32_t>(count); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
}

}  // namespace

Plan::Plan(const PlanSettings& settings) : settings_(settings) {
  const int64_t samples = settings_.samples, batch = settings_.batch;
  check<DataError>(samples > 0, "the data set has no samples; look at data.path");
  check(samples <= std::numeric_limits<uint32_t>::max(), "plan: {} samples are more than 32 bits can number",
        samples);
  check(settings_.lengths.empty() || static_cast<int64_t>(settings_.lengths.size()) == samples,
        "plan: {} lengths for {} samples", settings_.lengths.size(), samples);
  by_length_.resize(static_cast<size_t>(samples));
  std::iota(by_length_.begin(), by_length_.end(), 0u);
  if (settings_.batch_length > 0) {
    check<UsageError>(settings_.accumulate > 0, "run.accumulate: expected at least 1, found {}",
                      settings_.accumulate);
    make_windows();
    return;
  }
  check<UsageError>(batch > 0, "data.batch: expected at least 1, found {}", batch);
  check<UsageError>(settings_.accumulate > 0 && batch % settings_.accumulate == 0,
                    "run.accumulate: {} does not divide data.batch {}; choose a divisor of it",
                    settings_.accumulate, batch);
  check<UsageError>(
      batch <= samples || !settings_.drop_last,
      "data.batch: {} is more than the {} samples of the data set, so no batch is ever full; lower "
      "data.batch to {} or less, add data, or set data.drop_last no",
      batch, samples, samples);
  updates_per_epoch_ = settings_.drop_last ? samples / batch : (samples + batch - 1) / batch;
  if (settings_.shares.empty() || !settings_.shuffle) return;
  mix_ = std::make_unique<MixDraws>(settings_.shares, std::vector<std::vector<uint32_t>>{by_length_},
                                    settings_.seed);
}

Plan::~Plan() = default;

// The windows of a mix have other rows in every epoch, but always as many of each source.
void Plan::mix_windows() {
  std::vector<std::vector<uint32_t>> rows;
  for (const Window& w : windows_)
    rows.emplace_back(by_length_.begin() + w.first, by_length_.begin() + w.first + w.count);
  mix_ = std::make_unique<MixDraws>(settings_.shares, rows, settings_.seed);
  updates_per_epoch_ = 0;
  for (size_t w = 0; w < windows_.size(); ++w) {
    const int64_t longest = settings_.lengths[rows[w].back()], count = mix_->count(w);
    const int64_t most = settings_.batch_length / std::max<int64_t>(longest, 1);
    windows_[w].batches = (count + most - 1) / most;
    updates_per_epoch_ += windows_[w].batches;
  }
}

void Plan::make_windows() {
  const std::vector<int64_t>& lengths = settings_.lengths;
  check(!lengths.empty(), "plan: batches by length need lengths");
  std::stable_sort(by_length_.begin(), by_length_.end(),
                   [&](uint32_t a, uint32_t b) { return lengths[a] < lengths[b]; });
  const int64_t longest = lengths[by_length_.back()];
  check<UsageError>(longest <= settings_.batch_length,
                    "a batch holds {} samples or tokens, less than the longest sample of {}; raise "
                    "speech.batch_seconds (data.batch for text) or lower speech.max_seconds",
                    settings_.batch_length, longest);
  const auto length_at = [&](int64_t at) { return lengths[by_length_[at]]; };
  for (int64_t first = 0; first < settings_.samples;) {
    int64_t end = first + 1;
    const auto similar = static_cast<int64_t>(static_cast<double>(length_at(first)) * kSimilar);
    while (end < settings_.samples &&
           (length_at(end) <= similar || (end - first + 1) * length_at(end) <= settings_.batch_length))
      ++end;
    const int64_t most = settings_.batch_length / std::max<int64_t>(length_at(end - 1), 1);
    const int64_t count = end - first, batches = (count + most - 1) / most;
    windows_.push_back({first, count, batches});
    updates_per_epoch_ += batches;
    first = end;
  }
  if (!settings_.shares.empty() && settings_.shuffle) mix_windows();
}

// The rows of a window, or of all where there are none, behind those of the windows before.
void Plan::add_rows(int64_t epoch, size_t window) {
  if (mix_) return mix_->draw(epoch, window, order_);
  const Window all{0, settings_.samples, 0};
  const Window& w = windows_.empty() ? all : windows_[window];
  for (int64_t i = w.first; i < w.first + w.count; ++i) order_.push_back({by_length_[i], 0});
}

void Plan::order_epoch(int64_t epoch) {
  if (epoch == ordered_epoch_) return;
  Philox random({.seed = settings_.seed, .stream = Stream::order, .step = static_cast<uint64_t>(epoch)});
  order_.clear();
  batches_.clear();
  for (size_t w = 0; w < std::max<size_t>(windows_.size(), 1); ++w) {
    const size_t first = order_.size();
    add_rows(epoch, w);
    const size_t count = order_.size() - first;
    if (settings_.shuffle) shuffle(order_.data() + first, count, random);
    if (windows_.empty()) break;
    const int64_t rows = static_cast<int64_t>(count), batches = windows_[w].batches;
    for (int64_t b = 0; b < batches; ++b) {
      const int64_t low = rows * b / batches, high = rows * (b + 1) / batches;
      batches_.push_back({static_cast<int64_t>(first) + low, high - low});
    }
  }
  if (!windows_.empty() && settings_.shuffle) shuffle(batches_.data(), batches_.size(), random);
  ordered_epoch_ = epoch;
}

Plan::Extent Plan::samples_of(int64_t update) {
  if (!windows_.empty()) {
    order_epoch(epoch_of(update));
    return batches_[static_cast<size_t>(update % updates_per_epoch_)];
  }
  const int64_t first = update % updates_per_epoch_ * settings_.batch;
  return {first, std::min(settings_.batch, settings_.samples - first)};
}

int64_t Plan::parts_of(int64_t update) { return std::min(settings_.accumulate, samples_of(update).count); }

Slice Plan::slice(int64_t update, int64_t part) {
  const int64_t parts = parts_of(update);
  check(update >= 0 && part >= 0 && part < parts, "plan: update {} has no slice {}, only {}", update, part,
        parts);
  const Extent all = samples_of(update);
  order_epoch(epoch_of(update));
  std::vector<Draw> draws(order_.begin() + all.first, order_.begin() + all.first + all.count);
  const std::vector<int64_t>& lengths = settings_.lengths;
  if (!lengths.empty() && parts > 1) {
    std::stable_sort(draws.begin(), draws.end(),
                     [&](const Draw& a, const Draw& b) { return lengths[a.row] < lengths[b.row]; });
  }
  Slice slice{.epoch = epoch_of(update),
              .update = update,
              .part = part,
              .update_samples = all.count,
              .rows = {},
              .occurrences = {}};
  for (int64_t p = 0; p < parts; ++p) {
    // As even as possible: sizes differ by one at most.
    const int64_t low = all.count * p / parts, high = all.count * (p + 1) / parts;
    std::vector<uint32_t> members, occurrences;
    for (int64_t i = low; i < high; ++i) {
      members.push_back(draws[i].row);
      occurrences.push_back(draws[i].occurrence);
    }
    SliceShape shape{.samples = high - low};
    if (!lengths.empty()) {
      const auto [least, most] = std::minmax_element(
          members.begin(), members.end(), [&](uint32_t a, uint32_t b) { return lengths[a] < lengths[b]; });
      shape.shortest = lengths[*least];
      shape.length = settings_.crop ? shape.shortest : lengths[*most];
    }
    slice.update_shapes.push_back(shape);
    slice.update_rows.push_back(std::move(members));
    slice.update_occurrences.push_back(std::move(occurrences));
  }
  slice.rows = slice.update_rows[static_cast<size_t>(part)];
  slice.occurrences = slice.update_occurrences[static_cast<size_t>(part)];
  slice.shape = slice.update_shapes[static_cast<size_t>(part)];
  return slice;
}

}  // namespace d2v
