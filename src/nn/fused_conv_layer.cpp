#include "d2v/nn/fused_conv_layer.h"

#include <algorithm>
#include <array>
#include <optional>

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/row_kernels.h"
#include "d2v/nn/token_conv.h"

namespace d2v {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;
using MaybeTensor = std::optional<at::Tensor>;

constexpr double layer_eps = 1e-5;
constexpr int64_t rows_at_once = 16;  // a few tens of kB

template <class T>
const T* data_or_null(const at::Tensor& x) {
  return x.defined() ? x.const_data_ptr<T>() : nullptr;
}

// Everything but the tensors' contents. Rows of `index` (R, n) are the outputs wanted.
struct LayerShape {
  TokenConv conv;
  int64_t sequences;
  bool residual;
  at::Tensor index;

  TokenConv of(int64_t sequence) const {
    TokenConv out = conv;
    if (index.defined()) out.rows = index.const_data_ptr<int64_t>() + sequence * out.wanted;
    return out;
  }
  // The input row that belongs to output i of all outputs in sequence.
  int64_t input_row(int64_t i) const {
    return index.defined() ? i / conv.size() * conv.length + index.const_data_ptr<int64_t>()[i] : i;
  }
  int64_t rows() const { return sequences * conv.size(); }
};

LayerShape layer_shape(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& index, int64_t stride,
                       int64_t before, bool residual) {
  const int64_t length = x.size(1), kernel = weight.size(2),
                outputs = before > 0 ? length : (length - kernel) / stride + 1;
  return {{length, x.size(2), weight.size(0), kernel, stride, before, outputs,
           index.defined() ? index.size(1) : -1},
          x.size(0),
          residual && x.size(2) == weight.size(0),
          index};
}

// (C, C_in, k) → (C, k, C_in), as the products read it.
at::Tensor taps_first(const at::Tensor& weight) { return weight.permute({0, 2, 1}).contiguous(); }

template <class T>
void forward_layer(const LayerShape& shape, const at::Tensor& x, const at::Tensor& weight,
                   const at::Tensor& bias, const at::Tensor& norm_weight, const at::Tensor& norm_shift,
                   at::Tensor& normal, at::Tensor& rstd, at::Tensor& out) {
  const int64_t width = shape.conv.out, size = shape.conv.size() * width;
  const at::Tensor taps = taps_first(weight);
  at::Tensor columns = at::empty({shape.conv.columns_size()}, x.options());
  T *n = normal.mutable_data_ptr<T>(), *y = out.mutable_data_ptr<T>();
  const T* input = x.const_data_ptr<T>();
  for (int64_t s = 0; s < shape.sequences; ++s)
    token_conv(shape.of(s), input + s * shape.conv.length * shape.conv.in, taps.const_data_ptr<T>(),
               n + s * size, columns.mutable_data_ptr<T>());
  T* deviations = rstd.mutable_data_ptr<T>();
  at::parallel_for(0, shape.rows(), rows_at_once, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row += rows_at_once) {
      const int64_t count = std::min(rows_at_once, end - row), at = row * width;
      NormForward<T> norm;
      norm.branch = norm.normalised = n + at;
      norm.bias = data_or_null<T>(bias);
      norm.weight = data_or_null<T>(norm_weight);
      norm.shift = data_or_null<T>(norm_shift);
      norm.eps = static_cast<T>(layer_eps);
      norm.rstd = deviations + row;
      norm.out = y + at;
      row_kernels<T>().sum_norm(norm, count, width);
      if (!shape.residual) {
        row_kernels<T>().gelu_residual(y + at, nullptr, y + at, count * width);
        continue;
      }
      for (int64_t i = 0; i < count; ++i)
        row_kernels<T>().gelu_residual(y + at + i * width, input + shape.input_row(row + i) * width,
                                       y + at + i * width, width);
    }
  });
}

