// How kernels read and write numbers: arithmetic is float (double of double), memory may be bf16.
#pragma once

#include "d2v/base/host_device.h"
#if defined(__CUDACC__)
#include <cuda_bf16.h>
#endif

namespace d2v {

D2V_HOST_DEVICE float wide(float x) { return x; }
D2V_HOST_DEVICE double wide(double x) { return x; }
D2V_HOST_DEVICE void put(float& to, float x) { to = x; }
D2V_HOST_DEVICE void put(double& to, double x) { to = x; }
#if defined(__CUDACC__)
D2V_HOST_DEVICE float wide(__nv_bfloat16 x) { return __bfloat162float(x); }
D2V_HOST_DEVICE void put(__nv_bfloat16& to, float x) { to = __float2bfloat16_rn(x); }
#endif

}  // namespace d2v
