#include "d2v/nn/random.h"

#include <ATen/Parallel.h>

#include "d2v/nn/aten.h"
#include "d2v/nn/device.h"
#include "device_random.h"
#include "dropout_stream.h"

namespace d2v {

namespace {

// 1/(1-p) where kept, 0 where dropped; shape of x.
at::Tensor dropout_factors(const at::Tensor& x, double p, const RowKeys& keys, uint32_t site) {
  if (x.is_cuda()) return device_dropout_factors(x, p, keys, site);
  at::Tensor factors =
      at::ones(x.sizes(), x.options().memory_format(at::MemoryFormat::Contiguous).dtype(at::kFloat));
  const int64_t rows = x.size(0), width = x.numel() / rows;
  float* out = factors.mutable_data_ptr<float>();
  at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      drop_stream(dropout_key(keys[row], site), p, 0, out + row * width, width);
  });
  return factors.to(x.scalar_type());
}

}  // namespace

at::Tensor dropout(const at::Tensor& x, double p, const RowKeys& keys, uint32_t site) {
  if (keys.empty() || p == 0) return x;
  return x * dropout_factors(x.detach(), p, keys, site);
}

at::Tensor drop_path(const at::Tensor& x, double p, const RowKeys& keys, uint32_t site) {
  if (keys.empty() || p == 0) return x;
  std::vector<int64_t> shape(x.dim(), 1);
  shape[0] = x.size(0);
  at::Tensor factors = at::empty(shape, at::kFloat);
  float* out = factors.mutable_data_ptr<float>();
  for (size_t row = 0; row < keys.size(); ++row) out[row] = drop_path_factor(keys[row], p, site);
  return x * send(factors.to(x.scalar_type()), x.device());
}

at::Tensor row_noise(const RowKeys& keys, int64_t count, int64_t dim, double std, at::ScalarType dtype,
                     Stream stream, at::Device device) {
  const int64_t rows = static_cast<int64_t>(keys.size()), width = count * dim;
  if (device.is_cuda()) {
    RowKeys of_stream = keys;
    for (RngKey& key : of_stream) key.stream = stream;
    return device_noise(of_stream, {rows, count, dim}, std, dtype, device);
  }
  at::Tensor noise = at::empty({rows, count, dim}, at::kFloat);
  float* out = noise.mutable_data_ptr<float>();
  at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      RngKey key = keys[row];
      key.stream = stream;
      Philox(key).fill_normal({out + row * width, static_cast<size_t>(width)}, 0.0f, static_cast<float>(std));
    }
  });
  return noise.to(dtype);
}

}  // namespace d2v
