#include "d2v/decoders/fused_conv_decoder.h"

#include <torch/csrc/autograd/custom_function.h>

#include "conv_stack.h"
#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

namespace d2v {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// The library was faster at 48 channels per group in two dimensions, and slower in one.
constexpr int64_t most_group_channels = 32, most_group_channels_1d = 48;

template <class F>
void for_type(at::ScalarType type, F&& f) {
  if (type == at::kDouble) {
    f(double{});
  } else {
    f(float{});
  }
}

struct FusedConvLayers : Function<FusedConvLayers> {
  // The framework finds what needs a gradient only among plain arguments: hence the pack of weights and biases.
  template <class... Tensors>
  static at::Tensor forward(AutogradContext* context, bool residual, int64_t groups, int64_t height,
                            int64_t width, const at::Tensor& x, const Tensors&... weights) {
    const variable_list parameters{weights...};
    const ConvStack stack = make_conv_stack(parameters, residual, groups, height, width);
    const int64_t layers = static_cast<int64_t>(stack.size()), views = x.size(0),
                  positions = stack.positions();
    at::Tensor normal = at::empty({layers, views, positions, stack.channels()}, x.options());
    at::Tensor rstd = at::empty({layers, views, positions}, x.options());
    at::Tensor out = at::empty({views, positions, stack.channels()}, x.options());
    for_type(x.scalar_type(), [&](auto zero) { forward_views<decltype(zero)>(stack, x, normal, rstd, out); });
    variable_list saved{x, normal, rstd};
    saved.insert(saved.end(), parameters.begin(), parameters.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["residual"] = residual;
    context->saved_data["shape"] = std::vector<int64_t>{groups, height, width};
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const std::vector<int64_t> shape = context->saved_data["shape"].toIntVector();
    const ConvStack stack =
        make_conv_stack({saved.begin() + 3, saved.end()}, context->saved_data["residual"].toBool(), shape[0],
                        shape[1], shape[2]);
    const at::Tensor& x = saved[0];
    const at::Tensor gradient = gradients[0].contiguous();
    at::Tensor dx = context->needs_input_grad(0) ? at::empty_like(x) : at::Tensor{};
    variable_list out{{}, {}, {}, {}, {}};
    for_type(x.scalar_type(), [&](auto zero) {
      const variable_list sums = backward_views<decltype(zero)>(stack, x, saved[1], saved[2], gradient, dx);
      out.insert(out.end(), sums.begin(), sums.end());
    });
    out[4] = dx;
    return out;
  }
};

// Calls the function with `Pairs` weights and biases.
template <size_t... I>
at::Tensor apply(const variable_list& p, const DecoderConfig& config, const at::Tensor& x, int64_t height,
                 int64_t width, std::index_sequence<I...>) {
  return FusedConvLayers::apply(config.residual, config.groups, height, width, x, p[I]...);
}

constexpr size_t most_layers = 8;

template <size_t Layers = 1>
at::Tensor apply_layers(const variable_list& p, const DecoderConfig& config, const at::Tensor& x,
                        int64_t height, int64_t width) {
  if constexpr (Layers < most_layers)
    if (p.size() > 2 * Layers) return apply_layers<Layers + 1>(p, config, x, height, width);
  return apply(p, config, x, height, width, std::make_index_sequence<2 * Layers>{});
}

}  // namespace

bool can_fuse(const ConvDecoderWeights& weights, const DecoderConfig& config, const at::Tensor& x) {
  const int64_t most = weights.conv_weight[0].dim() == 3 ? most_group_channels_1d : most_group_channels;
  const bool narrow = x.size(-1) / config.groups <= most && config.dim / config.groups <= most;
  const bool wide = x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble;
  return narrow && wide && x.device().is_cpu() && weights.conv_weight.size() <= most_layers;
}

at::Tensor fused_conv_layers(const ConvDecoderWeights& weights, const DecoderConfig& config,
                             const at::Tensor& x, int64_t height, int64_t width) {
  check(x.dim() == 3 && x.size(1) == height * width,
        "fused_conv_layers expects x (R, {}, D), found {} positions", height * width, x.size(1));
  variable_list parameters;
  for (size_t i = 0; i < weights.conv_weight.size(); ++i)
    parameters.insert(parameters.end(), {weights.conv_weight[i], weights.conv_bias[i]});
  return apply_layers(parameters, config, x.contiguous(), height, width);
}

}  // namespace d2v
