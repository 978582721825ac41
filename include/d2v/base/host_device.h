// D2V_HOST_DEVICE marks small functions that the processor's code and CUDA kernels share: one formula, tested on the
// host, the same source on a GPU. Such functions throw nothing and allocate nothing.
#pragma once

#if defined(__CUDACC__)
#define D2V_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define D2V_HOST_DEVICE [[gnu::always_inline]] inline
#endif
