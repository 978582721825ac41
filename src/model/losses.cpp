#include "d2v/model/losses.h"

#include <cmath>
#include <vector>

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "d2v/base/check.h"
#include "d2v/cuda/element_loss.h"
#include "d2v/nn/aten.h"
#include "device_losses.h"

namespace d2v {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// Calls body(prediction row number, its sample's row in targets) for every masked row, one chunk of rows per clone.
template <class Body>
void for_masked_rows(const at::Tensor& targets, const at::Tensor& masked, Body body) {
  const int64_t clones = masked.size(1), count = masked.size(2), length = targets.size(1);
  const int64_t* index = masked.const_data_ptr<int64_t>();
  at::parallel_for(0, masked.size(0) * clones, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t j = 0; j < count; ++j) body(r, r * count + j, r / clones * length + index[r * count + j]);
  });
}

// T: type of predictions; Real: of targets and arithmetic.
template <class T, class Real>
double loss_sum(const at::Tensor& prediction, const at::Tensor& targets, const at::Tensor& masked,
                Real beta) {
  const int64_t dim = targets.size(2);
  const T* p = prediction.const_data_ptr<T>();
  const Real* y = targets.const_data_ptr<Real>();
  std::vector<double> row_sums(prediction.size(0), 0.0);
  for_masked_rows(targets, masked, [&](int64_t clone, int64_t row, int64_t target_row) {
    const T* a = p + row * dim;
    const Real* b = y + target_row * dim;
    Real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t d = 0; d < dim; ++d) sum += loss_of(static_cast<Real>(a[d]) - b[d], beta);
    row_sums[clone] += sum;
  });
  double total = 0;
  for (double sum : row_sums) total += sum;
  return total;
}

template <class T, class Real>
void loss_gradient(const at::Tensor& prediction, const at::Tensor& targets, const at::Tensor& masked,
                   Real beta, Real factor, at::Tensor& out) {
  const int64_t dim = targets.size(2);
  const T* p = prediction.const_data_ptr<T>();
  const Real* y = targets.const_data_ptr<Real>();
  T* g = out.mutable_data_ptr<T>();
  for_masked_rows(targets, masked, [&](int64_t, int64_t row, int64_t target_row) {
    const T* a = p + row * dim;
    const Real* b = y + target_row * dim;
    for (int64_t d = 0; d < dim; ++d)
      g[row * dim + d] = static_cast<T>(factor * loss_slope(static_cast<Real>(a[d]) - b[d], beta));
  });
}

struct MaskedLoss : Function<MaskedLoss> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& prediction, const at::Tensor& targets,
                            const at::Tensor& masked, double beta, double scale) {
    const at::Tensor p = prediction.contiguous();
    context->save_for_backward({p});
    context->saved_data["targets"] = targets;
    context->saved_data["masked"] = masked;
    context->saved_data["beta"] = beta;
    context->saved_data["scale"] = scale;
    if (p.is_cuda()) return device_masked_loss(p, targets, masked, {beta, scale});
    const float b = static_cast<float>(beta);
    double sum = 0;
    if (p.scalar_type() == at::kDouble)
      sum = loss_sum<double, double>(p, targets, masked, beta);
    else if (p.scalar_type() == at::kBFloat16)
      sum = loss_sum<at::BFloat16, float>(p, targets, masked, b);
    else
      sum = loss_sum<float, float>(p, targets, masked, b);
    return at::full({}, sum * scale, targets.options());
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::Tensor p = context->get_saved_variables()[0];
    const at::Tensor targets = context->saved_data["targets"].toTensor();
    const at::Tensor masked = context->saved_data["masked"].toTensor();
    const double beta = context->saved_data["beta"].toDouble();
    if (p.is_cuda()) {
      const ElementLoss loss{beta, context->saved_data["scale"].toDouble()};
      return {device_masked_loss_gradient(p, targets, masked, loss, gradients[0]), {}, {}, {}, {}};
    }
    const double factor = context->saved_data["scale"].toDouble() * gradients[0].item<double>();
    const float b = static_cast<float>(beta), f = static_cast<float>(factor);
    at::Tensor out = at::empty_like(p);
    if (p.scalar_type() == at::kDouble)
      loss_gradient<double, double>(p, targets, masked, beta, factor, out);
    else if (p.scalar_type() == at::kBFloat16)
      loss_gradient<at::BFloat16, float>(p, targets, masked, b, f, out);
    else
      loss_gradient<float, float>(p, targets, masked, b, f, out);
    return {out, {}, {}, {}, {}};
  }
};

