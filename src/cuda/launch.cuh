// How kernels are launched: grid-stride loops over at most a few waves of blocks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cuda_runtime.h>
#include <stdexcept>
#include <string>

#include "d2v/cuda/kernels.h"
#include "d2v/cuda/number.h"

namespace d2v {

inline constexpr int kThreads = 256;

inline unsigned blocks_for(int64_t work, int64_t most = 1 << 16) {
  return static_cast<unsigned>(std::clamp<int64_t>(work, 1, most));
}
inline unsigned blocks_for_elements(int64_t count) { return blocks_for((count + kThreads - 1) / kThreads); }

inline cudaStream_t as_stream(void* stream) { return static_cast<cudaStream_t>(stream); }

// After a launch: what CUDA refused at once. Errors inside a kernel show at the next call that waits.
inline void launched(const char* kernel) {
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess)
    throw std::runtime_error(std::string("CUDA kernel ") + kernel +
                             " could not be launched: " + cudaGetErrorString(error));
}

// Calls f(T{}) with the type that the memory holds.
template <class F>
void for_number(NumberType type, F&& f) {
  if (type == NumberType::bf16)
    f(__nv_bfloat16{});
  else
    f(float{});
}

}  // namespace d2v
