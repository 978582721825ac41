#include "d2v/model/data2vec1_encoder.h"

#include "d2v/base/check.h"
#include "d2v/model/image_encoder.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/attention_bias.h"
#include "d2v/nn/declare.h"
#include "d2v/nn/device.h"

namespace d2v {

namespace {

constexpr uint32_t input_dropout_site = (1u << 30) + 4;
constexpr uint32_t embedding_dropout_site = (1u << 30) + 3;

// What enters the first block, and the bias of all of them.
at::Tensor first_input(const Data2Vec1Encoder& encoder, const Config& config, const at::Tensor& x,
                       const RowPadding& padding, const RowKeys& keys) {
  if (config.model.modality == Modality::image) return x;
  const at::Tensor h = zero_padding(x, padding.valid);
  if (config.model.modality == Modality::text) return h;
  const at::Tensor positions = relative_positions(encoder.positions, h, padding.for_convolutions());
  return dropout(layer_norm(h + positions, encoder.input_norm, 1e-5), config.model.encoder_dropout, keys,
                 input_dropout_site);
}

at::Tensor bias_of(const Data2Vec1Encoder& encoder, const Config& config, const RowPadding& padding) {
  if (config.model.modality == Modality::image)
    return relative_position_bias(
        encoder.relative_table,
        send(relative_position_index(grid_side(config.image)), encoder.relative_table.device()));
  return padded_keys(padding.valid, 0);
}

}  // namespace

std::string data2vec1_prefix(Modality modality) {
  return modality == Modality::text ? "encoder.sentence_encoder." : "encoder.";
}

void declare_data2vec1_encoder(std::vector<Parameter>& out, const Config& config) {
  const ModelConfig& model = config.model;
  const std::string prefix = data2vec1_prefix(model.modality);
  check<UsageError>(model.dim % model.heads == 0, "model.heads = {} does not divide model.dim = {}",
                    model.heads, model.dim);
  const TeacherRule averaged = TeacherRule::averaged, copied = TeacherRule::copied;
  switch (model.modality) {
    case Modality::speech:
      declare_relative_positions(out, prefix + "pos_conv.", 0, config.speech, model.dim, copied);
      declare_norm(out, prefix + "layer_norm", model.dim, averaged);
      break;
    case Modality::text:
      declare_text_encoder(out, prefix, config.text, model.dim, copied);
      break;
    case Modality::image:
      out.push_back({prefix + "rel_pos_bias.relative_position_bias_table",
                     {relative_table_rows(grid_side(config.image)), model.heads},
                     Init::constant,
                     0,
                     averaged,
                     true,
                     true,
                     /*fp32=*/true});
      declare_norm(out, prefix + "norm", model.dim, averaged);
      break;
    case Modality::spectrogram:
      fail("data2vec 1 has no spectrograms");
  }
  for (int64_t i = 0; i < model.depth; ++i) {
    if (model.modality == Modality::image)
      declare_beit_block(out, fmt::format("{}blocks.{}.", prefix, i), model, config.data2vec1.layer_scale, i,
                         averaged);
    else
      declare_fairseq_layer(out, fmt::format("{}layers.{}.", prefix, i), model, averaged);
  }
}

Data2Vec1Encoder data2vec1_encoder(const Weights& weights, const Config& config) {
  Data2Vec1Encoder out;
  switch (config.model.modality) {
    case Modality::speech:
      out.positions = relative_position_weights(weights.below("pos_conv."), 0, config.speech);
      out.input_norm = norm_weights(weights, "layer_norm");
      break;
    case Modality::text:
      out.text = text_weights(weights);
      break;
    case Modality::image:
      out.relative_table = weights["rel_pos_bias.relative_position_bias_table"];
      out.final_norm = norm_weights(weights, "norm");
      break;
    case Modality::spectrogram:
      fail("data2vec 1 has no spectrograms");
  }
  for (int64_t i = 0; i < config.model.depth; ++i) {
    if (config.model.modality == Modality::image)
      out.blocks.push_back(beit_block_weights(weights.below(fmt::format("blocks.{}.", i))));
    else
      out.layers.push_back(fairseq_layer_weights(weights.below(fmt::format("layers.{}.", i))));
  }
  return out;
}

at::Tensor embed_tokens(const Data2Vec1Encoder& encoder, const Config& config, const at::Tensor& tokens,
                        const RowKeys& keys) {
  return dropout(text_features(encoder.text, tokens), config.text.dropout, keys, embedding_dropout_site);
}

Data2Vec1Run run_data2vec1(const Data2Vec1Encoder& encoder, const Config& config, const at::Tensor& x,
                           const RowPadding& padding, const RowKeys& keys, Philox skip) {
  const ModelConfig& model = config.model;
  const bool image = model.modality == Modality::image;
  const int64_t extra = image ? 1 : 0;
  const at::Tensor bias = bias_of(encoder, config, padding);
  at::Tensor h = first_input(encoder, config, x, padding, keys);
  Data2Vec1Run out;
  for (int64_t i = 0; i < model.depth; ++i) {
    if (!keys.empty() && model.layerdrop > 0 && skip.uniform() < model.layerdrop) continue;
    const double rate = drop_path_rate(model.drop_path_start, model.drop_path_end, i, model.depth);
    const uint32_t index = static_cast<uint32_t>(i);
    const BlockOutput block =
        image ? beit_block_forward(encoder.blocks[i], model, h, bias, rate, keys, index)
              : block_forward(joined(encoder.layers[i]), model, h, bias, rate, keys, index);
    h = block.output;
    out.outputs.push_back(h);
    // Only the teacher's layer results are read: a student's may be missing.
    const at::Tensor& result = config.target.end_of_block ? block.output : block.ffn;
    if (result.defined()) out.results.push_back(result.slice(1, extra));
  }
  if (image) h = layer_norm(h, encoder.final_norm, model.norm_eps);
  out.output = h.slice(1, extra);
  return out;
}

}  // namespace d2v
