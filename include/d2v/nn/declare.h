// Declarations of the parameters that every network is made of, with their initial values (section 2 of the method).
#pragma once

#include <string>
#include <vector>

#include "d2v/base/config/model.h"
#include "d2v/nn/parameters.h"

namespace d2v {

// <name>.weight = 1 and <name>.bias = 0, kept in fp32, without weight decay.
void declare_norm(std::vector<Parameter>& out, const std::string& name, int64_t dim, TeacherRule teacher);

// <name>.weight (rows, columns) and <name>.bias = 0. init: normal (N(0, 0.02²), as in BERT) or xavier (as in MAE).
void declare_linear(std::vector<Parameter>& out, const std::string& name, int64_t rows, int64_t columns,
                    Init init, TeacherRule teacher);

// <name>.weight of the given shape, output channels first, and <name>.bias, both with the framework's default for
// Linear and convolutions: U(±1/sqrt(fan-in)).
void declare_default(std::vector<Parameter>& out, const std::string& name, std::vector<int64_t> shape,
                     TeacherRule teacher);

// How Linear layers of a model start: config.mae_init.
Init linear_init(const ModelConfig& config);

// One transformer block: norm1, attn.{qkv,proj}, norm2, mlp.{fc1,fc2}.
void declare_block(std::vector<Parameter>& out, const std::string& prefix, const ModelConfig& config,
                   TeacherRule teacher);

// Width of the feed-forward layer.
int64_t ffn_width(const ModelConfig& config);

}  // namespace d2v
