#include "d2v/nn/padding.h"

#include <limits>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

namespace d2v {

RowPadding RowPadding::repeated(int64_t clones) const {
  return {valid.defined() ? valid.repeat_interleave(clones, 0) : valid, exact};
}

at::Tensor valid_positions(const at::Tensor& lengths, int64_t positions) {
  if (!lengths.defined()) return {};
  // On a GPU the host would have to wait for the answer; the pipeline made them.
  check(lengths.is_cuda() || (lengths.dim() == 1 && lengths.min().item<int64_t>() >= 1 &&
                              lengths.max().item<int64_t>() <= positions),
        "lengths of a padded batch must be between 1 and its {} positions, found {} to {}", positions,
        lengths.is_cuda() ? 0 : lengths.min().item<int64_t>(),
        lengths.is_cuda() ? 0 : lengths.max().item<int64_t>());
  return at::arange(positions, lengths.options()).unsqueeze(0) < lengths.unsqueeze(1);
}

at::Tensor zero_padding(const at::Tensor& x, const at::Tensor& valid) {
  return valid.defined() ? x.masked_fill(valid.logical_not().unsqueeze(-1), 0) : x;
}

at::Tensor padded_keys(const at::Tensor& valid, int64_t extra) {
  if (!valid.defined()) return {};
  const at::Tensor columns = at::zeros(valid.sizes(), valid.options().dtype(at::kFloat))
                                 .masked_fill(valid.logical_not(), -std::numeric_limits<float>::infinity());
  return at::constant_pad_nd(columns, {extra, 0}, 0).unsqueeze(1).unsqueeze(1);
}

at::Tensor mean_over_positions(const at::Tensor& x, const at::Tensor& valid) {
  if (!valid.defined()) return x.mean(1);
  return zero_padding(x, valid).sum(1) / valid.sum(1, /*keepdim=*/true).to(x.scalar_type());
}

}  // namespace d2v
