#include "d2v/nn/declare.h"

#include <cmath>

#include <fmt/format.h>

namespace d2v {

void declare_norm(std::vector<Parameter>& out, const std::string& name, int64_t dim, TeacherRule teacher) {
  for (const auto& [part, value] : {std::pair{".weight", 1.0}, {".bias", 0.0}})
    out.push_back({name + part, {dim}, Init::constant, value, teacher, true, /*decay=*/false, /*fp32=*/true});
}

void declare_linear(std::vector<Parameter>& out, const std::string& name, int64_t rows, int64_t columns,
                    Init init, TeacherRule teacher) {
  out.push_back({name + ".weight", {rows, columns}, init, 0.02, teacher});
  out.push_back({name + ".bias", {rows}, Init::constant, 0, teacher, true, /*decay=*/false});
}

void declare_default(std::vector<Parameter>& out, const std::string& name, std::vector<int64_t> shape,
                     TeacherRule teacher) {
  double fan_in = 1;
  for (size_t i = 1; i < shape.size(); ++i) fan_in *= static_cast<double>(shape[i]);
  const std::vector<int64_t> bias{shape[0]};
  out.push_back({name + ".weight", std::move(shape), Init::uniform_fan_in, fan_in, teacher});
  out.push_back({name + ".bias", bias, Init::uniform_fan_in, fan_in, teacher, true, /*decay=*/false});
}

Init linear_init(const ModelConfig& config) { return config.mae_init ? Init::xavier : Init::normal; }

int64_t ffn_width(const ModelConfig& config) {
  return std::llround(config.mlp_ratio * static_cast<double>(config.dim));
}

void declare_block(std::vector<Parameter>& out, const std::string& prefix, const ModelConfig& config,
                   TeacherRule teacher) {
  const int64_t dim = config.dim, hidden = ffn_width(config);
  const Init init = linear_init(config);
  if (config.norm_affine) declare_norm(out, prefix + "norm1", dim, teacher);
  declare_linear(out, prefix + "attn.qkv", 3 * dim, dim, init, teacher);
  declare_linear(out, prefix + "attn.proj", dim, dim, init, teacher);
  if (config.norm_affine) declare_norm(out, prefix + "norm2", dim, teacher);
  declare_linear(out, prefix + "mlp.fc1", hidden, dim, init, teacher);
  declare_linear(out, prefix + "mlp.fc2", dim, hidden, init, teacher);
}

}  // namespace d2v
