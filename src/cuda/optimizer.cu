// Gradient norm, clipping, AdamW, EMA and bf16 copies over the arenas. Whether the step is skipped is decided here, so
// that the host need not wait for the norm.
#include "block_team.cuh"
#include "launchers.h"

namespace d2v {
namespace {

__global__ void sums_of_squares(AdamStepArguments work) {
  const AdamChunk chunk = work.chunks[blockIdx.x];
  double sum = 0;
  if (chunk.trainable) {
    const float* gradient = work.gradients + chunk.begin;
    for (int64_t i = threadIdx.x; i < chunk.count; i += kThreads) {
      const double g = gradient[i];
      sum += g * g;
    }
  }
  sum = BlockTeam{}.sum(sum);
  if (threadIdx.x == 0) work.partial[blockIdx.x] = sum;
}

// One block.
__global__ void settle_step(AdamStepArguments work, bool norm_alone) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < work.chunk_count; i += kThreads) sum += work.partial[i];
  sum = BlockTeam{}.sum(sum);
  if (threadIdx.x != 0) return;
  const double norm = std::sqrt(sum) * work.plan.gradient_scale;
  work.report[0] = norm;
  if (norm_alone) return;
  const bool skipped = !isfinite(norm);
  const double clip = skipped ? 1 : clip_factor(norm, work.plan.clip_norm);
  work.report[1] = clip;
  work.report[2] = skipped ? 1 : 0;
  if (skipped) return;
  const int64_t t = *work.steps + 1;
  *work.steps = t;
  work.factors[0] = adam_factors(work.plan, clip, t);
  work.factors[1] = work.factors[0];
  work.factors[1].keep = 1;
}

__device__ void put_low(void* arena, int64_t i, float x) {
  if (arena) put(static_cast<__nv_bfloat16*>(arena)[i], x);
}

__global__ void update(AdamStepArguments work) {
  if (work.report[2] != 0) return;
  const AdamChunk chunk = work.chunks[blockIdx.x];
  const AdamFactors factors = work.factors[chunk.decay ? 0 : 1];
  const bool averaged = work.teacher && chunk.averaged, copied = work.teacher && chunk.copied;
  for (int64_t i = chunk.begin + threadIdx.x; i < chunk.begin + chunk.count; i += kThreads) {
    float p = work.weights[i];
    if (chunk.trainable) {
      float m = work.first[i], v = work.second[i];
      adam_element(p, work.gradients[i], m, v, factors);
      work.weights[i] = p;
      work.first[i] = m;
      work.second[i] = v;
      put_low(work.low_weights, i, p);
    }
    if (averaged || copied) {
      float t = p;
      if (averaged) {
        t = work.teacher[i];
        average_element(t, p, work.blend);
      }
      work.teacher[i] = t;
      put_low(work.low_teacher, i, t);
    }
  }
}

}  // namespace

void launch_gradient_norm(const AdamStepArguments& work, void* stream) {
  const cudaStream_t queue = as_stream(stream);
  sums_of_squares<<<static_cast<unsigned>(work.chunk_count), kThreads, 0, queue>>>(work);
  launched("sums_of_squares");
  settle_step<<<1, kThreads, 0, queue>>>(work, /*norm_alone=*/true);
  launched("settle_step");
}

void launch_adam_step(const AdamStepArguments& work, void* stream) {
  const cudaStream_t queue = as_stream(stream);
  sums_of_squares<<<static_cast<unsigned>(work.chunk_count), kThreads, 0, queue>>>(work);
  launched("sums_of_squares");
  settle_step<<<1, kThreads, 0, queue>>>(work, /*norm_alone=*/false);
  launched("settle_step");
  update<<<static_cast<unsigned>(work.chunk_count), kThreads, 0, queue>>>(work);
  launched("update");
}

}  // namespace d2v
