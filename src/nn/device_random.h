// Noise and dropout made on the device by the CUDA kernels: the host's numbers.
#pragma once

#include <ATen/core/Tensor.h>

#include "d2v/nn/random.h"

namespace d2v {

// Normal noise of the keys as they are, (rows, width) values in `shape`; fp32 or bf16.
at::Tensor device_noise(const RowKeys& keys, at::IntArrayRef shape, double std, at::ScalarType dtype,
                        at::Device device);
// Factors of `dropout` for x (R, …), and of attention_dropout for x (R, H, N, N'); shape and type of x.
at::Tensor device_dropout_factors(const at::Tensor& x, double p, const RowKeys& keys, uint32_t site);
at::Tensor device_attention_factors(const at::Tensor& x, double p, const RowKeys& keys, uint32_t site);

}  // namespace d2v