// Sums rows given by row_at(chunk, i) into (3, D), in double, chunk by chunk in a fixed order.
template <class T, class RowAt>
at::Tensor sum_moments(int64_t chunks, int64_t rows_per_chunk, int64_t dim, const T* data, RowAt row_at) {
  constexpr int64_t groups = 16;  // partial sums; fixed, so that the result does not depend on the threads
  std::vector<double> partial(groups * 2 * dim, 0.0);
  at::parallel_for(0, groups, 1, [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) {
      double* sum = partial.data() + g * 2 * dim;
      for (int64_t c = g; c < chunks; c += groups) {
        for (int64_t i = 0; i < rows_per_chunk; ++i) {
          const T* x = data + row_at(c, i) * dim;
          for (int64_t d = 0; d < dim; ++d) {
            const double v = static_cast<float>(x[d]);
            sum[d] += v;
            sum[dim + d] += v * v;
          }
        }
      }
    }
  });
  at::Tensor moments = at::zeros({3, dim}, at::kDouble);
  double* out = moments.mutable_data_ptr<double>();
  std::fill(out, out + dim, static_cast<double>(chunks * rows_per_chunk));
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t i = 0; i < 2 * dim; ++i) out[dim + i] += partial[g * 2 * dim + i];
  return moments;
}

}  // namespace

at::Tensor masked_loss(const at::Tensor& prediction, const at::Tensor& targets, const at::Tensor& masked,
                       const ElementLoss& loss) {
  const bool wide = prediction.scalar_type() == at::kDouble;
  check(targets.scalar_type() == (wide ? at::kDouble : at::kFloat) && targets.is_contiguous() &&
            masked.is_contiguous() && prediction.numel() == masked.numel() * targets.size(2),
        "masked_loss expects prediction (B·M, n, D), float targets (B, T, D), masked (B, M, n)");
  return MaskedLoss::apply(prediction, targets, masked, loss.beta, loss.scale);
}

at::Tensor element_loss(const at::Tensor& prediction, const at::Tensor& target, const ElementLoss& loss) {
  const at::Tensor d = (prediction.to(target.scalar_type()) - target).abs();
  const at::Tensor l =
      loss.beta == 0 ? d * d : at::where(d < loss.beta, 0.5 * d * d / loss.beta, d - 0.5 * loss.beta);
  return l * loss.scale;
}

at::Tensor row_moments(const at::Tensor& x) {
  if (x.is_cuda()) return device_row_moments(x);
  const at::Tensor rows = x.detach().contiguous();
  const int64_t count = rows.size(1);
  const auto row_at = [count](int64_t c, int64_t i) { return c * count + i; };
  if (rows.scalar_type() == at::kBFloat16)
    return sum_moments(rows.size(0), count, rows.size(2), rows.const_data_ptr<at::BFloat16>(), row_at);
  return sum_moments(rows.size(0), count, rows.size(2), rows.const_data_ptr<float>(), row_at);
}

at::Tensor masked_moments(const at::Tensor& targets, const at::Tensor& masked) {
  if (targets.is_cuda()) return device_masked_moments(targets, masked);
  const int64_t clones = masked.size(1), count = masked.size(2), length = targets.size(1);
  const int64_t* index = masked.const_data_ptr<int64_t>();
  return sum_moments(masked.size(0) * clones, count, targets.size(2), targets.const_data_ptr<float>(),
                     [=](int64_t c, int64_t i) { return c / clones * length + index[c * count + i]; });
}

double mean_deviation(const at::Tensor& given) {
  const at::Tensor moments = given.cpu();
  const int64_t dim = moments.size(1);
  const double* m = moments.const_data_ptr<double>();
  double sum = 0;
  for (int64_t d = 0; d < dim; ++d) {
    const double n = m[d], mean = m[dim + d] / n;
    const double variance = n > 1 ? std::max(0.0, m[2 * dim + d] - n * mean * mean) / (n - 1) : 0.0;
    sum += std::sqrt(variance + 1e-6);
  }
  return sum / static_cast<double>(dim);
}

at::Tensor patchify(const at::Tensor& pixels, int64_t patch) {
  const int64_t batch = pixels.size(0), channels = pixels.size(1), rows = pixels.size(2) / patch,
                columns = pixels.size(3) / patch;
  return pixels.view({batch, channels, rows, patch, columns, patch})
      .permute({0, 2, 4, 3, 5, 1})
      .reshape({batch, rows * columns, patch * patch * channels});
}

at::Tensor normalised_patches(const at::Tensor& pixels, int64_t patch) {
  const at::Tensor patches = patchify(pixels, patch);
  const auto [variance, mean] =
      at::var_mean(patches, at::IntArrayRef{2}, /*unbiased=*/true, /*keepdim=*/true);
  return ((patches - mean) / (variance + 1e-6).sqrt()).contiguous();
}

}  // namespace d2v
