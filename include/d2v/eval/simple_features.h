// What a probe compares a network with: features that need no training.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "d2v/eval/features.h"

namespace d2v {

// Rows of the table.
struct SimpleFeatures {
  FeatureSource source;
  std::string layer, pooling;  // what these columns say
};

// The pixels in a row, (b, 1, C·H·W). Pictures with more than 32 pixels a side are first averaged over the smallest
// squares that bring them to 32 or less; pixel_side gives the side that is left.
FeatureSource raw_pixels(std::string name);
int64_t pixel_side(int64_t image_size);

// Mean and deviation over time of 80 log-mel bins (b, 1, 160), or of 20 cepstral coefficients of these (b, 1, 40), of the
// sound as the network gets it. What is shorter than a window of 25 ms is filled up with silence.
FeatureSource log_mel_statistics(std::string name, int64_t sample_rate);
FeatureSource mfcc_statistics(std::string name, int64_t sample_rate);

// The same of spectrograms, (b, 1, 2 · bins) and (b, 1, 40), over the frames that the recording fills: the log-mel values
// as the network gets them, normalised.
FeatureSource spectrogram_statistics(std::string name);
FeatureSource spectrogram_mfcc_statistics(std::string name);

// Words of the texts it is made from, and how rare they are. A word is a run of letters and digits; A to Z count as a to z.
class TfIdf {
 public:
  // Keeps the `most` words that occur in most texts; of equal ones the first by alphabet.
  explicit TfIdf(std::span<const std::string> texts, int64_t most = 4096);

  int64_t words() const { return static_cast<int64_t>(rarity_.size()); }
  // Column of a word, -1: not kept.
  int64_t column(std::string_view word) const;
  // (words): count · (ln((1 + n) / (1 + texts with the word)) + 1), scaled to length 1; all 0 without a known word.
  void operator()(std::string_view text, std::span<float> out) const;

 private:
  std::map<std::string, int64_t, std::less<>> columns_;
  std::vector<double> rarity_;
};

// (b, 1, words). Its channels are scaled together: scaled each, words that occur once would decide.
FeatureSource tf_idf(std::string name, TfIdf words);

}  // namespace d2v
