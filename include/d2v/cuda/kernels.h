// The CUDA kernels' launchers, as a table: code above them need not know whether this build has any.
//
// All pointers are device memory unless said otherwise; sizes in elements. Work is queued on `stream` (a cudaStream_t) of
// the calling thread's current device; nothing waits. A launcher throws std::runtime_error where CUDA refuses a launch.
#pragma once

#include <cstdint>

#include "d2v/base/philox.h"
#include "d2v/cuda/adam.h"

namespace d2v {

enum class NumberType { fp32, bf16 };

// --- random numbers (cuda/philox.cu) ---

// out (rows, width): row r is std times the normal numbers of keys[r].
struct NormalRows {
  const RngKey* keys;
  int64_t rows, width;
  float std;
  NumberType type;
  void* out;
};
// out (rows, groups, width): 0 where the next number of the stream is below `threshold`, else `kept`. Without heads
// (heads = 0) there is one group per row and its stream is that of at_site(keys[row], dropout, site); with them groups
// are heads · queries, each with the stream of at_query(keys[row], site, head, query).
struct DropoutFactors {
  const RngKey* keys;
  int64_t rows, heads, queries, width;
  uint32_t site, threshold;
  float kept;
  NumberType type;
  void* out;
};

// --- moving rows (cuda/rows.cu); index lists are increasing ---

// out (B·M, V, D): rows index[b·M + m][j] of x (B, T, D), plus positions (T, D) where given.
struct GatherRows {
  const void* x;
  const float* positions;
  const int64_t* index;
  int64_t samples, clones, kept, length, width;
  NumberType type;
  void* out;
};
// out (B, T, D): the sum over clones of the rows that were gathered from there, in float, in the order of the clones.
struct SumRows {
  const void* gradient;
  const int64_t* index;
  int64_t samples, clones, kept, length, width;
  NumberType type;
  void* out;
};
// out (R, V+N, D): rows (R, V, D) at the visible positions; at the masked ones `fill` (R, N, D), or where that is null
// normal numbers of keys[r], element j·D + d for the j-th masked position.
struct RestoreRows {
  const void *rows, *fill;
  const RngKey* keys;
  float std;
  const int64_t *visible, *masked;
  int64_t count, kept, hidden, width;  // R, V, N, D
  NumberType type;
  void* out;
};

// --- norms (cuda/norms.cu): NormRow and NormRowBackward of norm_rows.h, row by row ---

struct NormRows {
  const void *x, *residual;
  const float *weight, *shift;
  const void* added;
  void* y;
  float* normalised;  // (rows, width)
  float* rstd;        // (rows)
  float eps;
  bool activate;
  int64_t rows, width;
  NumberType type;
};
struct NormRowsBackward {
  const void* y_gradient;
  const float *normalised, *rstd, *weight, *shift;
  void* x_gradient;
  float *weight_gradient, *shift_gradient;  // (width) each, or null; written, not added to
  bool activate;
  int64_t rows, width;
  NumberType type;
};
// x (rows, width) += bias; y = gelu(x). Backward: gradient of x from that of y; x with its bias.
struct BiasGelu {
  const void* x;
  const float* bias_fp32;  // one of the two
  const void* bias;        // of x's type
  void *sum, *y;           // sum = x + bias
  int64_t rows, width;
  NumberType type;
};
struct GeluBackward {
  const void *sum, *y_gradient;
  void* x_gradient;
  int64_t count;
  NumberType type;
};

// --- targets (cuda/targets.cu) ---

struct Targets {
  const void* const* layers;  // host memory: `count` pointers
  int count;
  int64_t samples, positions, width, sample_stride, row_stride;
  // instance: over a channel's positions (width a multiple of 32); else over a position's channels, or not at all
  bool each_instance, last_instance, each_layer, last_layer;
  NumberType type;
  float* out;
};

// --- loss (cuda/loss.cu) ---

struct MaskedLossRows {
  const void* prediction;  // (B·M, n, D)
  const float* targets;    // (B, T, D)
  const int64_t* masked;   // (B, M, n)
  int64_t samples, clones, count, length, width;
  float beta;
  double scale;
  NumberType type;
  double* partial;        // (loss_blocks) scratch
  float* loss;            // (1): scale · sum
  const float* upstream;  // (1): gradient of the loss, for the backward pass
  void* gradient;         // as prediction
};
inline constexpr int64_t loss_blocks = 1024;

// --- optimizer (cuda/optimizer.cu) ---

struct AdamChunk {
  int64_t begin, count;
  int32_t trainable, decay, averaged, copied;
};
// What a step leaves on the device: norm after the normalisation, clip factor, 1 if skipped.
struct AdamStepArguments {
  const AdamChunk* chunks;
  int64_t chunk_count;
  AdamPlan plan;
  float blend;  // 1 - τ; the teacher is left alone where it is null
  float *weights, *first, *second, *teacher;
  const float* gradients;
  void *low_weights, *low_teacher;  // bf16 copies made in the same pass, or null
  double* partial;                  // (chunk_count) scratch
  AdamFactors* factors;             // (2) scratch: with decay, without
  double* report;                   // (3)
  int64_t* steps;                   // (1), counted up unless skipped
};

struct CudaKernels {
  void (*normal_rows)(const NormalRows&, void* stream);
  void (*dropout_factors)(const DropoutFactors&, void* stream);
  void (*gather_rows)(const GatherRows&, void* stream);
  void (*sum_rows)(const SumRows&, void* stream);
  void (*restore_rows)(const RestoreRows&, void* stream);
  void (*norm_rows)(const NormRows&, void* stream);
  void (*norm_rows_backward)(const NormRowsBackward&, void* stream);
  void (*bias_gelu)(const BiasGelu&, void* stream);
  void (*gelu_backward)(const GeluBackward&, void* stream);
  void (*targets)(const Targets&, void* stream);
  void (*masked_loss)(const MaskedLossRows&, void* stream);
  void (*masked_loss_gradient)(const MaskedLossRows&, void* stream);
  void (*gradient_norm)(const AdamStepArguments&, void* stream);  // report[0] alone
  void (*adam_step)(const AdamStepArguments&, void* stream);
};

// Null in a build without CUDA.
const CudaKernels* cuda_kernels();

// The stream that LibTorch queues its work on, for the calling thread and its current device.
void* current_cuda_stream();

}  // namespace d2v
