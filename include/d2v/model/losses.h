// Losses at masked positions, and the moments that the variance guard reads (section 4 of the method).
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace d2v {

// Sum over all elements of scale·l(prediction - target): squared error for beta = 0, else smooth L1,
// d²/(2β) if |d| < β else |d| - β/2.
struct ElementLoss {
  double beta = 0;
  double scale = 1;
};

// prediction (B·M, n, D) fp32 or bf16, rows at the masked positions; targets (B, T, D) float32, shared by the M clones
// of a sample and never copied for them; masked (B, M, n) int64. → 0-dim float32 sum, differentiable in prediction.
// The sum is taken in double in a fixed order: equal for any number of threads. float64 throughout for float64.
at::Tensor masked_loss(const at::Tensor& prediction, const at::Tensor& targets, const at::Tensor& masked,
                       const ElementLoss& loss);

// The element losses themselves, for equal shapes; float32. The plain form, for small inputs and as a test oracle.
at::Tensor element_loss(const at::Tensor& prediction, const at::Tensor& target, const ElementLoss& loss);

// Count, sum and sum of squares per channel, (3, D) float64, over the rows of x (R, n, D).
at::Tensor row_moments(const at::Tensor& x);
// The same over the targets of every masked position of every clone.
at::Tensor masked_moments(const at::Tensor& targets, const at::Tensor& masked);

// Mean over channels of sqrt(unbiased variance + 1e-6), from moments summed over slices and workers.
double mean_deviation(const at::Tensor& moments);

// Per-patch normalised pixels: (B, C, H, W) → (B, T, p·p·C) float32, pixel order row, column, channel;
// unbiased variance over the patch, eps 1e-6 (MAE, section 3).
at::Tensor normalised_patches(const at::Tensor& pixels, int64_t patch);
at::Tensor patchify(const at::Tensor& pixels, int64_t patch);  // the same without normalisation

}  // namespace d2v
