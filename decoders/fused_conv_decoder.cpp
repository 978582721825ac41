#include "d2v/decoders/fused_conv_decoder.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "d2v/base/check.h"
#include "d2v/nn/grouped_conv.h"
#include "d2v/nn/row_kernels.h"

namespace d2v {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

constexpr int64_t most_group_channels = 32;  // the library was faster at 48
constexpr double norm_eps = 1e-5;

// The layers of one decoder: shapes, and weights in the order weight, bias, weight, bias, …
struct Stack {
  std::vector<ConvShape> layers;
  variable_list parameters;
  bool residual = true;

  size_t size() const { return layers.size(); }
  int64_t channels() const { return layers[0].groups * layers[0].out; }
  int64_t positions() const { return layers[0].positions(); }
  bool adds_input(size_t i) const { return residual && layers[i].in == layers[i].out; }
};

Stack make_stack(const variable_list& parameters, bool residual, int64_t groups, int64_t height,
                 int64_t width) {
  Stack out{.layers = {}, .parameters = parameters, .residual = residual};
  for (size_t i = 0; i < parameters.size(); i += 2) {
    const at::Tensor& weight = parameters[i];
    const int64_t kernel_width = weight.size(-1), kernel_height = weight.dim() == 4 ? weight.size(2) : 1;
    out.layers.push_back({height, width, kernel_height, kernel_width, kernel_height / 2, kernel_width / 2,
                          groups, weight.size(1), weight.size(0) / groups});
  }
  return out;
}

// Packed weights of every layer, one after the other.
template <class T>
std::vector<at::Tensor> pack_all(const Stack& stack, bool reversed) {
  std::vector<at::Tensor> out;
  for (size_t i = 0; i < stack.size(); ++i) {
    const ConvShape& shape = stack.layers[i];
    const int64_t size = grouped_conv<T>().weight_size(reversed ? shape.reversed() : shape);
    out.push_back(at::empty({size}, stack.parameters[0].options()));
    grouped_conv<T>().pack(shape, stack.parameters[2 * i].template const_data_ptr<T>(), reversed,
                           out.back().mutable_data_ptr<T>());
  }
  return out;
}

template <class T>
int64_t most_padded(const Stack& stack) {
  int64_t out = 0;
  for (const ConvShape& shape : stack.layers)
    out = std::max(
        {out, grouped_conv<T>().padded_size(shape), grouped_conv<T>().padded_size(shape.reversed())});
  return out;
}

// out = gelu(n) + input, with the input where the layer adds it.
template <class T>
void finish_layer(const Stack& stack, size_t i, const T* n, const T* input, T* out) {
  row_kernels<T>().gelu_residual(n, stack.adds_input(i) ? input : nullptr, out,
                                 stack.positions() * stack.channels());
}

// normal (layers, R, T, C) and rstd (layers, R, T) are what the backward pass needs.
template <class T>
void forward_views(const Stack& stack, const at::Tensor& x, at::Tensor& normal, at::Tensor& rstd,
                   at::Tensor& out) {
  const int64_t views = x.size(0), positions = stack.positions(), channels = stack.channels(),
                in_size = positions * x.size(2), size = positions * channels, padded = most_padded<T>(stack);
  const std::vector<at::Tensor> packed = pack_all<T>(stack, false);
  at::parallel_for(0, views, 1, [&](int64_t begin, int64_t end) {
    std::vector<T> image(static_cast<size_t>(padded));
    for (int64_t view = begin; view < end; ++view) {
      const T* input = x.const_data_ptr<T>() + view * in_size;
      T* result = out.mutable_data_ptr<T>() + view * size;
      for (size_t i = 0; i < stack.size(); ++i) {
        const int64_t at = static_cast<int64_t>(i) * views + view;
        T* n = normal.mutable_data_ptr<T>() + at * size;
        grouped_conv<T>().pad(stack.layers[i], input, image.data());
        grouped_conv<T>().convolve(stack.layers[i], image.data(), packed[i].template const_data_ptr<T>(),
                                   stack.parameters[2 * i + 1].template const_data_ptr<T>(), n);
        NormForward<T> norm;
        norm.branch = norm.normalised = norm.out = n;
        norm.eps = static_cast<T>(norm_eps);
        norm.rstd = rstd.mutable_data_ptr<T>() + at * positions;
        row_kernels<T>().sum_norm(norm, positions, channels);
        finish_layer(stack, i, n, input, result);
        input = result;
      }
    }
  });
}

// What one thread adds up over its views.
template <class T>
struct Sums {
  std::vector<std::vector<T>> weight, bias;

