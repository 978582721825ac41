// The loader: a TBB pipeline that prepares batches ahead of the trainer, with back-pressure.
//
// What comes out is a pure function of the source, the settings and the update number: neither the number of threads nor
// the update it starts at changes a bit of it.
//
// Several workers: each has a loader of the same settings but `worker`, and gets its share of the same stream in whole
// slices, so a slice has the samples, crops, masks, length and masked count that it has for one worker. The union of
// their batches is the batch of one worker.
// - Training: of an update's slices worker w of W gets numbers w, w + W, …; `accumulate` (slices per update, over all
//   workers) must be a multiple of W. Batch::update_samples and update_sample_size are those of the whole update.
// - An update with fewer slices than workers (the last, smaller batch without data.drop_last, or a small batch by length)
//   leaves some workers none: those get one batch of no samples, so every worker meets every update. data.drop_last is
//   about the whole batch of all workers: what is dropped does not depend on W.
// - Evaluation and embeddings: worker w gets batches w, w + W, … whole.
// - `first_update` is the whole position; a run may go on with another number of workers.
// - Each loader names and counts the broken files of its own share, against all samples: the lists have to be put
//   together, and the limit of data.max_bad_fraction is met later than by one worker.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "d2v/base/config.h"
#include "d2v/pipeline/bad_files.h"
#include "d2v/pipeline/batch.h"
#include "d2v/pipeline/image_source.h"
#include "d2v/pipeline/plan.h"
#include "d2v/pipeline/source.h"
#include "d2v/pipeline/stage_times.h"

namespace d2v {

enum class LoaderMode {
  train,     // shuffled epochs, random crops, masks; a broken file is replaced by another
  evaluate,  // each sample once, in order, center crop, the masks of epoch 0; a broken file is left out
  embed,     // as evaluate, without masks (clones = 0); speech is padded, not cropped to the shortest
};

struct LoaderSettings {
  LoaderMode mode = LoaderMode::train;
  DataConfig data;
  ImageConfig image;
  SpeechConfig speech{};
  TextConfig text{};
  SpectrogramConfig spectrogram{};
  MaskConfig mask;
  uint64_t seed = 0;
  int64_t accumulate = 1;  // slices per update, over all workers; embeddings have one
  int64_t worker = 0;      // which of `workers` this loader is for, from 0
  int64_t workers = 1;
  int64_t first_update = 0;  // train only
  int64_t last_update = 0;   // train only: one past the last
  int64_t threads = 1;
  Allocator allocator = aligned_allocator();
};

// Threads for the loader: data.threads, or what the trainer's threads leave of the processor, at least 1.
int64_t loader_threads(const DataConfig& data, int64_t trainer_threads);

// run.threads, or all cores.
int64_t trainer_threads(const RunConfig& run);

// Those of a recipe; in training the caller sets which updates.
LoaderSettings loader_settings(const Config& config, LoaderMode mode);

// The plan a loader of these settings follows: updates per epoch, slices per update.
Plan make_plan(const Source& source, const LoaderSettings& settings);

struct LoaderStats {
  int64_t samples = 0;       // handed out
  double seconds = 0;        // since the loader started
  double stall_seconds = 0;  // of them, spent waiting in next()
  double queue_depth = 0;    // slices that lay ready when next() was called, on average
  StageTimes stages;         // of the samples finished so far, over all threads
  int64_t calls = 0;         // of next()
};

class Loader {
 public:
  // Starts preparing at once. The source must outlive the loader. Throws UsageError where settings do not fit together
  // (batch, accumulate, workers, patch, masks, normalisation), DataError where the source has no samples.
  Loader(const Source& source, const LoaderSettings& settings);
  // Stops within the time of one sample per thread, of a recording one packet.
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // The next slice in order, null after the last. Throws what stopped the preparation, after the slices before it; then
  // again on every call. Files that could not be read are counted here, in the order of the stream from the update that this
  // loader starts at: DataError above data.max_bad_fraction comes at the same slice for any number of threads.
  BatchPtr next();

  // Takes a batch back, so that its buffers are used again. Optional.
  void recycle(BatchPtr batch);

  // Of the slices handed out so far, and of the scan.
  std::vector<BadFile> bad_files() const;
  LoaderStats stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace d2v
