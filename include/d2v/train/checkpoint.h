// A checkpoint: one safetensors file with everything that the next update depends on.
//
// Tensors, all fp32: `<name>` the student's weights, `teacher.<name>` the teacher's, `adam.first.<name>` and
// `adam.second.<name>` the moments of trainable parameters. Names are the reference implementation's.
// Metadata: config (INI text), update, samples_seen, adam_steps, skipped_in_a_row, data, vocabulary
// (where it is known), format_version, program_version. Position in the data and all randomness follow from the update number and the seed in config.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "d2v/base/config.h"
#include "d2v/model/objective.h"
#include "d2v/train/optimizer.h"

namespace d2v {

// What training knows besides the weights.
struct TrainingState {
  explicit TrainingState(const ParameterLayout& layout) : adam(layout) {}
  int64_t update = 0;  // completed updates
  int64_t samples_seen = 0;
  int64_t skipped_in_a_row = 0;
  std::string data;         // what the data set was: a resumed run must have the same
  uint64_t vocabulary = 0;  // its hash (tokenizer.h); 0: no text, or not known
  AdamState adam;
};

// Writes the file, complete or not at all. Throws StorageError; files of before stay as they are.
void save_checkpoint(const std::filesystem::path& path, const Config& config, Objective& objective,
                     const TrainingState& state);

// Restores weights, teacher, moments and counters. Every name, shape and dtype is checked before anything is changed.
// Throws DataError: file cut short or unreadable, of another format version, or of another model (names the first
// differences and what to do).
void load_checkpoint(const std::filesystem::path& path, Objective& objective, TrainingState& state);

// The hash of the vocabulary that the weights were trained with; 0: no text, or not known (fairseq's files, files of
// before this was kept). Throws DataError where the file or the number cannot be read.
uint64_t vocabulary_of(const std::filesystem::path& checkpoint);

// Throws DataError where the checkpoint is of another vocabulary than that of hash `vocabulary`. Passes where either is 0.
void check_vocabulary(const std::filesystem::path& checkpoint, uint64_t vocabulary);

// Restores weights and teacher only, for probes and embeddings; the file may lack moments and counters.
void load_weights(const std::filesystem::path& path, Objective& objective);

// Starts new training from old weights (init.from: a checkpoint or a run folder). Names are strict; positions
// (1, d·d, D) of another grid are interpolated when learned, and stay as computed when fixed. The teacher starts from
// the file's teacher or student (init.teacher). Moments and counters stay fresh. Throws DataError like load_checkpoint.
void init_weights(const InitConfig& init, Objective& objective);

}  // namespace d2v
