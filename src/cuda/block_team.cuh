// The threads of a block as a team (d2v/cuda/team.h).
#pragma once

#include <cub/block/block_reduce.cuh>

#include "d2v/cuda/team.h"
#include "launch.cuh"

namespace d2v {

// All kThreads threads of a block on one row. Every thread must call sum() the same number of times.
struct BlockTeam {
  D2V_HOST_DEVICE int64_t first() const {
#if defined(__CUDA_ARCH__)
    return threadIdx.x;
#else
    return 0;
#endif
  }
  D2V_HOST_DEVICE int64_t step() const { return kThreads; }
  D2V_HOST_DEVICE bool leader() const { return first() == 0; }
  template <class T>
  D2V_HOST_DEVICE T sum(T x) const {
#if defined(__CUDA_ARCH__)
    using Reduce = cub::BlockReduce<T, kThreads>;
    __shared__ typename Reduce::TempStorage storage;
    __shared__ T total;
    const T mine = Reduce(storage).Sum(x);
    if (threadIdx.x == 0) total = mine;
    __syncthreads();
    const T result = total;
    __syncthreads();  // both are used again by the next sum
    return result;
#else
    return x;
#endif
  }
};

// A block of 32 × kColumnLanes threads on 32 neighbouring columns: the threads of one column are a team, and neighbouring
// threads read neighbouring memory.
inline constexpr int kColumns = 32, kColumnLanes = 8;
struct ColumnTeam {
  D2V_HOST_DEVICE int64_t first() const {
#if defined(__CUDA_ARCH__)
    return threadIdx.y;
#else
    return 0;
#endif
  }
  D2V_HOST_DEVICE int64_t step() const { return kColumnLanes; }
  D2V_HOST_DEVICE bool leader() const { return first() == 0; }
  template <class T>
  D2V_HOST_DEVICE T sum(T x) const {
#if defined(__CUDA_ARCH__)
    __shared__ T parts[kColumnLanes][kColumns];
    parts[threadIdx.y][threadIdx.x] = x;
    __syncthreads();
    T total = 0;
    for (int lane = 0; lane < kColumnLanes; ++lane) total += parts[lane][threadIdx.x];
    __syncthreads();
    return total;
#else
    return x;
#endif
  }
};

}  // namespace d2v
