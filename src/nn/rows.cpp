#include "d2v/nn/rows.h"

#include <cstring>
#include <optional>

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "device_rows.h"

namespace d2v {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// Copies rows in units of bytes: out[r][j] = in[r / clones][index[r][j]].
void copy_rows(const at::Tensor& in, const int64_t* index, at::Tensor& out, int64_t clones) {
  const int64_t rows = out.size(0), kept = out.size(1), length = in.size(1);
  const size_t bytes = in.size(2) * in.element_size();
  const char* source = static_cast<const char*>(in.const_data_ptr());
  char* target = static_cast<char*>(out.mutable_data_ptr());
  at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t j = 0; j < kept; ++j)
        std::memcpy(target + (r * kept + j) * bytes,
                    source + (r / clones * length + index[r * kept + j]) * bytes, bytes);
  });
}

// out[r][index[r][j]] = in[r][j]; the other rows of out are left alone.
void put_rows(const at::Tensor& in, const int64_t* index, at::Tensor& out) {
  const int64_t rows = in.size(0), kept = in.size(1), length = out.size(1);
  const size_t bytes = in.size(2) * in.element_size();
  const char* source = static_cast<const char*>(in.const_data_ptr());
  char* target = static_cast<char*>(out.mutable_data_ptr());
  at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t j = 0; j < kept; ++j)
        std::memcpy(target + (r * length + index[r * kept + j]) * bytes, source + (r * kept + j) * bytes,
                    bytes);
  });
}

// out[b][index[b·M + m][j]] += in[b·M + m][j], summed in fp32 (fp64 of fp64); one thread per sample, so the order is
// fixed.
template <class T, class Sum>
void add_rows(const at::Tensor& in, const int64_t* index, at::Tensor& out, int64_t clones) {
  const int64_t samples = out.size(0), length = out.size(1), dim = out.size(2), kept = in.size(1);
  const T* source = in.const_data_ptr<T>();
  Sum* target = out.mutable_data_ptr<Sum>();
  at::parallel_for(0, samples, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin * clones; r < end * clones; ++r) {
      for (int64_t j = 0; j < kept; ++j) {
        const T* from = source + (r * kept + j) * dim;
        Sum* to = target + (r / clones * length + index[r * kept + j]) * dim;
        for (int64_t d = 0; d < dim; ++d) to[d] += static_cast<Sum>(from[d]);
      }
    }
  });
}

at::Tensor sum_rows(const at::Tensor& gradient, const at::Tensor& index, at::IntArrayRef shape) {
  if (gradient.is_cuda()) return device_sum(gradient, index, shape);
  const bool wide = gradient.scalar_type() == at::kDouble;
  at::Tensor sum = at::zeros(shape, gradient.options().dtype(wide ? at::kDouble : at::kFloat));
  const int64_t clones = gradient.size(0) / shape[0];
  const int64_t* rows = index.const_data_ptr<int64_t>();
  if (wide)
    add_rows<double, double>(gradient, rows, sum, clones);
  else if (gradient.scalar_type() == at::kBFloat16)
    add_rows<at::BFloat16, float>(gradient, rows, sum, clones);
  else
    add_rows<float, float>(gradient, rows, sum, clones);
  return sum.to(gradient.scalar_type());
}

at::Tensor gather(const at::Tensor& x, const at::Tensor& index, int64_t clones) {
  if (x.is_cuda()) return device_gather(x, {}, index, clones);
  at::Tensor out =
      at::empty({x.size(0) * clones, index.numel() / (x.size(0) * clones), x.size(2)}, x.options());
  copy_rows(x, index.const_data_ptr<int64_t>(), out, clones);
  return out;
}

// LibTorch takes no undefined tensors as arguments of a function, hence the optional ones.
using MaybeTensor = std::optional<at::Tensor>;

