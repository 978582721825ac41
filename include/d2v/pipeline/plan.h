// The plan: which samples belong to which update, slice by slice.
//
// A pure function of (seed, number of samples or their lengths, batch settings): the order of an epoch is a shuffle keyed
// by (seed, Stream::order, epoch). The update number alone is the position; resuming at any update costs one shuffle.
//
// Batches by length (batch_length > 0): samples in the order of their lengths are cut into windows of similar lengths
// (within a tenth, and at least a batch). A window is shuffled in every epoch and cut into equal batches whose samples
// times its longest length are at most batch_length; then the batches are shuffled. So every epoch has the same number of
// batches, all samples, and no batch above the limit.
//
// A mix of sources has other samples in every epoch, as many as its sources have together: mixed_source.h.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "d2v/base/config/data.h"
#include "d2v/pipeline/source.h"

namespace d2v {

struct PlanSettings {
  int64_t samples = 0;     // N, of the source
  int64_t batch = 0;       // samples per update (B_global)
  int64_t accumulate = 1;  // slices per update
  bool drop_last = true;   // no effect on batches by length
  bool shuffle = true;     // false: in the order of the source, or of lengths
  uint64_t seed = 0;
  std::vector<int64_t> lengths{};     // of the samples; empty: all alike
  int64_t batch_length = 0;           // longest length × samples of an update at most; 0: `batch` samples
  bool crop = false;                  // slices are as long as their shortest sample, else as their longest
  std::vector<SourceShare> shares{};  // of a mix; only with `shuffle`
};

// Samples of a slice and how long they are. Lengths are 0 where the settings have none.
struct SliceShape {
  int64_t samples = 0;
  int64_t length = 0;    // of all that the model sees of the slice
  int64_t shortest = 0;  // of what a sample brings along; less than `length` means padding
  bool operator==(const SliceShape&) const = default;
};

// One slice: what one forward and backward pass sees.
struct Slice {
  int64_t epoch = 0;
  int64_t update = 0;
  int64_t part = 0;                   // within the update
  int64_t update_samples = 0;         // of all slices of the update
  std::vector<uint32_t> rows;         // indices in the source
  std::vector<uint32_t> occurrences;  // of each: which of its draws in the epoch; 0 but in a mix
  SliceShape shape{};
  std::vector<SliceShape> update_shapes{};           // of all slices of the update, this one too
  std::vector<std::vector<uint32_t>> update_rows{};  // likewise
  std::vector<std::vector<uint32_t>> update_occurrences{};
};

// A row of an epoch; of a row that a mix draws several times, which of its draws this is.
struct Draw {
  uint32_t row = 0;
  uint32_t occurrence = 0;
};
class MixDraws;

class Plan {
 public:
  // Throws UsageError where the batch is larger than the data set or smaller than its longest sample, or `accumulate`
  // does not divide it; DataError where there are no samples.
  explicit Plan(const PlanSettings& settings);
  ~Plan();

  int64_t updates_per_epoch() const { return updates_per_epoch_; }
  int64_t epoch_of(int64_t update) const { return update / updates_per_epoch_; }
  // Slices of an update; fewer than `accumulate` only where the update has fewer samples than that.
  int64_t parts_of(int64_t update);
  // Keeps the order of one epoch, so asking in the order of updates shuffles once per epoch. Not thread-safe.
  Slice slice(int64_t update, int64_t part);

 private:
  struct Extent {
    int64_t first;
    int64_t count;
  };
  struct Window {
    int64_t first;
    int64_t count;
    int64_t batches;
  };
  void make_windows();
  void mix_windows();
  void order_epoch(int64_t epoch);
  void add_rows(int64_t epoch, size_t window);
  Extent samples_of(int64_t update);  // within the order of its epoch

  PlanSettings settings_;
  int64_t updates_per_epoch_ = 0;
  std::vector<uint32_t> by_length_;  // rows; batches by length only, else in their order
  std::vector<Window> windows_;
  std::unique_ptr<MixDraws> mix_;  // else null
  int64_t ordered_epoch_ = -1;
  std::vector<Draw> order_;
  std::vector<Extent> batches_;  // of the ordered epoch, by length only
};

}  // namespace d2v
