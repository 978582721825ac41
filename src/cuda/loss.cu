// Loss at masked positions and its gradient. The sum is taken in double in a fixed order: a fixed number of blocks, each
// over its rows in turn, then one block over their sums.
#include "block_team.cuh"
#include "d2v/cuda/element_loss.h"
#include "launchers.h"

namespace d2v {
namespace {

// The targets' row of prediction row `row`.
D2V_HOST_DEVICE const float* target_of(const MaskedLossRows& work, int64_t row) {
  const int64_t sample = row / work.count / work.clones;
  return work.targets + (sample * work.length + work.masked[row]) * work.width;
}

template <class T>
__global__ void partial_losses(MaskedLossRows work) {
  const T* prediction = static_cast<const T*>(work.prediction);
  double sum = 0;
  for (int64_t row = blockIdx.x; row < work.samples * work.clones * work.count; row += gridDim.x) {
    const T* p = prediction + row * work.width;
    const float* y = target_of(work, row);
    float of_row = 0;
    for (int64_t d = threadIdx.x; d < work.width; d += kThreads)
      of_row += loss_of(wide(p[d]) - y[d], work.beta);
    sum += static_cast<double>(of_row);
  }
  sum = BlockTeam{}.sum(sum);
  if (threadIdx.x == 0) work.partial[blockIdx.x] = sum;
}

__global__ void total_loss(MaskedLossRows work) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < loss_blocks; i += kThreads) sum += work.partial[i];
  sum = BlockTeam{}.sum(sum);
  if (threadIdx.x == 0) *work.loss = static_cast<float>(sum * work.scale);
}

template <class T>
__global__ void loss_gradients(MaskedLossRows work) {
  const T* prediction = static_cast<const T*>(work.prediction);
  T* gradient = static_cast<T*>(work.gradient);
  const float factor = static_cast<float>(work.scale * static_cast<double>(*work.upstream));
  for (int64_t row = blockIdx.x; row < work.samples * work.clones * work.count; row += gridDim.x) {
    const int64_t offset = row * work.width;
    const float* y = target_of(work, row);
    for (int64_t d = threadIdx.x; d < work.width; d += kThreads)
      put(gradient[offset + d], factor * loss_slope(wide(prediction[offset + d]) - y[d], work.beta));
  }
}

}  // namespace

void launch_masked_loss(const MaskedLossRows& work, void* stream) {
  const cudaStream_t queue = as_stream(stream);
  for_number(work.type, [&](auto zero) {
    partial_losses<decltype(zero)><<<static_cast<unsigned>(loss_blocks), kThreads, 0, queue>>>(work);
  });
  launched("partial_losses");
  total_loss<<<1, kThreads, 0, queue>>>(work);
  launched("total_loss");
}

void launch_masked_loss_gradient(const MaskedLossRows& work, void* stream) {
  const int64_t rows = work.samples * work.clones * work.count;
  if (rows * work.width == 0) return;
  for_number(work.type, [&](auto zero) {
    loss_gradients<decltype(zero)><<<blocks_for(rows), kThreads, 0, as_stream(stream)>>>(work);
  });
  launched("loss_gradients");
}

}  // namespace d2v
