// The Transformer block of BEiT (arXiv 2106.08254), data2vec 1's for images (section 9 of the method), and its bias by
// relative position.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "d2v/nn/block.h"

namespace d2v {

struct BeitBlockWeights {
  NormWeights norm1, norm2;
  at::Tensor qkv_weight, query_bias, value_bias;  // (3D, D), (D), (D); keys have no bias
  at::Tensor proj_weight, proj_bias;
  at::Tensor fc1_weight, fc1_bias, fc2_weight, fc2_bias;
  at::Tensor gamma1, gamma2;  // (D) layer scale: factors on the residual branches
};

// Declares norm1, attn.{qkv.weight, q_bias, v_bias, proj}, norm2, mlp.{0,2}, gamma_1, gamma_2. The last matrices of both
// branches start N(0, 0.02² / (2·(index + 1))).
void declare_beit_block(std::vector<Parameter>& out, const std::string& prefix, const ModelConfig& config,
                        double layer_scale, int64_t index, TeacherRule teacher);
BeitBlockWeights beit_block_weights(const Weights& weights);

// x = x + dp(γ1·a(n1(x))); t = γ2·m(n2(x)); output = x + dp(t). → {output, t}, (R, N, D). `bias` (1, H, N, N).
BlockOutput beit_block_forward(const BeitBlockWeights& weights, const ModelConfig& config,
                               const at::Tensor& x, const at::Tensor& bias, double drop_path_rate,
                               const RowKeys& keys, uint32_t index);

// Rows of the table of relative positions: (2·side - 1)² distances, then CLS to patch, patch to CLS, CLS to CLS.
int64_t relative_table_rows(int64_t side);
// Which row holds for each pair, (1+T, 1+T) int64, T = side², CLS first.
at::Tensor relative_position_index(int64_t side);
// table (rows, H) → bias (1, H, 1+T, 1+T), differentiable.
at::Tensor relative_position_bias(const at::Tensor& table, const at::Tensor& index);

}  // namespace d2v
