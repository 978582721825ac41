#include "d2v/nn/fused_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "d2v/nn/device.h"

namespace d2v {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

const void* memory(const at::Tensor& t) { return t.defined() ? t.const_data_ptr() : nullptr; }
const float* floats(const at::Tensor& t) { return t.defined() ? t.const_data_ptr<float>() : nullptr; }
float* writable(const at::Tensor& t) { return t.defined() ? t.mutable_data_ptr<float>() : nullptr; }
at::Tensor whole(const at::Tensor& t) { return t.defined() ? t.contiguous() : t; }

bool has_kernel(const at::Tensor& x) { return x.is_cuda() && has_number_type(x); }

// y = norm(x + residual)·weight + shift, then GELU if `activate`, then + added; what is undefined is left out.
struct NormFunction : Function<NormFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_in, const at::Tensor& residual_in,
                            const at::Tensor& weight, const at::Tensor& shift, const at::Tensor& added_in,
                            double eps, bool activate) {
    const at::Tensor x = x_in.contiguous(), residual = whole(residual_in), added = whole(added_in);
    const int64_t width = x.size(-1), rows = x.numel() / width;
    const at::TensorOptions wide = x.options().dtype(at::kFloat);
    at::Tensor y = at::empty_like(x), normalised = at::empty({rows, width}, wide),
               rstd = at::empty({rows}, wide);
    device_kernels().norm_rows({.x = x.const_data_ptr(),
                                .residual = memory(residual),
                                .weight = floats(weight),
                                .shift = floats(shift),
                                .added = memory(added),
                                .y = y.mutable_data_ptr(),
                                .normalised = writable(normalised),
                                .rstd = writable(rstd),
                                .eps = static_cast<float>(eps),
                                .activate = activate,
                                .rows = rows,
                                .width = width,
                                .type = number_type(x)},
                               current_cuda_stream());
    context->save_for_backward({normalised, rstd, weight, shift});
    context->saved_data["activate"] = activate;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor gradient = gradients[0].contiguous();
    const at::Tensor &normalised = saved[0], &rstd = saved[1], &weight = saved[2], &shift = saved[3];
    at::Tensor dx = at::empty_like(gradient), dweight, dshift;
    if (weight.defined() && context->needs_input_grad(2)) dweight = at::empty_like(weight);
    if (shift.defined() && context->needs_input_grad(3)) dshift = at::empty_like(shift);
    device_kernels().norm_rows_backward({.y_gradient = gradient.const_data_ptr(),
                                         .normalised = floats(normalised),
                                         .rstd = floats(rstd),
                                         .weight = floats(weight),
                                         .shift = floats(shift),
                                         .x_gradient = dx.mutable_data_ptr(),
                                         .weight_gradient = writable(dweight),
                                         .shift_gradient = writable(dshift),
                                         .activate = context->saved_data["activate"].toBool(),
                                         .rows = normalised.size(0),
                                         .width = normalised.size(1),
                                         .type = number_type(gradient)},
                                        current_cuda_stream());
    const auto wanted = [&](size_t input, const at::Tensor& value) {
      return context->needs_input_grad(input) ? value : at::Tensor();
    };
    return {wanted(0, dx), wanted(1, dx), dweight, dshift, wanted(4, gradient), {}, {}};
  }
};

struct BiasGeluFunction : Function<BiasGeluFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_in, const at::Tensor& bias) {
    const at::Tensor x = x_in.contiguous();
    const int64_t width = x.size(-1), rows = x.numel() / width;
    at::Tensor sum = at::empty_like(x), y = at::empty_like(x);
    const bool same = bias.scalar_type() == x.scalar_type();
    device_kernels().bias_gelu({.x = x.const_data_ptr(),
                                .bias_fp32 = same ? nullptr : bias.const_data_ptr<float>(),
                                .bias = same ? bias.const_data_ptr() : nullptr,
                                .sum = sum.mutable_data_ptr(),
                                .y = y.mutable_data_ptr(),
                                .rows = rows,
                                .width = width,
                                .type = number_type(x)},
                               current_cuda_stream());
    context->save_for_backward({sum});
    context->saved_data["bias_type"] = static_cast<int64_t>(bias.scalar_type());
    return y;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::Tensor sum = context->get_saved_variables()[0], gradient = gradients[0].contiguous();
    at::Tensor dx = at::empty_like(gradient), dbias;
    device_kernels().gelu_backward({.sum = sum.const_data_ptr(),
                                    .y_gradient = gradient.const_data_ptr(),
                                    .x_gradient = dx.mutable_data_ptr(),
                                    .count = gradient.numel(),
                                    .type = number_type(gradient)},
                                   current_cuda_stream());
    if (context->needs_input_grad(1)) {
      const auto type = static_cast<at::ScalarType>(context->saved_data["bias_type"].toInt());
      dbias = dx.flatten(0, -2).sum(0, /*keepdim=*/false, at::kFloat).to(type);
    }
    return {dx, dbias};
  }
};

}  // namespace

at::Tensor sum_norm(const at::Tensor& x, const at::Tensor& branch, const NormWeights& weights, double eps) {
  if (!has_kernel(x)) return layer_norm(x + branch, weights, eps);
  return NormFunction::apply(x, branch, weights.weight, weights.bias, at::Tensor(), eps, false);
}

at::Tensor norm_gelu(const at::Tensor& x, const at::Tensor& added) {
  constexpr double eps = 1e-5;
  if (has_kernel(x))
    return NormFunction::apply(x, at::Tensor(), at::Tensor(), at::Tensor(), added, eps, true);
  const at::Tensor y = at::gelu(at::layer_norm(x, {x.size(-1)}, {}, {}, eps, /*cudnn_enable=*/false));
  return added.defined() ? y + added : y;
}

at::Tensor linear_gelu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (!has_kernel(x)) return at::gelu(at::linear(x, weight, bias));
  return BiasGeluFunction::apply(at::linear(x, weight), bias);
}

}  // namespace d2v
