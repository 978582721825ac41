// Made-up data sets: labelled, for benchmarks and for trying things out without data.
//
// data.path = synthetic:KEY=VALUE/KEY=VALUE…, all keys optional:
//   samples (1000), classes (10), seed (0); pictures: side (96) in pixels; recordings: seconds (2-6), rate (16000);
//   texts: vocabulary (1000), with the special tokens.
// Sample i has class i mod classes and the name "CLASS/NUMBER". All of it is a pure function of (seed, the hash of that name,
// class): a larger set begins with the smaller one. Integers only, so the bytes are the same on every processor.
//
// A picture is a wave in two random colours, with noise: its class sets how often it repeats along either side. A recording is
// a tone that comes and goes, with noise: its class sets the pitch. Of a text half of the tokens follow from the one before by a
// rule of its class; the others are drawn, some far more often than others.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "d2v/base/config/data.h"
#include "d2v/base/config/modality.h"
#include "d2v/pipeline/folder_source.h"

namespace d2v {

struct SyntheticSet {
  Modality modality = Modality::image;
  std::string spec;  // as given
  int64_t samples = 1000;
  int64_t classes = 10;
  uint64_t seed = 0;
  int64_t side = 96;
  double seconds_min = 2, seconds_max = 6;
  int64_t rate = 16000;
  int64_t vocabulary = 1000;

  int32_t label(int64_t i) const { return static_cast<int32_t>(i % classes); }
  std::string name(int64_t i) const;
  uint64_t id(int64_t i) const { return path_id(name(i)); }
  // The bytes of a binary PNM or of a WAV file.
  void make_file(int64_t i, std::vector<uint8_t>& bytes) const;
  // Samples of a recording, at `rate`.
  int64_t recording_samples(int64_t i) const;
  // The first tokens of a text, without <s> and </s>; a longer text begins with the shorter one.
  void make_tokens(int64_t i, std::span<int64_t> out) const;
  Vocabulary token_vocabulary() const;
};

bool is_synthetic(const std::filesystem::path& path);

// Throws UsageError for unknown keys (naming the nearest), values out of range, keys of another modality.
SyntheticSet parse_synthetic(const std::string& spec, Modality modality);

// Pictures or recordings; lengths of recordings are not set yet.
FolderSource synthetic_source(const std::string& spec, Modality modality, const DataConfig& config);

// Labelled texts of `block` tokens, <s> and </s> included; as text their numbers: "w17 w4".
FolderSource synthetic_texts(const std::string& spec, int64_t block, const DataConfig& config);

}  // namespace d2v
