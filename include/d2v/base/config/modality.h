// Options of speech and text: what both the pipeline (lengths) and the model (layers) read.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "d2v/base/options.h"

namespace d2v {

enum class Modality { image, speech, text };
template <>
struct EnumNames<Modality> {
  static constexpr std::array<std::string_view, 3> names{"image", "speech", "text"};
};

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
      "crop: a slice's recordings are cut to its shortest; exact: filled up without a trace in the results; "
      "reference: filled up, convolutions and queries run over the padding");
    v("conv_layers", conv_layers,
      "feature extractor: channels:kernel:stride, with 'xN' for N equal layers, in order");
    v("positions_depth", positions_depth, Range{1, 64}, "convolutions of the relative positional encoder");
    v("positions_width", positions_width, Range{1, 1024},
      "their kernels together: each has max(3, width / depth)");
    v("positions_groups", positions_groups, Range{1, 1024}, "their groups; must divide model.dim");
    v("zero_masked", zero_masked,
      "masked frames are zero in the positional encoder's input; no: they are noise (decoder.noise_std)");
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
    v("padding", padding, "exact: padding leaves no trace in the results; reference: as the published code");
  }
};

}  // namespace d2v
