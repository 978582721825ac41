// Random numbers on the device: the bits of the host (this file is compiled with --fmad=false).
#include "d2v/base/philox_functor.h"
#include "launch.cuh"
#include "launchers.h"

namespace d2v {
namespace {

// A thread makes the four numbers of one Philox block.
template <class T>
__global__ void normal_rows(NormalRows work) {
  const int64_t chunks = (work.width + philox::kChunk - 1) / philox::kChunk, blocks = chunks * philox::kLanes;
  T* out = static_cast<T*>(work.out);
  for (int64_t i = blockIdx.x * int64_t{kThreads} + threadIdx.x; i < work.rows * blocks;
       i += int64_t{kThreads} * gridDim.x) {
    const int64_t row = i / blocks, block = i % blocks;
    const int lane = static_cast<int>(block % philox::kLanes);
    const philox::StreamStart start = philox::start_of(work.keys[row]);
    const philox::FourNormals four =
        philox::normals_of_block(start, static_cast<uint64_t>(block / philox::kLanes), lane, 0.0f, work.std);
    const int64_t first = block / philox::kLanes * philox::kChunk + lane;
    for (int k = 0; k < 4; ++k) {
      const int64_t element = first + k * philox::kLanes;
      if (element < work.width) put(out[row * work.width + element], four.value[k]);
    }
  }
}

// A thread makes four neighbouring factors.
template <class T>
__global__ void dropout_factors(DropoutFactors work) {
  const int64_t groups = work.heads == 0 ? 1 : work.heads * work.queries, blocks = (work.width + 3) / 4;
  T* out = static_cast<T*>(work.out);
  for (int64_t i = blockIdx.x * int64_t{kThreads} + threadIdx.x; i < work.rows * groups * blocks;
       i += int64_t{kThreads} * gridDim.x) {
    const int64_t stream = i / blocks, row = stream / groups, group = stream % groups, block = i % blocks;
    const RngKey key = work.heads == 0 ? philox::at_site(work.keys[row], Stream::dropout, work.site)
                                       : philox::at_query(work.keys[row], work.site, group / work.queries,
                                                          group % work.queries);
    const philox::Block random = philox::block_at(philox::start_of(key), static_cast<uint64_t>(block));
    for (int k = 0; k < 4; ++k) {
      const int64_t element = block * 4 + k;
      if (element < work.width)
        put(out[stream * work.width + element], random.word[k] < work.threshold ? 0.0f : work.kept);
    }
  }
}

}  // namespace

void launch_normal_rows(const NormalRows& work, void* stream) {
  const int64_t blocks = (work.width + philox::kChunk - 1) / philox::kChunk * philox::kLanes;
  if (work.rows * work.width == 0) return;
  for_number(work.type, [&](auto zero) {
    normal_rows<decltype(zero)>
        <<<blocks_for_elements(work.rows * blocks), kThreads, 0, as_stream(stream)>>>(work);
  });
  launched("normal_rows");
}

void launch_dropout_factors(const DropoutFactors& work, void* stream) {
  const int64_t groups = work.heads == 0 ? 1 : work.heads * work.queries;
  if (work.rows * groups * work.width == 0) return;
  for_number(work.type, [&](auto zero) {
    dropout_factors<decltype(zero)><<<blocks_for_elements(work.rows * groups * ((work.width + 3) / 4)),
                                      kThreads, 0, as_stream(stream)>>>(work);
  });
  launched("dropout_factors");
}

}  // namespace d2v
