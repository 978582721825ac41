// The launchers that the table of kernels.h is made of, one file of kernels each.
#pragma once

#include "d2v/cuda/kernels.h"

namespace d2v {

void launch_normal_rows(const NormalRows& work, void* stream);
void launch_dropout_factors(const DropoutFactors& work, void* stream);
void launch_gather_rows(const GatherRows& work, void* stream);
void launch_sum_rows(const SumRows& work, void* stream);
void launch_restore_rows(const RestoreRows& work, void* stream);
void launch_norm_rows(const NormRows& work, void* stream);
void launch_norm_rows_backward(const NormRowsBackward& work, void* stream);
void launch_bias_gelu(const BiasGelu& work, void* stream);
void launch_gelu_backward(const GeluBackward& work, void* stream);
void launch_targets(const Targets& work, void* stream);
void launch_masked_loss(const MaskedLossRows& work, void* stream);
void launch_masked_loss_gradient(const MaskedLossRows& work, void* stream);
void launch_gradient_norm(const AdamStepArguments& work, void* stream);
void launch_adam_step(const AdamStepArguments& work, void* stream);

}  // namespace d2v
