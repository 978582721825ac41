// Options of the model: encoder, decoder, targets, losses. Symbols as in the data2vec 2.0 paper (arXiv 2212.07525).
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "d2v/base/config/modality.h"
#include "d2v/base/options.h"

namespace d2v {

enum class ObjectiveKind { data2vec2, data2vec1, mae };
template <>
struct EnumNames<ObjectiveKind> {
  static constexpr std::array<std::string_view, 3> names{"data2vec2", "data2vec1", "mae"};
};

enum class NormKind { none, instance, layer, batch };
template <>
struct EnumNames<NormKind> {
  static constexpr std::array<std::string_view, 4> names{"none", "instance", "layer", "batch"};
};

// Which positions the instance and batch norms of padded targets are taken over.
enum class NormOver { valid, all };
template <>
struct EnumNames<NormOver> {
  static constexpr std::array<std::string_view, 2> names{"valid", "all"};
};

enum class AlibiDistance { manhattan, euclidean };
template <>
struct EnumNames<AlibiDistance> {
  static constexpr std::array<std::string_view, 2> names{"manhattan", "euclidean"};
};

struct ModelConfig {
  ObjectiveKind objective = ObjectiveKind::data2vec2;
  Modality modality = Modality::image;
  int64_t dim = 768;
  int64_t heads = 12;
  int64_t prenet_depth = 2;
  int64_t depth = 10;
  double mlp_ratio = 4;
  bool layer_norm_first = false;
  bool norm_affine = true;
  double norm_eps = 1e-6;
  int64_t extra_tokens = 1;
  bool init_extra_token_zero = false;
  bool mae_init = false;
  double encoder_dropout = 0;
  double attention_dropout = 0;
  double activation_dropout = 0;
  double post_mlp_dropout = 0;
  double prenet_dropout = 0;
  double dropout_input = 0;
  double drop_path_start = 0;
  double drop_path_end = 0;
  double prenet_drop_path_start = 0;
  double prenet_drop_path_end = 0;
  double layerdrop = 0;
  double local_grad_mult = 1;
  bool alibi = false;
  AlibiDistance alibi_distance = AlibiDistance::manhattan;
  double alibi_scale = 1;
  bool alibi_scale_learned = false;
  bool alibi_scale_per_head = false;
  bool alibi_scale_per_layer = false;

  template <class V>
  void visit(V& v) {
    v("objective", objective, "what is learned");
    v("modality", modality, "what it is learned from");
    v("dim", dim, Range{8, 16384}, "width D of the encoder");
    v("heads", heads, Range{1, 256}, "attention heads H; must divide the width");
    v("prenet_depth", prenet_depth, Range{0, 256},
      "blocks of the modality's own stack, before the shared ones");
    v("depth", depth, Range{1, 256}, "shared blocks, the ones that targets are taken from");
    v("mlp_ratio", mlp_ratio, Range{0.25, 16}, "width of the feed-forward layer / D");
    v("layer_norm_first", layer_norm_first, "pre-norm blocks (the paper's are post-norm)");
    v("norm_affine", norm_affine, "LayerNorms of the blocks have a learned scale and shift");
    v("norm_eps", norm_eps, Range{1e-12, 1e-2}, "eps of the blocks' LayerNorms");
    v("extra_tokens", extra_tokens, Range{0, 64},
      "learned tokens in front (E); the last one is the CLS token of loss.cls");
    v("init_extra_token_zero", init_extra_token_zero, "the first extra token starts at 0 instead of N(0, 1)");
    v("mae_init", mae_init,
      "Linear layers start Xavier-uniform with zero bias, as in MAE, instead of N(0, 0.02²)");
    v("encoder_dropout", encoder_dropout, Range{0, 0.95}, "dropout after the attention's output projection");
    v("attention_dropout", attention_dropout, Range{0, 0.95}, "dropout on the attention's softmax");
    v("activation_dropout", activation_dropout, Range{0, 0.95},
      "dropout after GELU and after the second MLP layer");
    v("post_mlp_dropout", post_mlp_dropout, Range{0, 0.95}, "dropout before the MLP's residual");
    v("prenet_dropout", prenet_dropout, Range{0, 0.95}, "dropout after the LayerNorm in front of the prenet");
    v("dropout_input", dropout_input, Range{0, 0.95}, "dropout on the shared blocks' input");
    v("drop_path_start", drop_path_start, Range{0, 0.95}, "stochastic depth of the first shared block");
    v("drop_path_end", drop_path_end, Range{0, 0.95},
      "stochastic depth of the last shared block, linear in between");
    v("prenet_drop_path_start", prenet_drop_path_start, Range{0, 0.95}, "the same for the prenet");
    v("prenet_drop_path_end", prenet_drop_path_end, Range{0, 0.95}, "the same for the prenet");
    v("layerdrop", layerdrop, Range{0, 0.95}, "chance that the student skips a shared block");
    v("local_grad_mult", local_grad_mult, Range{0, 1},
      "factor on the gradient that enters the local encoder (0: frozen)");
    v("alibi", alibi, "attention bias that falls with distance (ALiBi), over rows and columns");
    v("alibi_distance", alibi_distance, "distance of two patches for ALiBi");
    v("alibi_scale", alibi_scale, Range{0, 1000},
      "factor on the ALiBi bias, or where it starts when learned");
    v("alibi_scale_learned", alibi_scale_learned, "learn the ALiBi factor (clamped at 0)");
    v("alibi_scale_per_head", alibi_scale_per_head, "one ALiBi factor per head");
    v("alibi_scale_per_layer", alibi_scale_per_layer, "one ALiBi factor per block");
  }
};

// The convolutional decoder (section 3.2 of the paper).
struct DecoderConfig {
  int64_t dim = 768;
  int64_t groups = 16;
  int64_t kernel = 3;
  int64_t layers = 6;
  bool residual = true;
  int64_t projection_layers = 1;
  double projection_ratio = 2;
  double input_dropout = 0;
  double noise_std = 0.01;
  bool add_positions_masked = false;
  bool add_positions_all = false;

