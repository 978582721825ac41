// An objective for the tests of probes: block l of its "network" is the pixels times `gain[l]`, plus noise that hides
// them where the gain is small. No student differs from its teacher.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "d2v/eval/features.h"
#include "d2v/eval/probe.h"
#include "d2v/model/objective.h"
#include "d2v/nn/aten.h"
#include "random_features.h"

namespace d2v::test {

class FakeObjective : public Objective {
 public:
  explicit FakeObjective(std::vector<double> gains, int64_t extra_tokens = 1)
      : gains_(std::move(gains)), extra_(extra_tokens) {}

  Features embed(const at::Tensor& input, Network which) override {
    Features features;
    features.extra_tokens = extra_;
    const at::Tensor tokens = input.flatten(2).transpose(1, 2);  // a pixel is a token, (B, H·W, C)
    for (size_t l = 0; l < gains_.size(); ++l) {
      const at::Tensor noise = random_features(tokens.numel(), 1, calls_++).view_as(tokens);
      const at::Tensor block = tokens * gains_[l] + noise;
      const at::Tensor extra =
          at::full({tokens.size(0), extra_, tokens.size(2)}, which == Network::teacher ? 7. : 8.);
      features.layers.push_back(at::cat({extra, block}, 1));
    }
    return features;
  }

  StepOutput forward(const DeviceBatch&, const StepKey&, Trace*) override { return {}; }
  StepOutput evaluate(const DeviceBatch&, const StepKey&) override { return {}; }
  const ParameterLayout& layout() const override { return layout_; }
  at::Tensor weights() override { return {}; }
  at::Tensor teacher() override { return {}; }
  at::Tensor gradients() override { return {}; }
  void zero_gradients() override {}
  void weights_changed() override {}
  void backward(const at::Tensor&, double) override {}

 private:
  std::vector<double> gains_;
  int64_t extra_;
  uint64_t calls_ = 0;
  ParameterLayout layout_;
};

// What a probe compares: the trained network's third block is the good one, the untrained one's are all noise.
struct FakeNetworks {
  FakeObjective trained{{0, 0, 5, 0.1}}, untrained{{0, 0, 0, 0}};
  ProbeNetworks networks(const std::string& layer = "3") {
    return {&trained, &untrained, 4, true, layer, Pooling::mean};
  }
};

// Pictures of 4×4 pixels whose mean colour tells the class and whose single pixels are mostly noise.
inline Samples coloured_pictures(int64_t n, int64_t classes, uint64_t seed, int64_t batch = 64) {
  Samples pictures;
  pictures.labels = random_labels(n, classes, seed);
  const at::Tensor colours = random_features(classes, 3, 999);
  const at::Tensor pixels = colours.index({pictures.labels}).view({n, 3, 1, 1}) +
                            4 * random_features(n * 3 * 16, 1, seed + 1).view({n, 3, 4, 4});
  pictures.each_batch = [pixels, batch](const auto& use) {
    for (int64_t i = 0; i < pixels.size(0); i += batch) {
      std::vector<int64_t> rows;
      for (int64_t row = i; row < std::min(pixels.size(0), i + batch); ++row) rows.push_back(row);
      use({rows, pixels.slice(0, i, rows.back() + 1)});
    }
  };
  return pictures;
}

}  // namespace d2v::test
