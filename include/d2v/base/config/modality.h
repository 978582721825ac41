// Options of speech, text and spectrograms: what both the pipeline (lengths) and the model (layers) read.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "d2v/base/options.h"

namespace d2v {

enum class Modality { image, speech, text, spectrogram };
template <>
struct EnumNames<Modality> {
  static constexpr std::array<std::string_view, 4> names{"image", "speech", "text", "spectrogram"};
};

// Pictures and spectrograms are patches on a rectangular grid, the others sequences.
constexpr bool on_grid(Modality modality) {
  return modality == Modality::image || modality == Modality::spectrogram;
}
// Read from recordings.
constexpr bool is_sound(Modality modality) {
  return modality == Modality::speech || modality == Modality::spectrogram;
}

// How shorter samples of a slice are filled up.
enum class Padding { crop, exact, reference };
template <>
struct EnumNames<Padding> {
  static constexpr std::array<std::string_view, 3> names{"crop", "exact", "reference"};
};

struct SpeechConfig {
  int64_t sample_rate = 16000;
  double min_seconds = 2;
  double max_seconds = 20;
  double batch_seconds = 0;
  bool normalize = true;
  Padding padding = Padding::crop;
  std::string conv_layers = "512:10:5, 512:3:2 x4, 512:2:2 x2";
  int64_t positions_depth = 5;
  int64_t positions_width = 95;
  int64_t positions_groups = 16;
  bool zero_masked = true;

  template <class V>
  void visit(V& v) {
    v("sample_rate", sample_rate, Range{1000, 192000}, "audio is resampled to so many samples a second");
    v("min_seconds", min_seconds, Range{0, 86400}, "shorter recordings are left out");
    v("max_seconds", max_seconds, Range{0.01, 86400}, "of longer ones a random span of this length is taken");
    v("batch_seconds", batch_seconds, at_least(0),
      "seconds of audio per update, similar lengths together; 0: data.batch recordings");
    v("normalize", normalize, "each recording gets mean 0 and variance 1 (eps 1e-5)");
    v("padding", padding,
      "crop: a slice's recordings are cut to its shortest, as in the published runs; to fill up instead, "
      "exact: without a trace in the results; reference: convolutions and queries run over the padding, as "
      "in recorded numbers");
    v("conv_layers", conv_layers,
      "feature extractor: channels:kernel:stride, with 'xN' for N equal layers, in order; with ':mean' they "
      "start as means over their kernels");
    v("positions_depth", positions_depth, Range{1, 64}, "convolutions of the relative positional encoder");
    v("positions_width", positions_width, Range{1, 1024},
      "their kernels together: each has max(3, width / depth)");
    v("positions_groups", positions_groups, Range{1, 1024}, "their groups; must divide model.dim");
    v("zero_masked", zero_masked,
      "masked frames are zero in the positional encoder's input; no: they are noise (decoder.noise_std)");
  }
};

// Log-mel spectrograms as in EAT (arXiv 2401.03497): frames are the rows of the grid of patches, mel bins its columns.
struct SpectrogramConfig {
  int64_t sample_rate = 16000;
  double min_seconds = 0;
  int64_t bins = 128;
  int64_t frames = 1024;
  int64_t patch = 16;
  double window_seconds = 0.025;
  double hop_seconds = 0.01;
  double low_hertz = 20;
  double high_hertz = 0;
  double mean = -4.268;
  double std = 4.569;

  template <class V>
  void visit(V& v) {
    v("sample_rate", sample_rate, Range{1000, 192000}, "audio is resampled to so many samples a second");
    v("min_seconds", min_seconds, Range{0, 86400},
      "shorter recordings are left out, as are those shorter than a window");
    v("bins", bins, Range{1, 4096}, "mel bins; a multiple of the patch");
    v("frames", frames, Range{1, 1 << 20},
      "frames that the model sees, a multiple of the patch: of longer recordings a random span, shorter ones "
      "are filled up");
    v("patch", patch, Range{1, 1024}, "side of a patch in frames and mel bins");
    v("window_seconds", window_seconds, Range{1e-4, 10}, "length of a frame's Hann window");
    v("hop_seconds", hop_seconds, Range{1e-4, 10}, "time from one frame to the next");
    v("low_hertz", low_hertz, Range{0, 96000}, "where the lowest mel bin begins");
    v("high_hertz", high_hertz, Range{0, 96000}, "where the highest mel bin ends; 0: half the sample rate");
    v("mean", mean, Range{-100, 100}, "mean of the data's log-mel values; AudioSet's");
    v("std", std, Range{1e-6, 1e6}, "their standard deviation; the model sees (value - mean) / (2 std)");
  }
};

struct TextConfig {
  std::string vocabulary;
  int64_t vocabulary_size = 0;
  int64_t block = 512;
  bool document_boundaries = false;
  int64_t max_positions = 512;
  double dropout = 0;
  Padding padding = Padding::exact;

  template <class V>
  void visit(V& v) {
    v("vocabulary", vocabulary,
      "folder with encoder.json, vocab.bpe and dict.txt, or a SentencePiece .model file");
    v("vocabulary_size", vocabulary_size, Range{0, 1 << 24},
      "tokens with the special ones; 0: as the token file says");
    v("block", block, Range{8, 65536}, "tokens of a sample, with <s> in front");
    v("document_boundaries", document_boundaries, "samples end where a document ends");
    v("max_positions", max_positions, Range{8, 65536}, "rows of the learned position table");
    v("dropout", dropout, Range{0, 0.95}, "dropout on the embedding");
    v("padding", padding,
      "exact: padding leaves no trace in the results; reference: as the published code. Texts are not cut");
  }
};

}  // namespace d2v
