// One unit of golden/blocks: recorded parameters, inputs, outputs and gradients of a single module.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "d2v/nn/aten.h"
#include "d2v/nn/tensor_file.h"
#include "d2v/nn/weights.h"
#include "test_data.h"

namespace d2v::test {

class GoldenUnit {
 public:
  explicit GoldenUnit(const std::string& name) : prefix_(name + ".") {
    std::vector<Parameter> parameters;
    for (const auto& [key, value] : tensors()) {
      if (key.rfind(prefix_ + "param.", 0) != 0) continue;
      Parameter p;
      p.name = key.substr(prefix_.size() + 6);
      p.shape = value.sizes().vec();
      parameters.push_back(p);
    }
    layout_ = ParameterLayout(parameters);
    arenas_.full = arenas_.low = make_arena(layout_.size(), at::kFloat);
    arenas_.full_gradient = arenas_.low_gradient = make_arena(layout_.size(), at::kFloat);
    for (const Parameter& p : layout_.all())
      view_of(arenas_.full, p).copy_(tensors().at(prefix_ + "param." + p.name));
  }

  Weights weights() const { return {layout_, arenas_}; }
  at::Tensor input(const std::string& name) const {
    at::Tensor t = tensors().at(prefix_ + "input." + name).clone();
    return t.is_floating_point() ? t.requires_grad_(true) : t;
  }
  at::Tensor recorded(const std::string& name) const { return tensors().at(prefix_ + name); }

  // Back-propagates the sum of output · recorded weight over all outputs.
  void backward(const std::map<std::string, at::Tensor>& outputs) const {
    at::Tensor total;
    for (const auto& [name, value] : outputs) {
      const at::Tensor part = (value * recorded("weight." + name)).sum();
      total = total.defined() ? total + part : part;
    }
    total.backward();
  }

  // Worst error over the gradients of all parameters; the key part of a qkv bias is rounding noise and left out.
  double gradient_error() const {
    double worst = 0;
    for (const Parameter& p : layout_.all()) {
      at::Tensor have = view_of(arenas_.full_gradient, p), want = recorded("grad." + p.name);
      if (p.name.ends_with("qkv.bias")) {
        const int64_t third = p.count / 3;
        have = at::cat({have.slice(0, 0, third), have.slice(0, 2 * third)});
        want = at::cat({want.slice(0, 0, third), want.slice(0, 2 * third)});
      }
      worst = std::max(worst, error(have, want));
    }
    return worst;
  }

  // max |difference| / max |recorded|.
  static double error(const at::Tensor& have, const at::Tensor& want) {
    if (have.sizes() != want.sizes()) return 1e30;
    return ((have.detach().to(at::kDouble) - want.to(at::kDouble)).abs().max() /
            want.to(at::kDouble).abs().max().clamp_min(1e-30))
        .item<double>();
  }

 private:
  static const std::map<std::string, at::Tensor>& tensors() {
    static const auto all = read_tensors(test_data() / "golden/blocks/tensors.safetensors");
    return all;
  }
  std::string prefix_;
  ParameterLayout layout_;
  WeightArenas arenas_;
};

}  // namespace d2v::test
