#include "device_random.h"

#include <algorithm>

#include "d2v/nn/aten.h"
#include "d2v/nn/device.h"

namespace d2v {

namespace {

at::Tensor factors(const at::Tensor& x, double p, const RowKeys& keys, uint32_t site, int64_t heads,
                   int64_t queries, int64_t width) {
  at::Tensor out = at::empty(x.sizes(), x.options().memory_format(at::MemoryFormat::Contiguous));
  const at::Tensor key_bytes = send_keys(keys, x.device());
  device_kernels().dropout_factors(
      {.keys = static_cast<const RngKey*>(key_bytes.const_data_ptr()),
       .rows = x.size(0),
       .heads = heads,
       .queries = queries,
       .width = width,
       .site = site,
       .threshold = static_cast<uint32_t>(std::min(p * 4294967296.0, 4294967295.0)),
       .kept = static_cast<float>(1.0 / (1.0 - p)),
       .type = number_type(x),
       .out = out.mutable_data_ptr()},
      current_cuda_stream());
  return out;
}

}  // namespace

at::Tensor device_noise(const RowKeys& keys, at::IntArrayRef shape, double std, at::ScalarType dtype,
                        at::Device device) {
  at::Tensor out = at::empty(shape, at::TensorOptions().dtype(dtype).device(device));
  const at::Tensor key_bytes = send_keys(keys, device);
  const int64_t rows = static_cast<int64_t>(keys.size());
  device_kernels().normal_rows({.keys = static_cast<const RngKey*>(key_bytes.const_data_ptr()),
                                .rows = rows,
                                .width = out.numel() / std::max<int64_t>(rows, 1),
                                .std = static_cast<float>(std),
                                .type = number_type(out),
                                .out = out.mutable_data_ptr()},
                               current_cuda_stream());
  return out;
}

at::Tensor device_dropout_factors(const at::Tensor& x, double p, const RowKeys& keys, uint32_t site) {
  return factors(x, p, keys, site, /*heads=*/0, /*queries=*/0, x.numel() / x.size(0));
}

at::Tensor device_attention_factors(const at::Tensor& x, double p, const RowKeys& keys, uint32_t site) {
  return factors(x, p, keys, site, x.size(1), x.size(2), x.size(3));
}

}  // namespace d2v
