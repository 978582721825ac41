#include "d2v/model/context_encoder.h"

#include "d2v/nn/aten.h"
#include "d2v/nn/device.h"
#include "d2v/nn/positions.h"
#include "d2v/nn/rows.h"

namespace d2v {

namespace {

// ALiBi between all positions, or between those in `index` (R, N): (1|R, H, E+N, E+N); extra tokens have bias 0.
at::Tensor alibi_of(const Config& config, int64_t positions, const at::Tensor& index, at::Device device) {
  const ModelConfig& model = config.model;
  if (!model.alibi) return {};
  at::Tensor bias;
  if (!on_grid(model.modality)) {
    bias = index.defined() ? alibi_bias_1d(model.heads, index)
                           : send(alibi_bias_1d(model.heads, positions), device).unsqueeze(0);
  } else {
    const PatchGrid grid = patch_grid(config);
    bias = send(alibi_bias_2d(model.heads, grid.rows(), grid.columns(), model.alibi_distance), device)
               .unsqueeze(0);
    if (index.defined()) {
      const int64_t rows = index.size(0), count = index.size(1);
      bias = bias.expand({rows, -1, -1, -1})
                 .gather(2, index.view({rows, 1, count, 1}).expand({-1, model.heads, -1, positions}));
      bias = bias.gather(3, index.view({rows, 1, 1, count}).expand({-1, model.heads, count, -1}));
    }
  }
  return at::constant_pad_nd(bias, {model.extra_tokens, 0, model.extra_tokens, 0}, 0);
}

at::Tensor prepend_extra_tokens(const ModalityEncoder& encoder, const at::Tensor& x) {
  if (!encoder.extra_tokens.defined()) return x;
  return at::cat({encoder.extra_tokens.to(x.scalar_type()).expand({x.size(0), -1, -1}), x}, 1);
}

// The relative positional encoder over each clone's full sequence, masked frames zeroed or replaced by noise:
// (B·M, T, D).
at::Tensor student_positions(const ModalityEncoder& encoder, const Config& config,
                             const at::Tensor& visible_rows, const DeviceBatch& batch,
                             const RowPadding& padding, const RowKeys& noise_keys, const Trace* trace) {
  const int64_t count = batch.masked.size(2), dim = visible_rows.size(2);
  at::Tensor fill;
  if (config.speech.zero_masked)
    fill = at::zeros({visible_rows.size(0), count, dim}, visible_rows.options());
  else if (trace && trace->positional_noise.defined())
    fill = trace->positional_noise.to(visible_rows.device(), visible_rows.scalar_type());
  else
    fill = row_noise(noise_keys, count, dim, config.decoder.noise_std, visible_rows.scalar_type(),
                     Stream::positional_noise, visible_rows.device());
  return relative_positions(encoder.relative_positions,
                            restore_order(visible_rows, fill, batch.visible, batch.masked),
                            padding.for_convolutions());
}

}  // namespace

EncoderInput student_input(const ModalityEncoder& encoder, const Config& config, const at::Tensor& z,
                           const DeviceBatch& batch, const RowPadding& padding, const RowKeys& noise_keys,
                           Trace* trace) {
  const int64_t clones = batch.visible.size(1), extra = config.model.extra_tokens;
  const at::Tensor index = batch.visible.flatten(0, 1);  // (B·M, V)
  EncoderInput out;
  if (encoder.fixed_positions.defined()) {
    out.x = gather_visible(z, encoder.fixed_positions, batch.visible);
  } else {
    out.x = gather_visible(z, batch.visible);
  }
  const RowPadding rows = padding.repeated(clones);
  if (!encoder.relative_positions.weight.empty()) {
    const at::Tensor positions = student_positions(encoder, config, out.x, batch, rows, noise_keys, trace);
    record(trace, "relative_positions", positions);
    out.x = out.x + take_rows(positions, batch.visible);
  }
  out.x = prepend_extra_tokens(encoder, out.x);
  const at::Tensor valid = rows.valid.defined() ? rows.valid.gather(1, index) : at::Tensor();
  out.bias = AttentionBias(alibi_of(config, z.size(1), index, z.device()), encoder.alibi_scale,
                           padded_keys(valid, extra));
  record(trace, "student_encoder_input", out.x);
  if (trace && out.bias.has_alibi()) record(trace, "student_alibi", out.bias.alibi());
  if (valid.defined())
    record(trace, "student_padding_mask", at::constant_pad_nd(valid.logical_not(), {extra, 0}, 0));
  return out;
}

EncoderInput full_input(const ModalityEncoder& encoder, const Config& config, const at::Tensor& z,
                        const RowPadding& padding) {
  at::Tensor x = z;
  if (encoder.fixed_positions.defined()) x = (x + encoder.fixed_positions).to(z.scalar_type());
  if (!encoder.relative_positions.weight.empty())
    x = x + relative_positions(encoder.relative_positions, x, padding.for_convolutions());
  return {prepend_extra_tokens(encoder, x),
          AttentionBias(alibi_of(config, z.size(1), {}, z.device()), encoder.alibi_scale,
                        padded_keys(padding.valid, config.model.extra_tokens))};
}

at::Tensor prenet_forward(const ModalityEncoder& encoder, const Config& config, const EncoderInput& input,
                          const RowKeys& keys, std::vector<at::Tensor>* outputs) {
  const ModelConfig& model = config.model;
  constexpr uint32_t dropout_site = 1u << 30;
  at::Tensor x = input.x;
  if (norm_before_prenet(model)) x = layer_norm(x, encoder.norm, model.norm_eps);
  if (model.modality != Modality::text || model.prenet_depth > 0)
    x = dropout(x, model.prenet_dropout, keys, dropout_site);
  for (size_t i = 0; i < encoder.prenet.size(); ++i) {
    const int64_t layer = static_cast<int64_t>(i);
    const double rate =
        drop_path_rate(model.prenet_drop_path_start, model.prenet_drop_path_end, layer, model.prenet_depth);
    x = block_forward(encoder.prenet[i], model, x, input.bias.of_block(layer), rate, keys,
                      static_cast<uint32_t>(i))
            .output;
    if (outputs) outputs->push_back(x);
  }
  return x;
}

}  // namespace d2v