// `positions` (1, T, D) are added on the way.
struct Gather : Function<Gather> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const MaybeTensor& positions,
                            const at::Tensor& index, int64_t clones) {
    context->saved_data["shape"] = x.sizes().vec();
    context->saved_data["index"] = index;
    const at::Tensor in = x.contiguous();
    return positions ? device_gather(in, *positions, index, clones) : gather(in, index, clones);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const std::vector<int64_t> shape = context->saved_data["shape"].toIntVector();
    return {sum_rows(gradients[0].contiguous(), context->saved_data["index"].toTensor(), shape), {}, {}, {}};
  }
};

// Without `noise` it is drawn by the kernel, whose numbers those of row_noise are.
struct Restore : Function<Restore> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& rows, const MaybeTensor& noise,
                            const at::Tensor& visible, const at::Tensor& masked, const RowKeys& keys,
                            double std) {
    context->saved_data["visible"] = visible;
    context->saved_data["masked"] = masked;
    if (rows.is_cuda())
      return device_restore(rows.contiguous(), noise ? noise->contiguous() : at::Tensor(), keys, std, visible,
                            masked);
    at::Tensor out = at::empty({rows.size(0), rows.size(1) + noise->size(1), rows.size(2)}, rows.options());
    put_rows(rows.contiguous(), visible.const_data_ptr<int64_t>(), out);
    put_rows(noise->contiguous(), masked.const_data_ptr<int64_t>(), out);
    return out;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::Tensor gradient = gradients[0].contiguous();
    const auto rows_at = [&](const char* which) {
      const at::Tensor index = context->saved_data[which].toTensor();
      return gather(gradient, index, 1);
    };
    return {
        rows_at("visible"), context->needs_input_grad(1) ? rows_at("masked") : at::Tensor(), {}, {}, {}, {}};
  }
};

struct ScaleGradient : Function<ScaleGradient> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, double factor) {
    context->saved_data["factor"] = factor;
    return x.view_as(x);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    return {gradients[0] * context->saved_data["factor"].toDouble(), {}};
  }
};

}  // namespace

at::Tensor gather_visible(const at::Tensor& x, const at::Tensor& index) {
  check(index.dim() == 3 && x.dim() == 3 && index.size(0) == x.size(0) && index.is_contiguous(),
        "gather_visible expects x (B, T, D) and a contiguous index (B, M, V)");
  return Gather::apply(x, MaybeTensor(), index, index.size(1));
}

at::Tensor gather_visible(const at::Tensor& x, const at::Tensor& positions, const at::Tensor& index) {
  if (!x.is_cuda()) return gather_visible((x + positions).to(x.scalar_type()), index);
  return Gather::apply(x, MaybeTensor(positions.contiguous()), index, index.size(1));
}

at::Tensor restore_order(const at::Tensor& visible_rows, const at::Tensor& noise, const at::Tensor& visible,
                         const at::Tensor& masked) {
  check(noise.size(0) == visible_rows.size(0) && noise.size(2) == visible_rows.size(2) &&
            noise.scalar_type() == visible_rows.scalar_type(),
        "restore_order expects rows and noise of the same type, rows and width");
  return Restore::apply(visible_rows, MaybeTensor(noise), visible, masked, RowKeys{}, 0.0);
}

at::Tensor restore_with_noise(const at::Tensor& visible_rows, const RowKeys& keys, double std,
                              const at::Tensor& visible, const at::Tensor& masked) {
  if (visible_rows.is_cuda()) {
    RowKeys noise = keys;
    for (RngKey& key : noise) key.stream = Stream::decoder_noise;
    return Restore::apply(visible_rows, MaybeTensor(), visible, masked, noise, std);
  }
  const at::Tensor noise =
      row_noise(keys, masked.size(-1), visible_rows.size(2), std, visible_rows.scalar_type());
  return restore_order(visible_rows, noise, visible, masked);
}

at::Tensor take_rows(const at::Tensor& x, const at::Tensor& index) {
  return Gather::apply(x, MaybeTensor(), index, 1);
}

at::Tensor scale_gradient(const at::Tensor& x, double factor) {
  return factor == 1.0 ? x : ScaleGradient::apply(x, factor);
}

}  // namespace d2v
