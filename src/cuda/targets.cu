// Normalise-and-average of the teacher's layers.
#include "block_team.cuh"
#include "d2v/cuda/target_rows.h"
#include "launchers.h"

namespace d2v {
namespace {

template <class T>
__global__ void over_channels(TargetLayers<T> from, int64_t samples, int64_t positions, int64_t width,
                              TargetNorm each, TargetNorm last, float* out) {
  for (int64_t r = blockIdx.x; r < samples * positions; r += gridDim.x)
    target_row(BlockTeam{}, from, r / positions, r % positions, each, last, width, out + r * width);
}

// One block: 32 channels of one sample.
template <class T>
__global__ void over_positions(TargetLayers<T> from, int64_t positions, int64_t width, bool last,
                               float* out) {
  const int64_t sample = blockIdx.y, channel = blockIdx.x * int64_t{kColumns} + threadIdx.x;
  target_channel(ColumnTeam{}, from, sample, channel, last, positions, width,
                 out + sample * positions * width + channel);
}

template <class T>
void launch(const Targets& work, cudaStream_t queue) {
  if (work.count < 1 || work.count > kMostTargetLayers || work.samples > 65535)
    throw std::runtime_error("CUDA targets: too many layers or samples");
  TargetLayers<T> from{};
  for (int k = 0; k < work.count; ++k) from.layer[k] = static_cast<const T*>(work.layers[k]);
  from.count = work.count;
  from.sample_stride = work.sample_stride;
  from.row_stride = work.row_stride;
  const dim3 columns(static_cast<unsigned>(work.width / kColumns), static_cast<unsigned>(work.samples));
  const dim3 lanes(kColumns, kColumnLanes);
  const unsigned rows = blocks_for(work.samples * work.positions);
  const auto norm = [](bool layer) { return layer ? TargetNorm::layer : TargetNorm::none; };
  if (!work.each_instance && !work.last_instance) {
    over_channels<T><<<rows, kThreads, 0, queue>>>(from, work.samples, work.positions, work.width,
                                                   norm(work.each_layer), norm(work.last_layer), work.out);
    return launched("over_channels");
  }
  // The mean over layers first; the last norm in the same pass where it runs along the same axis.
  const bool both = work.each_instance && work.last_instance;
  if (work.each_instance)
    over_positions<T><<<columns, lanes, 0, queue>>>(from, work.positions, work.width, both, work.out);
  else
    over_channels<T><<<rows, kThreads, 0, queue>>>(from, work.samples, work.positions, work.width,
                                                   norm(work.each_layer), TargetNorm::none, work.out);
  launched("targets");
  if (both || (!work.last_instance && !work.last_layer)) return;
  // A block reads and writes only its own rows or columns, and all of a row's or column's sums come before its writes.
  TargetLayers<float> mean{};
  mean.layer[0] = work.out;
  mean.count = 1;
  mean.sample_stride = work.positions * work.width;
  mean.row_stride = work.width;
  if (work.last_instance)
    over_positions<float><<<columns, lanes, 0, queue>>>(mean, work.positions, work.width, false, work.out);
  else
    over_channels<float><<<rows, kThreads, 0, queue>>>(mean, work.samples, work.positions, work.width,
                                                       TargetNorm::layer, TargetNorm::none, work.out);
  launched("targets, last norm");
}

}  // namespace

void launch_targets(const Targets& work, void* stream) {
  if (work.samples * work.positions * work.width == 0) return;
  for_number(work.type, [&](auto zero) { launch<decltype(zero)>(work, as_stream(stream)); });
}

}  // namespace d2v
