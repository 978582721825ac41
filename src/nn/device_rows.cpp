#include "device_rows.h"

#include "d2v/nn/aten.h"
#include "d2v/nn/device.h"

namespace d2v {

at::Tensor device_gather(const at::Tensor& x, const at::Tensor& positions, const at::Tensor& index,
                         int64_t clones) {
  const int64_t samples = x.size(0), kept = index.numel() / (samples * clones);
  at::Tensor out = at::empty({samples * clones, kept, x.size(2)}, x.options());
  device_kernels().gather_rows(
      {.x = x.const_data_ptr(),
       .positions = positions.defined() ? positions.const_data_ptr<float>() : nullptr,
       .index = index.const_data_ptr<int64_t>(),
       .samples = samples,
       .clones = clones,
       .kept = kept,
       .length = x.size(1),
       .width = x.size(2),
       .type = number_type(x),
       .out = out.mutable_data_ptr()},
      current_cuda_stream());
  return out;
}

at::Tensor device_sum(const at::Tensor& gradient, const at::Tensor& index, at::IntArrayRef shape) {
  at::Tensor out = at::empty(shape, gradient.options());
  device_kernels().sum_rows({.gradient = gradient.const_data_ptr(),
                             .index = index.const_data_ptr<int64_t>(),
                             .samples = shape[0],
                             .clones = gradient.size(0) / shape[0],
                             .kept = gradient.size(1),
                             .length = shape[1],
                             .width = shape[2],
                             .type = number_type(gradient),
                             .out = out.mutable_data_ptr()},
                            current_cuda_stream());
  return out;
}

at::Tensor device_restore(const at::Tensor& rows, const at::Tensor& fill, const RowKeys& keys, double std,
                          const at::Tensor& visible, const at::Tensor& masked) {
  const int64_t count = rows.size(0), hidden = masked.numel() / count;
  at::Tensor out = at::empty({count, rows.size(1) + hidden, rows.size(2)}, rows.options());
  const at::Tensor key_bytes = fill.defined() ? at::Tensor() : send_keys(keys, rows.device());
  device_kernels().restore_rows(
      {.rows = rows.const_data_ptr(),
       .fill = fill.defined() ? fill.const_data_ptr() : nullptr,
       .keys = key_bytes.defined() ? static_cast<const RngKey*>(key_bytes.const_data_ptr()) : nullptr,
       .std = static_cast<float>(std),
       .visible = visible.const_data_ptr<int64_t>(),
       .masked = masked.const_data_ptr<int64_t>(),
       .count = count,
       .kept = rows.size(1),
       .hidden = hidden,
       .width = rows.size(2),
       .type = number_type(rows),
       .out = out.mutable_data_ptr()},
      current_cuda_stream());
  return out;
}

}  // namespace d2v
