// Moving rows between full sequences and clones. The noise at masked positions is the host's, bit for bit (compiled with
// --fmad=false).
#include "d2v/base/philox_functor.h"
#include "d2v/cuda/row_index.h"
#include "launch.cuh"
#include "launchers.h"

namespace d2v {
namespace {

template <class T>
__global__ void gather_rows(GatherRows work) {
  const T* x = static_cast<const T*>(work.x);
  T* out = static_cast<T*>(work.out);
  for (int64_t row = blockIdx.x; row < work.samples * work.clones * work.kept; row += gridDim.x) {
    const int64_t sample = row / work.kept / work.clones, position = work.index[row];
    const T* from = x + (sample * work.length + position) * work.width;
    T* to = out + row * work.width;
    if (work.positions) {
      const float* add = work.positions + position * work.width;
      for (int64_t d = threadIdx.x; d < work.width; d += blockDim.x) put(to[d], wide(from[d]) + add[d]);
    } else {
      for (int64_t d = threadIdx.x; d < work.width; d += blockDim.x) to[d] = from[d];
    }
  }
}

// A block makes one row of the sum: it looks up once where the clones have that position.
constexpr int kClonesAtOnce = 64;
template <class T>
__global__ void sum_rows(SumRows work) {
  __shared__ int64_t place[kClonesAtOnce];
  const T* gradient = static_cast<const T*>(work.gradient);
  T* out = static_cast<T*>(work.out);
  for (int64_t row = blockIdx.x; row < work.samples * work.length; row += gridDim.x) {
    const int64_t sample = row / work.length, position = row % work.length;
    for (int64_t first_column = 0; first_column < work.width; first_column += blockDim.x) {
      const int64_t d = first_column + threadIdx.x;
      float sum = 0;
      for (int64_t first = 0; first < work.clones; first += kClonesAtOnce) {
        const int64_t here = work.clones - first < kClonesAtOnce ? work.clones - first : kClonesAtOnce;
        for (int64_t m = threadIdx.x; m < here; m += blockDim.x)
          place[m] =
              place_in(work.index + (sample * work.clones + first + m) * work.kept, work.kept, position);
        __syncthreads();
        if (d < work.width)
          for (int64_t m = 0; m < here; ++m)
            if (place[m] >= 0)
              sum += wide(
                  gradient[((sample * work.clones + first + m) * work.kept + place[m]) * work.width + d]);
        __syncthreads();
      }
      if (d < work.width) put(out[row * work.width + d], sum);
    }
  }
}

template <class T>
__global__ void restore_rows(RestoreRows work) {
  const T* rows = static_cast<const T*>(work.rows);
  const T* fill = static_cast<const T*>(work.fill);
  T* out = static_cast<T*>(work.out);
  const int64_t length = work.kept + work.hidden;
  for (int64_t i = blockIdx.x; i < work.count * length; i += gridDim.x) {
    const int64_t row = i / length, j = i % length;
    const bool visible = j < work.kept;
    const int64_t place = visible ? row * work.kept + j : row * work.hidden + (j - work.kept);
    const int64_t position = visible ? work.visible[place] : work.masked[place];
    T* to = out + (row * length + position) * work.width;
    if (visible || fill) {
      const T* from = (visible ? rows : fill) + place * work.width;
      for (int64_t d = threadIdx.x; d < work.width; d += blockDim.x) to[d] = from[d];
    } else {
      const philox::StreamStart start = philox::start_of(work.keys[row]);
      const int64_t first = (j - work.kept) * work.width;
      for (int64_t d = threadIdx.x; d < work.width; d += blockDim.x)
        put(to[d], philox::normal_at(start, static_cast<uint64_t>(first + d), 0.0f, work.std));
    }
  }
}

}  // namespace

void launch_gather_rows(const GatherRows& work, void* stream) {
  const int64_t rows = work.samples * work.clones * work.kept;
  if (rows * work.width == 0) return;
  for_number(work.type, [&](auto zero) {
    gather_rows<decltype(zero)><<<blocks_for(rows), kThreads, 0, as_stream(stream)>>>(work);
  });
  launched("gather_rows");
}

void launch_sum_rows(const SumRows& work, void* stream) {
  const int64_t rows = work.samples * work.length;
  if (rows * work.width == 0) return;
  for_number(work.type, [&](auto zero) {
    sum_rows<decltype(zero)><<<blocks_for(rows), kThreads, 0, as_stream(stream)>>>(work);
  });
  launched("sum_rows");
}

void launch_restore_rows(const RestoreRows& work, void* stream) {
  const int64_t rows = work.count * (work.kept + work.hidden);
  if (rows * work.width == 0) return;
  for_number(work.type, [&](auto zero) {
    restore_rows<decltype(zero)><<<blocks_for(rows), kThreads, 0, as_stream(stream)>>>(work);
  });
  launched("restore_rows");
}

}  // namespace d2v