  explicit Sums(const Stack& stack) {
    for (const ConvShape& shape : stack.layers) {
      weight.emplace_back(static_cast<size_t>(grouped_conv<T>().weight_size(shape)));
      bias.emplace_back(static_cast<size_t>(stack.channels()));
    }
  }
};

template <class T>
void backward_view(const Stack& stack, const std::vector<at::Tensor>& packed, const T* x, const T* normal,
                   const T* rstd, int64_t views, const T* out_gradient, T* dx, Sums<T>& sums) {
  const RowKernels<T>& rows = row_kernels<T>();
  const GroupedConv<T>& conv = grouped_conv<T>();
  const int64_t positions = stack.positions(), channels = stack.channels(), size = positions * channels;
  std::vector<T> inputs(stack.size() * static_cast<size_t>(size)),
      image(static_cast<size_t>(most_padded<T>(stack)));
  std::vector<T> gradient(out_gradient, out_gradient + size), activation(static_cast<size_t>(size));
  std::vector<T> below(static_cast<size_t>(conv.gradient_size(stack.layers[0])));

  // The layers' inputs, from what was kept.
  std::vector<const T*> input{x};
  for (size_t i = 0; i + 1 < stack.size(); ++i) {
    T* next = inputs.data() + i * static_cast<size_t>(size);
    finish_layer(stack, i, normal + static_cast<int64_t>(i) * views * size, input[i], next);
    input.push_back(next);
  }
  for (size_t i = stack.size(); i-- > 0;) {
    const ConvShape& shape = stack.layers[i];
    const T* n = normal + static_cast<int64_t>(i) * views * size;
    std::copy(gradient.begin(), gradient.end(), below.begin());
    rows.gelu_backward(n, activation.data(), below.data(), size);
    NormBackward<T> norm;
    norm.gradient = below.data();
    norm.normalised = n;
    norm.rstd = rstd + static_cast<int64_t>(i) * views * positions;
    rows.norm_backward(norm, positions, channels);
    rows.add_column_sums(below.data(), sums.bias[i].data(), positions, channels);
    conv.pad(shape, input[i], image.data());
    conv.weight_gradient(shape, image.data(), below.data(), sums.weight[i].data());
    if (i == 0 && !dx) break;

    const ConvShape back = shape.reversed();
    conv.pad(back, below.data(), image.data());
    T* target = i == 0 ? dx : activation.data();
    conv.convolve(back, image.data(), packed[i].template const_data_ptr<T>(), nullptr, target);
    if (stack.adds_input(i)) rows.add_rows(target, gradient.data(), size);
    if (i > 0) std::copy(activation.begin(), activation.end(), gradient.begin());
  }
}

// → gradients of the parameters, in their order.
template <class T>
variable_list backward_views(const Stack& stack, const at::Tensor& x, const at::Tensor& normal,
                             const at::Tensor& rstd, const at::Tensor& out_gradient, at::Tensor& dx) {
  const int64_t views = x.size(0), size = stack.positions() * stack.channels(),
                in_size = stack.positions() * x.size(2);
  const std::vector<at::Tensor> packed = pack_all<T>(stack, true);
  // Each thread adds up its own views in order, then the threads' sums are added in order.
  std::vector<Sums<T>> sums(static_cast<size_t>(at::get_num_threads()), Sums<T>(stack));
  at::parallel_for(0, views, 1, [&](int64_t begin, int64_t end) {
    for (int64_t view = begin; view < end; ++view)
      backward_view(stack, packed, x.const_data_ptr<T>() + view * in_size,
                    normal.const_data_ptr<T>() + view * size,
                    rstd.const_data_ptr<T>() + view * stack.positions(), views,
                    out_gradient.const_data_ptr<T>() + view * size,
                    dx.defined() ? dx.mutable_data_ptr<T>() + view * in_size : nullptr,
                    sums[static_cast<size_t>(at::get_thread_num())]);
  });
  variable_list out;
  for (size_t i = 0; i < stack.size(); ++i) {
    at::Tensor weight = at::zeros_like(stack.parameters[2 * i]),
               bias = at::zeros_like(stack.parameters[2 * i + 1]);
    for (const Sums<T>& sum : sums) {
      grouped_conv<T>().unpack_add(stack.layers[i], sum.weight[i].data(), weight.mutable_data_ptr<T>());
      row_kernels<T>().add_rows(bias.mutable_data_ptr<T>(), sum.bias[i].data(), stack.channels());
    }
    out.insert(out.end(), {weight, bias});
  }
  return out;
}

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
    const Stack stack = make_stack(parameters, residual, groups, height, width);
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
    const Stack stack = make_stack({saved.begin() + 3, saved.end()}, context->saved_data["residual"].toBool(),
                                   shape[0], shape[1], shape[2]);
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
  const bool narrow =
      x.size(-1) / config.groups <= most_group_channels && config.dim / config.groups <= most_group_channels;
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
