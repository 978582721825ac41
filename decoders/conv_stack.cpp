#include "conv_stack.h"

#include <algorithm>

#include <ATen/Parallel.h>

#include "d2v/nn/aten.h"
#include "d2v/nn/row_kernels.h"

namespace d2v {

namespace {

constexpr double norm_eps = 1e-5;

// Packed weights of every layer, one after the other.
template <class T>
std::vector<at::Tensor> pack_all(const ConvStack& stack, bool reversed) {
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
int64_t most_padded(const ConvStack& stack) {
  int64_t out = 0;
  for (const ConvShape& shape : stack.layers)
    out = std::max(
        {out, grouped_conv<T>().padded_size(shape), grouped_conv<T>().padded_size(shape.reversed())});
  return out;
}

// out = gelu(n) + input, with the input where the layer adds it.
template <class T>
void finish_layer(const ConvStack& stack, size_t i, const T* n, const T* input, T* out) {
  row_kernels<T>().gelu_residual(n, stack.adds_input(i) ? input : nullptr, out,
                                 stack.positions() * stack.channels());
}

// What one thread adds up over its views.
template <class T>
struct Sums {
  std::vector<std::vector<T>> weight, bias;

  explicit Sums(const ConvStack& stack) {
    for (const ConvShape& shape : stack.layers) {
      weight.emplace_back(static_cast<size_t>(grouped_conv<T>().weight_size(shape)));
      bias.emplace_back(static_cast<size_t>(stack.channels()));
    }
  }
};

template <class T>
void backward_view(const ConvStack& stack, const std::vector<at::Tensor>& packed, const T* x, const T* normal,
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

}  // namespace

ConvStack make_conv_stack(const std::vector<at::Tensor>& parameters, bool residual, int64_t groups,
                          int64_t height, int64_t width) {
  ConvStack out{.layers = {}, .parameters = parameters, .residual = residual};
  for (size_t i = 0; i < parameters.size(); i += 2) {
    const at::Tensor& weight = parameters[i];
    const int64_t kernel_width = weight.size(-1), kernel_height = weight.dim() == 4 ? weight.size(2) : 1;
    out.layers.push_back({height, width, kernel_height, kernel_width, kernel_height / 2, kernel_width / 2,
                          groups, weight.size(1), weight.size(0) / groups});
  }
  return out;
}

template <class T>
void forward_views(const ConvStack& stack, const at::Tensor& x, at::Tensor& normal, at::Tensor& rstd,
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

template <class T>
std::vector<at::Tensor> backward_views(const ConvStack& stack, const at::Tensor& x, const at::Tensor& normal,
                                       const at::Tensor& rstd, const at::Tensor& out_gradient,
                                       at::Tensor& dx) {
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
  std::vector<at::Tensor> out;
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

template void forward_views<float>(const ConvStack&, const at::Tensor&, at::Tensor&, at::Tensor&,
                                   at::Tensor&);
template void forward_views<double>(const ConvStack&, const at::Tensor&, at::Tensor&, at::Tensor&,
                                    at::Tensor&);
template std::vector<at::Tensor> backward_views<float>(const ConvStack&, const at::Tensor&, const at::Tensor&,
                                                       const at::Tensor&, const at::Tensor&, at::Tensor&);
template std::vector<at::Tensor> backward_views<double>(const ConvStack&, const at::Tensor&,
                                                        const at::Tensor&, const at::Tensor&,
                                                        const at::Tensor&, at::Tensor&);

}  // namespace d2v
