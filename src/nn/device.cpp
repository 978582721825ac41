#include "d2v/nn/device.h"

#include <cstring>

#include <ATen/Context.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

namespace d2v {

at::Device resolve_device(DeviceKind wanted) {
  if (wanted == DeviceKind::cpu) return at::kCPU;
  const bool built = cuda_kernels() != nullptr, found = built && at::hasCUDA();
  if (wanted == DeviceKind::automatic && !found) return at::kCPU;
  check<UsageError>(built, "run.device = cuda: this build has no CUDA (configure the cuda preset)");
  check<UsageError>(found,
                    "run.device = cuda: no device found. Does nvidia-smi list one? CUDA_VISIBLE_DEVICES may "
                    "hide it; run.device = cpu runs on the processor");
  // Golden numbers are of full fp32 products; bf16 is the fast format here.
  at::globalContext().setAllowTF32CuBLAS(false);
  at::globalContext().setAllowTF32CuDNN(false);
  return {at::kCUDA, 0};
}

const CudaKernels& device_kernels() {
  const CudaKernels* kernels = cuda_kernels();
  check<UsageError>(kernels != nullptr, "this build has no CUDA (configure the cuda preset)");
  return *kernels;
}

bool has_number_type(const at::Tensor& x) {
  return x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16;
}

NumberType number_type(const at::Tensor& x) {
  check(has_number_type(x), "CUDA kernels are for float32 and bfloat16, found {}",
        c10::toString(x.scalar_type()));
  return x.scalar_type() == at::kBFloat16 ? NumberType::bf16 : NumberType::fp32;
}

at::Tensor send(const at::Tensor& host, at::Device device) {
  if (device.is_cpu() || !host.defined() || !host.is_cpu()) return host;
  return host.contiguous().pin_memory().to(device, /*non_blocking=*/true);
}

at::Tensor send_bytes(const void* host, size_t bytes, at::Device device) {
  at::Tensor locked = at::empty({static_cast<int64_t>(bytes)},
                                at::TensorOptions().dtype(at::kByte).pinned_memory(!device.is_cpu()));
  if (bytes > 0) std::memcpy(locked.mutable_data_ptr(), host, bytes);
  return device.is_cpu() ? locked : locked.to(device, /*non_blocking=*/true);
}

void wait_for_device(at::Device device) {
  if (!device.is_cpu()) c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

}  // namespace d2v
