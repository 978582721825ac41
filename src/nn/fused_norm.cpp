#include "d2v/nn/fused_norm.h"

#include <optional>

#include <torch/csrc/autograd/custom_function.h>

#include "d2v/nn/aten.h"
#include "d2v/nn/device.h"

namespace d2v {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// LibTorch takes no undefined tensors as arguments of a function, hence the optional ones.
using MaybeTensor = std::optional<at::Tensor>;
at::Tensor whole(const MaybeTensor& t) { return t ? t->contiguous() : at::Tensor(); }
MaybeTensor given(const at::Tensor& t) { return t.defined() ? MaybeTensor(t) : std::nullopt; }

const void* memory(const at::Tensor& t) { return t.defined() ? t.const_data_ptr() : nullptr; }
const float* floats(const at::Tensor& t) { return t.defined() ? t.const_data_ptr<float>() : nullptr; }
float* writable(const at::Tensor& t) { return t.defined() ? t.mutable_data_ptr<float>() : nullptr; }

bool has_kernel(const at::Tensor& x) { return x.is_cuda() && has_number_type(x); }

// y = norm(x + residual)·weight + shift, then GELU if `activate`, then + added; what is not given is left out.
struct NormFunction : Function<NormFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_in, const MaybeTensor& residual_in,
                            const MaybeTensor& weight_in, const MaybeTensor& shift_in,
                            const MaybeTensor& added_in, double eps, bool activate) {
    const at::Tensor x = x_in.contiguous(), residual = whole(residual_in), weight = whole(weight_in),
                     shift = whole(shift_in), added = whole(added_in);
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
    context->saved_data["has_residual"] = residual.defined();
    context->saved_data["has_added"] = added.defined();
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor gradient = gradients[0].contiguous();
    const at::Tensor &normalised = saved[0], &rstd = saved[1], &weight = saved[2], &shift = saved[3];
    size_t inputs = 0;  // given so far: needs_input_grad counts only those
    const auto wanted = [&](bool is_given) { return is_given && context->needs_input_grad(inputs++); };
    const bool of_x = wanted(true), of_residual = wanted(context->saved_data["has_residual"].toBool()),
               of_weight = wanted(weight.defined()), of_shift = wanted(shift.defined()),
               of_added = wanted(context->saved_data["has_added"].toBool());
    const at::Tensor dx = at::empty_like(gradient), none;
    const at::Tensor dweight = of_weight ? at::empty_like(weight) : none,
                     dshift = of_shift ? at::empty_like(shift) : none;
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
    return {of_x ? dx : none, of_residual ? dx : none, dweight, dshift, of_added ? gradient : none, {}, {}};
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
  return NormFunction::apply(x, given(branch), given(weights.weight), given(weights.bias), MaybeTensor(), eps,
                             false);
}

at::Tensor norm_gelu(const at::Tensor& x, const at::Tensor& added) {
  constexpr double eps = 1e-5;
  if (has_kernel(x))
    return NormFunction::apply(x, MaybeTensor(), MaybeTensor(), MaybeTensor(), given(added), eps, true);
  const at::Tensor y = at::gelu(at::layer_norm(x, {x.size(-1)}, {}, {}, eps, /*cudnn_enable=*/false));
  return added.defined() ? y + added : y;
}

at::Tensor linear_gelu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (!has_kernel(x)) return at::gelu(at::linear(x, weight, bias));
  return BiasGeluFunction::apply(at::linear(x, weight), bias);
}

}  // namespace d2v