  template <class V>
  void visit(V& v) {
    v("dim", dim, Range{4, 16384}, "channels of the convolutions");
    v("groups", groups, Range{1, 1024}, "groups of the convolutions; must divide both widths");
    v("kernel", kernel, Range{1, 63}, "side of the convolution kernels");
    v("layers", layers, Range{1, 64}, "convolution layers");
    v("residual", residual, "add a layer's input to its output where the widths agree");
    v("projection_layers", projection_layers, Range{1, 8},
      "Linear layers after the convolutions (1-D decoders: more than 1)");
    v("projection_ratio", projection_ratio, Range{0.25, 16},
      "width of the first of several projection layers / decoder width");
    v("input_dropout", input_dropout, Range{0, 0.95}, "dropout on the encoder's output before the decoder");
    v("noise_std", noise_std, Range{0, 100},
      "standard deviation of the noise that stands at masked positions");
    v("add_positions_masked", add_positions_masked,
      "add the fixed positions at masked positions of the decoder's input");
    v("add_positions_all", add_positions_all,
      "add the fixed positions at all positions of the decoder's input");
  }
};

// Targets: average of the teacher's last K layers (section 3.1 of the paper).
struct TargetConfig {
  int64_t layers = 10;
  NormKind layer_norm = NormKind::instance;
  NormKind final_norm = NormKind::layer;
  bool end_of_block = false;
  NormOver norm_over = NormOver::valid;

  template <class V>
  void visit(V& v) {
    v("layers", layers, Range{1, 256}, "how many of the teacher's last blocks are averaged (K)");
    v("layer_norm", layer_norm, "normalisation of each block's result before the average");
    v("final_norm", final_norm, "normalisation of the average (batch is not allowed here)");
    v("end_of_block", end_of_block,
      "take block outputs instead of the feed-forward outputs before the residual");
    v("norm_over", norm_over,
      "positions that instance and batch norms count: valid leaves padding out; all is as the published "
      "code");
  }
};

struct LossConfig {
  double beta = 0;
  double scale = 0;
  double regression = 1;
  double cls = 0.01;
  int64_t cls_batch = 0;
  double recon = 0;
  double variance = 0;
  double covariance = 0;

  template <class V>
  void visit(V& v) {
    v("beta", beta, Range{0, 1000}, "smooth L1 transition point; 0 is squared error");
    v("scale", scale, Range{0, 1e6}, "factor on every error; 0 is 1/sqrt(D)");
    v("regression", regression, Range{0, 1e6}, "weight of the regression at masked positions");
    v("cls", cls, Range{0, 1e6}, "weight of the CLS token's loss (target: mean of the sample's targets)");
    v("cls_batch", cls_batch, Range{0, 1 << 24},
      "batch that the CLS weight was tuned for; 0 is this run's global batch");
    v("recon", recon, Range{0, 1e6}, "weight of the reconstruction of normalised pixels");
    v("variance", variance, Range{0, 1e6},
      "weight of VICReg's hinge on the deviation of predictions, against collapse; taken over each pass, so "
      "it depends on run.accumulate");
    v("covariance", covariance, Range{0, 1e6},
      "weight of VICReg's squared covariance between channels of predictions, against collapse; taken over "
      "each pass, "
      "so it depends on run.accumulate");
  }
};

// What only data2vec 1 has (arXiv 2202.03555).
struct Data2Vec1Config {
  double layer_scale = 1e-4;
  bool image_head = false;
  int64_t text_head_layers = 2;
  double mask_share = 0.8;
  double random_share = 0.1;

  template <class V>
  void visit(V& v) {
    v("layer_scale", layer_scale, Range{1e-8, 1}, "images: where the factors on the residual branches start");
    v("image_head", image_head,
      "images: predict through a Linear layer (paper); no: the encoder's output itself (released)");
    v("text_head_layers", text_head_layers, Range{1, 8}, "text: Linear layers that make the prediction");
    v("mask_share", mask_share, Range{0, 1},
      "text: share of chosen tokens that become the mask token (paper 0.8, released 1)");
    v("random_share", random_share, Range{0, 1},
      "text: share that becomes a random token (paper 0.1, released 0); the rest stays");
  }
};

// What only MAE has (arXiv 2111.06377): its Transformer decoder.
struct MaeConfig {
  int64_t decoder_dim = 512;
  int64_t decoder_depth = 8;
  int64_t decoder_heads = 16;
  bool normalize_pixels = true;

  template <class V>
  void visit(V& v) {
    v("decoder_dim", decoder_dim, Range{8, 16384}, "width of the decoder; a multiple of 4");
    v("decoder_depth", decoder_depth, Range{1, 64}, "blocks of the decoder");
    v("decoder_heads", decoder_heads, Range{1, 256}, "its attention heads; must divide the width");
    v("normalize_pixels", normalize_pixels, "targets are pixels normalised per patch");
  }
};

}  // namespace d2v
