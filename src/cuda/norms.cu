// LayerNorm with what stands around it, and bias + GELU.
#include "block_team.cuh"
#include "d2v/cuda/norm_rows.h"
#include "launchers.h"

namespace d2v {
namespace {

D2V_HOST_DEVICE float* at_row(float* memory, int64_t offset) { return memory ? memory + offset : nullptr; }

template <class T>
__global__ void norm_rows(NormRows work) {
  for (int64_t r = blockIdx.x; r < work.rows; r += gridDim.x) {
    const int64_t offset = r * work.width;
    const T* x = static_cast<const T*>(work.x) + offset;
    const T* residual = work.residual ? static_cast<const T*>(work.residual) + offset : nullptr;
    const T* added = work.added ? static_cast<const T*>(work.added) + offset : nullptr;
    const NormRow<T> row{x,
                         residual,
                         work.weight,
                         work.shift,
                         added,
                         static_cast<T*>(work.y) + offset,
                         at_row(work.normalised, offset),
                         at_row(work.rstd, r),
                         work.eps,
                         work.activate};
    norm_row(BlockTeam{}, row, work.width);
  }
}

template <class T>
D2V_HOST_DEVICE NormRowBackward<T> backward_row(const NormRowsBackward& work, int64_t r) {
  const int64_t offset = r * work.width;
  return {static_cast<const T*>(work.y_gradient) + offset,
          work.normalised + offset,
          work.rstd[r],
          work.weight,
          work.shift,
          static_cast<T*>(work.x_gradient) + offset,
          work.activate};
}

template <class T>
__global__ void norm_rows_backward(NormRowsBackward work) {
  for (int64_t r = blockIdx.x; r < work.rows; r += gridDim.x)
    norm_row_backward(BlockTeam{}, backward_row<T>(work, r), work.width);
}

// Column sums for weight and shift, 32 columns per block, in a fixed order.
template <class T>
__global__ void affine_gradients(NormRowsBackward work) {
  const int64_t d = blockIdx.x * int64_t{kColumns} + threadIdx.x;
  const ColumnTeam team;
  float weight = 0, shift = 0;
  if (d < work.width) {
    for (int64_t r = team.first(); r < work.rows; r += team.step()) {
      const float g = affine_gradient(backward_row<T>(work, r), d);
      weight += g * work.normalised[r * work.width + d];
      shift += g;
    }
  }
  weight = team.sum(weight);
  shift = team.sum(shift);
  if (d >= work.width || !team.leader()) return;
  if (work.weight_gradient) work.weight_gradient[d] = weight;
  if (work.shift_gradient) work.shift_gradient[d] = shift;
}

template <class T>
__global__ void bias_gelu(BiasGelu work) {
  const T* x = static_cast<const T*>(work.x);
  const T* bias = static_cast<const T*>(work.bias);
  T *sum = static_cast<T*>(work.sum), *y = static_cast<T*>(work.y);
  for (int64_t i = blockIdx.x * int64_t{kThreads} + threadIdx.x; i < work.rows * work.width;
       i += int64_t{kThreads} * gridDim.x) {
    const int64_t d = i % work.width;
    put(sum[i], wide(x[i]) + (work.bias_fp32 ? work.bias_fp32[d] : wide(bias[d])));
    put(y[i], gelu(wide(sum[i])));
  }
}

template <class T>
__global__ void gelu_backward(GeluBackward work) {
  const T* sum = static_cast<const T*>(work.sum);
  const T* gradient = static_cast<const T*>(work.y_gradient);
  T* out = static_cast<T*>(work.x_gradient);
  for (int64_t i = blockIdx.x * int64_t{kThreads} + threadIdx.x; i < work.count;
       i += int64_t{kThreads} * gridDim.x)
    put(out[i], wide(gradient[i]) * gelu_slope(wide(sum[i])));
}

}  // namespace

void launch_norm_rows(const NormRows& work, void* stream) {
  if (work.rows * work.width == 0) return;
  for_number(work.type, [&](auto zero) {
    norm_rows<decltype(zero)><<<blocks_for(work.rows), kThreads, 0, as_stream(stream)>>>(work);
  });
  launched("norm_rows");
}

void launch_norm_rows_backward(const NormRowsBackward& work, void* stream) {
  if (work.rows * work.width == 0) return;
  const cudaStream_t queue = as_stream(stream);
  for_number(work.type, [&](auto zero) {
    using T = decltype(zero);
    norm_rows_backward<T><<<blocks_for(work.rows), kThreads, 0, queue>>>(work);
    if (!work.weight_gradient && !work.shift_gradient) return;
    const unsigned blocks = static_cast<unsigned>((work.width + kColumns - 1) / kColumns);
    affine_gradients<T><<<blocks, dim3(kColumns, kColumnLanes), 0, queue>>>(work);
  });
  launched("norm_rows_backward");
}

void launch_bias_gelu(const BiasGelu& work, void* stream) {
  if (work.rows * work.width == 0) return;
  for_number(work.type, [&](auto zero) {
    bias_gelu<decltype(zero)>
        <<<blocks_for_elements(work.rows * work.width), kThreads, 0, as_stream(stream)>>>(work);
  });
  launched("bias_gelu");
}

void launch_gelu_backward(const GeluBackward& work, void* stream) {
  if (work.count == 0) return;
  for_number(work.type, [&](auto zero) {
    gelu_backward<decltype(zero)><<<blocks_for_elements(work.count), kThreads, 0, as_stream(stream)>>>(work);
  });
  launched("gelu_backward");
}

}  // namespace d2v
