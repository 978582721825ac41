// Where a step runs: the processor, or a GPU through LibTorch and the kernels of d2v/cuda/kernels.h.
#pragma once

#include <ATen/core/Tensor.h>

#include "d2v/base/config/training.h"
#include "d2v/cuda/kernels.h"
#include "d2v/nn/random.h"

namespace d2v {

// The device that run.device asks for; `auto` is the first GPU, or the CPU where this build or this machine has none. On a
// GPU also makes fp32 products exact (no TF32). Throws UsageError where cuda is wanted and cannot be had.
at::Device resolve_device(DeviceKind wanted);

// The kernels for CUDA tensors. Throws UsageError in a build without them.
const CudaKernels& device_kernels();

// Of the types that kernels read and write: fp32 and bf16. Throws Error for others.
NumberType number_type(const at::Tensor& x);
bool has_number_type(const at::Tensor& x);

// A small host tensor brought to the device without waiting: through page-locked memory. The tensor itself on the CPU.
at::Tensor send(const at::Tensor& host, at::Device device);

// Bytes of `count` values of plain memory on the device, as uint8; likewise without waiting.
at::Tensor send_bytes(const void* host, size_t bytes, at::Device device);
inline at::Tensor send_keys(const RowKeys& keys, at::Device device) {
  return send_bytes(keys.data(), keys.size() * sizeof(RngKey), device);
}

// Waits until the device has done all that was queued; nothing on the CPU. For timing.
void wait_for_device(at::Device device);

}  // namespace d2v
