// A data set as a list of samples: what plan, loader and reports need of it, whatever it holds.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "d2v/base/config/modality.h"

namespace d2v {

// A file that is not used.
struct BadFile {
  std::string path;  // within the source
  std::string reason;
  int64_t count = 0;     // how often it came up
  bool broken = true;    // false: whole, but left out by a setting
  bool in_scan = false;  // found when the data set was listed, at every start anew
};

// Rows first, first + 1, … of a mix of sources, and how much they are drawn from.
struct SourceShare {
  uint32_t first = 0;
  uint32_t count = 0;
  double weight = 0;
};

class Source {
 public:
  virtual ~Source() = default;
  virtual Modality modality() const = 0;
  virtual size_t size() const = 0;
  // Stable for a data set: adding other samples does not change it.
  virtual uint64_t id(uint32_t row) const = 0;
  virtual int32_t label(uint32_t row) const = 0;     // class, -1: none
  virtual std::string name(uint32_t row) const = 0;  // for reports
  virtual std::string where() const = 0;             // folder or file that was given
  // Along time: samples at speech.sample_rate or spectrogram.sample_rate, tokens with <s>. 0: all samples are alike, as
  // pictures are.
  virtual int64_t length(uint32_t row) const = 0;
  // What the scan left out by name.
  virtual std::span<const BadFile> left_out() const { return {}; }
  // Of a mix (mixed_source.h), in the order of rows; else none.
  virtual std::vector<SourceShare> shares() const { return {}; }
  // For a line of the log.
  virtual std::string describe() const = 0;
  // What lies beside the samples and is of another kind by its name; sorted by path. Many are named in part (folder_source.h).
  virtual std::span<const BadFile> others() const { return {}; }

 protected:
  Source() = default;
  Source(const Source&) = default;
  Source(Source&&) = default;
  Source& operator=(const Source&) = default;
  Source& operator=(Source&&) = default;
};

// "pictures", "recordings", "blocks of text".
std::string_view samples_word(Modality modality);

// A data set's identity, for checkpoints: "6900 pictures, 0123456789abcdef", a hash over the ids in order and the weights of a mix.
std::string source_identity(const Source& source);

}  // namespace d2v
