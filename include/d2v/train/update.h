// One update of the weights: the training step of section 1 of the method.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/base/config/training.h"
#include "d2v/model/objective.h"
#include "d2v/pipeline/batch.h"
#include "d2v/train/optimizer.h"

namespace d2v {

// The next slice of the plan, in order. Throws what the pipeline throws; never returns null.
using NextSlice = std::function<BatchPtr()>;
// Takes a slice back when its tensors are no longer used, so that its buffers serve again.
using ReturnSlice = std::function<void(BatchPtr)>;

struct SliceStream {
  NextSlice next;
  ReturnSlice give_back;  // may be empty
};

struct UpdateSettings {
  uint64_t seed = 0;
  int64_t update = 0;    // number of this update, from 0
  double lr = 0;         // that of `update` completed updates
  double ema_decay = 1;  // that of update + 1
};

// What an update leaves for the logs; tensors are read later, so that the next update need not wait.
struct UpdateValues {
  int64_t update = 0;  // completed updates, this one included
  int64_t epoch = 0;
  int64_t samples = 0;      // over all slices
  int64_t views = 0;        // masked versions: samples · clones
  int64_t positions = 0;    // samples · clones · T, for masked_pct
  int64_t sample_size = 0;  // masked positions over all clones
  double lr = 0;
  double ema_decay = 1;
  StepReport step;
  at::Tensor loss;  // sum over slices, 0-dim; so are the parts
  std::vector<Monitored> parts;
  at::Tensor target_moments;      // float64 (3, D), summed
  at::Tensor prediction_moments;  // likewise
  at::Tensor targets;             // of the last slice, for the effective rank
  at::Tensor local_features;      // of the last slice
  double wait_seconds = 0;        // spent waiting for slices
  // On a GPU: waits until the sums above have reached the host's memory, where they are then. Empty on the CPU.
  std::function<void()> arrived;
};

// Forward and backward over all slices of the update, then norm, clipping, AdamW and EMA. The gradient is that of
// (sum of losses) / (sample_size of the whole update), so the number of slices does not matter.
// Throws Error when the stream is not at this update; passes on what the pipeline throws.
UpdateValues run_update(Objective& objective, const SliceStream& stream, const UpdateSettings& settings,
                        const OptimConfig& config, AdamState& adam);

}  // namespace d2v
