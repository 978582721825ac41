// Options of the data pipeline: source, image transforms, masks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "d2v/base/options.h"

namespace d2v {

struct DataConfig {
  std::string path;
  std::string sources;
  std::string valid;
  int64_t batch = 64;
  bool drop_last = true;
  int64_t max_pixels = 178956970;
  double max_bad_fraction = 0.01;
  bool deduplicate = false;
  int64_t min_class_files = 1;
  bool jpeg_scaling = false;
  int64_t threads = 0;
  int64_t prefetch = 4;

  template <class V>
  void visit(V& v) {
    v("path", path,
      "folder of pictures or recordings (class = first sub-folder), tar shards, list, fairseq manifest, "
      "token file, "
      "or synthetic:samples=1000/classes=10; docs/data.md");
    v("sources", sources, "instead of path, several of them by weight: PATH:0.7, PATH:0.3");
    v("valid", valid, "held-out data: as path, or a share of the data such as 5%; empty: none");
    v("batch", batch, Range{1, 1 << 24}, "samples per update (B), over all accumulation steps and workers");
    v("drop_last", drop_last, "leave out the last, smaller batch of an epoch");
    v("max_pixels", max_pixels, Range{1, 1e12}, "pictures with more pixels are refused by their header");
    v("max_bad_fraction", max_bad_fraction, Range{0, 1},
      "stop when more than this share of the samples cannot be read");
    v("deduplicate", deduplicate, "skip links and files of equal content");
    v("min_class_files", min_class_files, Range{1, 1e9},
      "leave out classes with fewer files (after deduplication)");
    v("jpeg_scaling", jpeg_scaling,
      "decode JPEGs at 1/2, 1/4 or 1/8 where a random crop is that much larger than image.size: faster, and "
      "not quite the same pixels");
    v("threads", threads, Range{0, 1024}, "loader threads; 0: the cores that the trainer leaves, at least 1");
    v("prefetch", prefetch, Range{1, 1024}, "batches prepared ahead");
  }
};

enum class CropKind { random_resized, center };
template <>
struct EnumNames<CropKind> {
  static constexpr std::array<std::string_view, 2> names{"random_resized", "center"};
};

struct ImageConfig {
  int64_t size = 224;
  int64_t channels = 3;
  int64_t patch = 16;
  CropKind crop = CropKind::random_resized;
  bool pad_square = false;
  double crop_scale_min = 0.2;
  double crop_scale_max = 1;
  double crop_ratio_min = 0.75;
  double crop_ratio_max = 4.0 / 3.0;
  double flip = 0.5;
  std::vector<double> mean{0.485, 0.456, 0.406};
  std::vector<double> std{0.229, 0.224, 0.225};

  template <class V>
  void visit(V& v) {
    v("size", size, Range{4, 4096}, "side of the square that the model sees, in pixels");
    v("channels", channels, Range{3, 3}, "colour channels");
    v("patch", patch, Range{1, 1024}, "side of a patch in pixels; must divide the size");
    v("crop", crop,
      "how a training picture becomes a square; probes, embeddings and the held-out loss use center");
    v("pad_square", pad_square, "pad pictures with white to a square before any crop");
    v("crop_scale_min", crop_scale_min, Range{0.001, 1}, "random_resized: smallest share of the area");
    v("crop_scale_max", crop_scale_max, Range{0.001, 1}, "random_resized: largest share of the area");
    v("crop_ratio_min", crop_ratio_min, Range{0.01, 100}, "random_resized: smallest width / height");
    v("crop_ratio_max", crop_ratio_max, Range{0.01, 100}, "random_resized: largest width / height");
    v("flip", flip, Range{0, 1}, "chance of a horizontal flip");
    v("mean", mean, "mean per channel that is subtracted, on a scale of 0 to 1");
    v("std", std, "standard deviation per channel that is divided by");
  }
};

enum class MaskKind { inverse_block, block, random, spans, beit, bert };
template <>
struct EnumNames<MaskKind> {
  static constexpr std::array<std::string_view, 6> names{"inverse_block", "block", "random",
                                                         "spans",         "beit",  "bert"};
};

struct MaskConfig {
  MaskKind kind = MaskKind::inverse_block;
  double prob = 0.8;
  double prob_min = 0;
  double adjust = 0.07;
  int64_t block = 3;
  int64_t clones = 16;
  double dropout = 0;
  int64_t area_min = 16;
  int64_t area_max = 0;
  double aspect = 0.3;

  template <class V>
  void visit(V& v) {
    v("kind", kind,
      "inverse_block keeps blocks, block hides blocks, random hides single positions; for data2vec 1 spans "
      "(wav2vec), beit (rectangles), bert (tokens or runs of them). With spans and bert, prob is what runs "
      "side by side would hide");
    v("prob", prob, Range{0, 1}, "share of positions hidden from the student (R)");
    v("prob_min", prob_min, Range{0, 1}, "when above 0: R is drawn from [prob_min, prob] for each batch");
    v("adjust", adjust, Range{0, 1}, "extra share of starting points, since blocks overlap (A)");
    v("block", block, Range{1, 64}, "side of a block in patches (b); length of a run");
    v("clones", clones, Range{1, 256}, "masked versions of each sample (M); they share one teacher pass");
    v("dropout", dropout, Range{0, 1}, "extra share of starting points, multiplying");
    v("area_min", area_min, Range{1, 1e6}, "beit: fewest patches of a rectangle");
    v("area_max", area_max, Range{0, 1e6}, "beit: most patches of a rectangle; 0: all");
    v("aspect", aspect, Range{0.01, 1},
      "beit: least height / width of a rectangle; the greatest is its inverse");
  }
};

}  // namespace d2v
