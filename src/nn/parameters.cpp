#include "d2v/nn/parameters.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"
#include "d2v/nn/aten.h"

namespace d2v {

namespace {
constexpr int64_t alignment = 16;  // elements: 64 bytes in fp32, 32 in bf16

// FNV-1a: a stream per name, so that initial values do not depend on the order of declaration.
uint64_t hash_of(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (unsigned char c : name) hash = (hash ^ c) * 0x100000001b3ull;
  return hash;
}
}  // namespace

ParameterLayout::ParameterLayout(std::vector<Parameter> parameters) : parameters_(std::move(parameters)) {
  std::stable_partition(parameters_.begin(), parameters_.end(),
                        [](const Parameter& p) { return p.teacher != TeacherRule::absent; });
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = parameters_[i];
    check(index_.emplace(p.name, i).second, "parameter {} is declared twice", p.name);
    p.count = 1;
    for (int64_t n : p.shape) p.count *= n;
    p.offset = size_;
    size_ += (p.count + alignment - 1) / alignment * alignment;
    if (p.teacher != TeacherRule::absent) teacher_size_ = size_;
  }
}

const Parameter* ParameterLayout::find(std::string_view name) const {
  const auto it = index_.find(std::string(name));
  return it == index_.end() ? nullptr : &parameters_[it->second];
}

const Parameter& ParameterLayout::at(std::string_view name) const {
  const Parameter* found = find(name);
  check(found != nullptr, "the model has no parameter named {}", name);
  return *found;
}

at::Tensor make_arena(int64_t size, at::ScalarType dtype) {
  return at::zeros({size}, at::TensorOptions().dtype(dtype));
}

at::Tensor view_of(const at::Tensor& arena, const Parameter& parameter) {
  return arena.narrow(0, parameter.offset, parameter.count).view(parameter.shape).detach();
}

void initialise(const ParameterLayout& layout, const at::Tensor& arena, uint64_t seed) {
  for (const Parameter& p : layout.all()) {
    const std::span<float> values(arena.mutable_data_ptr<float>() + p.offset, static_cast<size_t>(p.count));
    Philox random({.seed = seed, .stream = Stream::init, .sample = hash_of(p.name)});
    const auto fill_uniform = [&](double bound) {
      for (float& v : values) v = static_cast<float>(random.uniform(-bound, bound));
    };
    switch (p.init) {
      case Init::constant:
        std::fill(values.begin(), values.end(), static_cast<float>(p.init_value));
        break;
      case Init::normal:
        random.fill_normal(values, 0.0f, static_cast<float>(p.init_value));
        break;
      case Init::uniform_fan_in:
        fill_uniform(1.0 / std::sqrt(p.init_value));
        break;
      case Init::xavier: {
        const double rows = static_cast<double>(p.shape.at(0)), rest = static_cast<double>(p.count) / rows;
        fill_uniform(std::sqrt(6.0 / (rows + rest)));
        break;
      }
    }
  }
}

}  // namespace d2v