// dy, the gradient of the convolution's output, in place of that of the layer's; adds the sums over rows:
// 0 … width - 1 of `sums` are the bias's, then those of the norm's weight and shift.
template <class T>
void backward_rows(const LayerShape& shape, const T* normal, const T* rstd, const T* norm_weight,
                   const T* norm_shift, const T* out_gradient, T* dy, std::vector<std::vector<T>>& sums) {
  const int64_t width = shape.conv.out;
  const RowKernels<T>& kernels = row_kernels<T>();
  at::parallel_for(0, shape.rows(), rows_at_once, [&](int64_t begin, int64_t end) {
    T* sum = sums[static_cast<size_t>(at::get_thread_num())].data();
    std::vector<T> affine(static_cast<size_t>(rows_at_once * width)), activation(affine.size());
    for (int64_t row = begin; row < end; row += rows_at_once) {
      const int64_t count = std::min(rows_at_once, end - row), at = row * width;
      const T* n = normal + at;
      std::copy_n(out_gradient + at, count * width, dy + at);
      if (norm_weight) kernels.scale_shift(n, norm_weight, norm_shift, affine.data(), count, width);
      kernels.gelu_backward(norm_weight ? affine.data() : n, activation.data(), dy + at, count * width);
      NormBackward<T> norm;
      norm.gradient = dy + at;
      norm.normalised = n;
      norm.rstd = rstd + row;
      norm.weight = norm_weight;
      if (norm_weight) {
        norm.weight_gradient = sum + width;
        norm.shift_gradient = sum + 2 * width;
      }
      kernels.norm_backward(norm, count, width);
      kernels.add_column_sums(dy + at, sum, count, width);
    }
  });
  for (size_t i = 1; i < sums.size(); ++i) kernels.add_rows(sums[0].data(), sums[i].data(), 3 * width);
}

template <class T>
void backward_products(const LayerShape& shape, const at::Tensor& x, const at::Tensor& weight,
                       const at::Tensor& out_gradient, const at::Tensor& dy, at::Tensor& weight_gradient,
                       at::Tensor& dx) {
  const int64_t width = shape.conv.out, in_size = shape.conv.length * shape.conv.in;
  at::Tensor columns = at::empty({shape.conv.columns_size()}, x.options());
  T* work = columns.mutable_data_ptr<T>();
  for (int64_t s = 0; s < shape.sequences; ++s)
    token_conv_weight_gradient(shape.of(s), x.const_data_ptr<T>() + s * in_size,
                               dy.const_data_ptr<T>() + s * shape.conv.size() * width,
                               weight_gradient.mutable_data_ptr<T>(), work);
  if (!dx.defined()) return;
  T* target = dx.mutable_data_ptr<T>();
  const at::Tensor taps = taps_first(weight);
  for (int64_t s = 0; s < shape.sequences; ++s)
    token_conv_input_gradient(shape.of(s), dy.const_data_ptr<T>() + s * shape.conv.size() * width,
                              taps.const_data_ptr<T>(), target + s * in_size, work);
  if (!shape.residual) return;
  const T* source = out_gradient.const_data_ptr<T>();
  for (int64_t row = 0; row < shape.rows(); ++row)
    row_kernels<T>().add_rows(target + shape.input_row(row) * width, source + row * width, width);
}

template <class F>
void with_type(const at::Tensor& x, F&& f) {
  if (x.scalar_type() == at::kDouble) {
    f(double{});
  } else {
    f(float{});
  }
}

