#include "d2v/cuda/kernels.h"
#ifdef D2V_WITH_CUDA
#include <c10/cuda/CUDAStream.h>

#include "launchers.h"
#endif

namespace d2v {

#ifdef D2V_WITH_CUDA

const CudaKernels* cuda_kernels() {
  static constexpr CudaKernels table{.normal_rows = launch_normal_rows,
                                     .dropout_factors = launch_dropout_factors,
                                     .gather_rows = launch_gather_rows,
                                     .sum_rows = launch_sum_rows,
                                     .restore_rows = launch_restore_rows,
                                     .norm_rows = launch_norm_rows,
                                     .norm_rows_backward = launch_norm_rows_backward,
                                     .bias_gelu = launch_bias_gelu,
                                     .gelu_backward = launch_gelu_backward,
                                     .targets = launch_targets,
                                     .masked_loss = launch_masked_loss,
                                     .masked_loss_gradient = launch_masked_loss_gradient,
                                     .gradient_norm = launch_gradient_norm,
                                     .adam_step = launch_adam_step};
  return &table;
}

void* current_cuda_stream() { return c10::cuda::getCurrentCUDAStream().stream(); }

#else

const CudaKernels* cuda_kernels() { return nullptr; }
void* current_cuda_stream() { return nullptr; }

#endif

}  // namespace d2v
