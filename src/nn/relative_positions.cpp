#include "d2v/nn/relative_positions.h"

#include <algorithm>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/conv_1d.h"
#include "d2v/nn/declare.h"
#include "d2v/nn/padding.h"

namespace d2v {

void declare_relative_positions(std::vector<Parameter>& out, const std::string& prefix, int64_t first,
                                const SpeechConfig& config, int64_t dim, TeacherRule teacher) {
  check<UsageError>(dim % config.positions_groups == 0,
                    "speech.positions_groups = {} does not divide model.dim = {}", config.positions_groups,
                    dim);
  const int64_t kernel = std::max<int64_t>(3, config.positions_width / config.positions_depth);
  for (int64_t i = 0; i < config.positions_depth; ++i)
    declare_default(out, fmt::format("{}{}.0", prefix, first + i),
                    {dim, dim / config.positions_groups, kernel}, teacher);
}

RelativePositionWeights relative_position_weights(const Weights& weights, int64_t first,
                                                  const SpeechConfig& config) {
  RelativePositionWeights out;
  out.groups = config.positions_groups;
  for (int64_t i = 0; i < config.positions_depth; ++i) {
    out.weight.push_back(weights[fmt::format("{}.0.weight", first + i)]);
    out.bias.push_back(weights[fmt::format("{}.0.bias", first + i)]);
  }
  return out;
}

at::Tensor relative_positions(const RelativePositionWeights& weights, const at::Tensor& x,
                              const at::Tensor& valid) {
  at::Tensor y = x;
  for (size_t i = 0; i < weights.weight.size(); ++i)
    y = conv_norm_gelu(zero_padding(y, valid), weights.weight[i], weights.bias[i], weights.groups);
  return y;
}

}  // namespace d2v