struct ConvLayerFunction : Function<ConvLayerFunction> {
  // Undefined tensors are no arguments that the framework takes, hence the optional ones.
  static at::Tensor forward(AutogradContext* context, int64_t stride, int64_t before, bool residual,
                            const at::Tensor& x, const at::Tensor& weight, const MaybeTensor& maybe_bias,
                            const MaybeTensor& maybe_norm_weight, const MaybeTensor& maybe_norm_shift,
                            const MaybeTensor& maybe_index) {
    const at::Tensor bias = maybe_bias.value_or(at::Tensor()),
                     norm_weight = maybe_norm_weight.value_or(at::Tensor()),
                     norm_shift = maybe_norm_shift.value_or(at::Tensor()),
                     index = maybe_index.value_or(at::Tensor());
    const LayerShape shape = layer_shape(x, weight, index, stride, before, residual);
    const std::array<int64_t, 3> size{shape.sequences, shape.conv.size(), shape.conv.out};
    at::Tensor normal = at::empty(size, x.options()), out = at::empty(size, x.options()),
               rstd = at::empty({shape.rows()}, x.options());
    with_type(x, [&](auto zero) {
      forward_layer<decltype(zero)>(shape, x, weight, bias, norm_weight, norm_shift, normal, rstd, out);
    });
    context->save_for_backward({index, x, weight, norm_weight, norm_shift, normal, rstd});
    context->saved_data["settings"] = std::vector<int64_t>{stride, before, residual, bias.defined()};
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const std::vector<int64_t> settings = context->saved_data["settings"].toIntVector();
    const at::Tensor &x = saved[1], &weight = saved[2], &norm_weight = saved[3], &norm_shift = saved[4];
    const LayerShape shape = layer_shape(x, weight, saved[0], settings[0], settings[1], settings[2] != 0);
    const at::Tensor out_gradient = gradients[0].contiguous();
    at::Tensor dy = at::empty_like(out_gradient),
               dx = context->needs_input_grad(0) ? at::zeros_like(x) : at::Tensor();
    at::Tensor taps = at::zeros({shape.conv.out, shape.conv.kernel, shape.conv.in}, x.options());
    at::Tensor sums = at::empty({3, shape.conv.out}, x.options());
    with_type(x, [&](auto zero) {
      using T = decltype(zero);
      std::vector<std::vector<T>> parts(static_cast<size_t>(at::get_num_threads()),
                                        std::vector<T>(static_cast<size_t>(3 * shape.conv.out)));
      backward_rows<T>(shape, saved[5].const_data_ptr<T>(), saved[6].const_data_ptr<T>(),
                       data_or_null<T>(norm_weight), data_or_null<T>(norm_shift),
                       out_gradient.const_data_ptr<T>(), dy.mutable_data_ptr<T>(), parts);
      std::copy(parts[0].begin(), parts[0].end(), sums.mutable_data_ptr<T>());
      backward_products<T>(shape, x, weight, out_gradient, dy, taps, dx);
    });
    const auto sum = [&](bool wanted, int64_t i) { return wanted ? sums[i] : at::Tensor(); };
    return {{},
            {},
            {},
            dx,
            taps.permute({0, 2, 1}),
            sum(settings[3] != 0, 0),
            sum(norm_weight.defined(), 1),
            sum(norm_shift.defined(), 2),
            {}};
  }
};

}  // namespace

bool can_fuse(const FusedConvLayer& layer, const at::Tensor& x) {
  const at::ScalarType type = x.scalar_type();
  const auto same = [type](const at::Tensor& t) { return !t.defined() || t.scalar_type() == type; };
  return (type == at::kFloat || type == at::kDouble) && x.device().is_cpu() && same(layer.weight) &&
         same(layer.bias) && same(layer.norm.weight) && same(layer.norm.bias);
}

at::Tensor fused_conv_layer(const FusedConvLayer& layer, const at::Tensor& x, const at::Tensor& rows) {
  check(x.dim() == 3 && x.size(2) == layer.weight.size(1) && (layer.before == 0 || layer.stride == 1),
        "fused_conv_layer expects x (R, T, {}), and stride 1 with padding", layer.weight.size(1));
  check(layer.before > 0 || x.size(1) >= layer.weight.size(2),
        "fused_conv_layer expects at least {} positions, found {}", layer.weight.size(2), x.size(1));
  check(layer.before < layer.weight.size(2), "fused_conv_layer expects less padding than the kernel's {}",
        layer.weight.size(2));
  const auto maybe = [](const at::Tensor& t) {
    return t.defined() ? MaybeTensor(t.contiguous()) : std::nullopt;
  };
  return ConvLayerFunction::apply(layer.stride, layer.before, layer.residual, x.contiguous(), layer.weight,
                                  maybe(layer.bias), maybe(layer.norm.weight), maybe(layer.norm.bias),
                                  maybe(rows));
}

}  // namespace d2v
