#include "d2v/pipeline/plan.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"

namespace d2v {

Plan::Plan(const PlanSettings& settings) : settings_(settings) {
  const int64_t samples = settings_.samples, batch = settings_.batch;
  check<DataError>(samples > 0, "the data set has no samples; look at data.path");
  check(samples <= std::numeric_limits<uint32_t>::max(), "plan: {} samples are more than 32 bits can number",
        samples);
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
}

Plan::Extent Plan::samples_of(int64_t update) const {
  const int64_t first = update % updates_per_epoch_ * settings_.batch;
  return {first, std::min(settings_.batch, settings_.samples - first)};
}

int64_t Plan::parts_of(int64_t update) const {
  return std::min(settings_.accumulate, samples_of(update).count);
}

Slice Plan::slice(int64_t update, int64_t part) {
  const int64_t parts = parts_of(update);
  check(update >= 0 && part >= 0 && part < parts, "plan: update {} has no slice {}, only {}", update, part,
        parts);
  const Extent all = samples_of(update);
  const int64_t epoch = epoch_of(update);
  if (epoch != ordered_epoch_) {
    order_.resize(static_cast<size_t>(settings_.samples));
    std::iota(order_.begin(), order_.end(), 0u);
    if (settings_.shuffle) {
      Philox random({.seed = settings_.seed, .stream = Stream::order, .step = static_cast<uint64_t>(epoch)});
      for (auto i = static_cast<uint32_t>(order_.size()); i > 1; --i)
        std::swap(order_[i - 1], order_[random.below(i)]);
    }
    ordered_epoch_ = epoch;
  }
  // As even as possible: sizes differ by one at most.
  const int64_t low = all.first + all.count * part / parts, high = all.first + all.count * (part + 1) / parts;
  return {epoch, update, part, all.count, {order_.begin() + low, order_.begin() + high}};
}

}  // namespace d2v
