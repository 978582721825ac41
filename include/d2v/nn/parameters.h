// Parameters live in flat arenas; modules hold views of them.
//
// A `ParameterLayout` lists every parameter of a model once: its name (the reference implementation's), shape and
// roles. All arenas of a model (weights, gradients, Adam moments, teacher) share its offsets, so that gradient norm,
// AdamW, EMA and the low-precision copy are single passes over memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <ATen/core/Tensor.h>

namespace d2v {

// What the teacher does with a parameter at an EMA step.
enum class TeacherRule {
  averaged,  // θ' ← τ·θ' + (1-τ)·θ
  copied,    // θ' ← θ: parameters that need no gradient
  absent,    // the teacher has none: decoder, reconstruction head
};

// Initial values (section 2 of the method). Names of the distributions as in the literature.
enum class Init {
  constant,  // init_value
  normal,    // N(0, init_value²)
  uniform_fan_in,  // U(±1/sqrt(init_value)), init_value = fan-in: the framework's default for Linear and convolutions
  xavier,  // U(±sqrt(6 / (fan_in + fan_out))) of the shape flattened to (rows, rest)
};

struct Parameter {
  std::string name;
  std::vector<int64_t> shape;
  Init init = Init::constant;
  double init_value = 0;
  TeacherRule teacher = TeacherRule::averaged;
  bool trainable = true;
  bool decay = true;   // weight decay applies
  bool fp32 = false;   // stays fp32 in a bf16 model: norms, scales, positions
  int64_t offset = 0;  // in elements, a multiple of 16 (64 bytes in fp32)
  int64_t count = 0;   // elements
};

class ParameterLayout {
 public:
  ParameterLayout() = default;
  // Lays the parameters out in the order given, those that the teacher has first; offsets and counts are computed.
  // Throws Error when a name comes twice.
  explicit ParameterLayout(std::vector<Parameter> parameters);

  const std::vector<Parameter>& all() const { return parameters_; }
  const Parameter& at(std::string_view name) const;  // throws Error when there is none
  const Parameter* find(std::string_view name) const;
  int64_t size() const { return size_; }                  // elements of an arena, padding included
  int64_t teacher_size() const { return teacher_size_; }  // of a teacher's arena: the prefix that it has

 private:
  std::vector<Parameter> parameters_;
  std::unordered_map<std::string, size_t> index_;
  int64_t size_ = 0;
  int64_t teacher_size_ = 0;
};

// A zero-filled flat tensor (size) for the layout; 64-byte aligned.
at::Tensor make_arena(int64_t size, at::ScalarType dtype);

// View of one parameter in an arena, in its own shape; shares storage, no autograd history.
at::Tensor view_of(const at::Tensor& arena, const Parameter& parameter);

// Draws the initial values of every parameter into the arena (fp32), each from its own stream of (seed, name).
void initialise(const ParameterLayout& layout, const at::Tensor& arena, uint64_t seed);

}  // namespace d2v
