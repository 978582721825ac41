// The smallest objective that has everything the trainer touches: trainable and fixed weights, a teacher, noise that
// depends on the key, a CLS-like term over samples. Predictions are linear in the input, targets come from the teacher.
#pragma once

#include <memory>

#include "d2v/base/philox.h"
#include "d2v/model/objective.h"
#include "d2v/nn/aten.h"

namespace d2v::test {

inline constexpr int64_t kDim = 6;  // channels of an input position; positions are the rows of a picture

class LinearObjective : public Objective {
 public:
  // `grid` above 0: also learned positions (1, grid², D), which only checkpoints look at.
  explicit LinearObjective(uint64_t seed = 1, int64_t grid = 0)
      : layout_(parameters(grid)),
        weights_(make_arena(layout_.size(), at::kFloat)),
        gradients_(make_arena(layout_.size(), at::kFloat)) {
    initialise(layout_, weights_, seed);
    teacher_ = weights_.narrow(0, 0, layout_.teacher_size()).clone();
  }

  StepOutput forward(const DeviceBatch& batch, const StepKey& key, Trace*) override {
    return step(batch, key, true);
  }
  StepOutput evaluate(const DeviceBatch& batch, const StepKey& key) override {
    const at::NoGradGuard no_grad;
    return step(batch, key, false);
  }
  Features embed(const at::Tensor& input, Network) override { return {{input.squeeze(1)}, 0}; }
  const ParameterLayout& layout() const override { return layout_; }
  at::Tensor weights() override { return weights_; }
  at::Tensor teacher() override { return teacher_; }
  at::Tensor gradients() override { return gradients_; }
  void zero_gradients() override { gradients_.zero_(); }
  void weights_changed() override { ++refreshed; }
  void backward(const at::Tensor& loss, double scale) override { loss.backward(at::full({}, scale)); }

  int refreshed = 0;
  float poison = 0;  // added to the loss: NaN makes a gradient that is not finite

 private:
  static std::vector<Parameter> parameters(int64_t grid) {
    std::vector<Parameter> out{
        {.name = "weight", .shape = {kDim, kDim}, .init = Init::normal, .init_value = 0.5},
        {.name = "bias", .shape = {kDim}, .init = Init::normal, .init_value = 0.1, .decay = false},
        {.name = "shift",
         .shape = {kDim},
         .init = Init::normal,
         .init_value = 1,
         .teacher = TeacherRule::copied,
         .trainable = false},
        {.name = "head",
         .shape = {kDim, kDim},
         .init = Init::normal,
         .init_value = 0.5,
         .teacher = TeacherRule::absent}};
    if (grid > 0) out.push_back({.name = "positions", .shape = {1, grid * grid, kDim}});
    return out;
  }

  at::Tensor leaf(const char* name) {
    const Parameter& p = layout_.at(name);
    at::Tensor value = view_of(weights_, p).requires_grad_(p.trainable);
    if (p.trainable) value.mutable_grad() = view_of(gradients_, p);
    return value;
  }

  StepOutput step(const DeviceBatch& batch, const StepKey& key, bool training) {
    const at::Tensor x = batch.input.squeeze(1);  // (B, T, D)
    const int64_t clones = batch.masked.size(1), count = batch.masked.size(2);
    at::Tensor noise = at::empty_like(x);
    for (int64_t b = 0; b < x.size(0); ++b) {
      const SampleRef& ref = batch.refs[static_cast<size_t>(b)];
      Philox random({key.seed, Stream::test, training ? static_cast<uint64_t>(key.update) : 0, ref.id,
                     ref.occurrence, 0});
      random.fill_normal({noise[b].mutable_data_ptr<float>(), static_cast<size_t>(x.size(1) * kDim)}, 0,
                         0.1F);
    }
    const auto teacher = [&](const char* name) { return view_of(teacher_, layout_.at(name)); };
    const at::Tensor hidden = at::matmul(x + noise, leaf("weight")) + leaf("bias") + leaf("shift");
    const at::Tensor prediction = at::matmul(hidden, leaf("head"));
    const at::Tensor target = at::tanh(at::matmul(x, teacher("weight")) + teacher("bias") + teacher("shift"));
    const auto at_masked = [&](const at::Tensor& rows) {
      const at::Tensor index = batch.masked.reshape({x.size(0), clones * count, 1}).expand({-1, -1, kDim});
      return rows.gather(1, index).reshape({-1, kDim});
    };
    const at::Tensor p = at_masked(prediction), t = at_masked(target);
    StepOutput out;
    const at::Tensor regression = (p - t).square().sum();
    const at::Tensor cls =
        (hidden.mean(1) - target.mean(1)).square().sum() / static_cast<double>(key.update_samples);
    out.loss = regression + cls + (poison != 0 ? leaf("weight").sum() * poison : at::zeros({}));
    out.sample_size = p.size(0);
    out.parts = {{"regression", regression.detach()}, {"cls", cls.detach()}};
    out.target_moments = moments(t);
    out.prediction_moments = moments(p);
    out.targets = target;
    out.local_features = hidden.detach();
    return out;
  }

  static at::Tensor moments(const at::Tensor& rows) {
    const at::Tensor x = rows.detach().to(at::kDouble);
    return at::stack(
        {at::full({kDim}, static_cast<double>(x.size(0)), at::kDouble), x.sum(0), x.square().sum(0)});
  }

  ParameterLayout layout_;
  at::Tensor weights_, gradients_, teacher_;
};

// Slice `part` of `parts` of update `update`: pictures and masks are a function of (seed, update, sample) alone.
inline BatchPtr make_slice(int64_t update, int64_t part, int64_t parts, int64_t batch = 8,
                           int64_t per_epoch = 5) {
  constexpr int64_t T = 9, M = 3, masked = 5;
  auto slice = std::make_unique<Batch>();
  slice->epoch = update / per_epoch;
  slice->update = update;
  slice->part = part;
  slice->update_samples = batch;
  slice->update_sample_size = batch * M * masked;
  slice->samples = batch / parts;
  slice->clones = M;
  slice->positions = T;
  slice->visible_count = T - masked;
  slice->input_shape = {slice->samples, 1, T, kDim};
  slice->input.resize(static_cast<size_t>(slice->samples * T * kDim));
  slice->visible.resize(static_cast<size_t>(slice->samples * M * (T - masked)));
  slice->masked.resize(static_cast<size_t>(slice->samples * M * masked));
  slice->labels.assign(static_cast<size_t>(slice->samples), -1);
  int64_t *visible = slice->visible.data(), *hidden = slice->masked.data();
  for (int64_t i = 0; i < slice->samples; ++i) {
    const auto id = static_cast<uint64_t>(update % per_epoch * batch + part * slice->samples + i);
    slice->refs.push_back({id, 0});
    Philox random({11, Stream::test, 0, id, 0, 7});
    random.fill_normal({slice->input.data() + i * T * kDim, T * kDim}, 0, 1);
    for (int64_t m = 0; m < M; ++m) {
      const int64_t start = static_cast<int64_t>(
          Philox({11, Stream::mask, static_cast<uint64_t>(slice->epoch), id, 0, static_cast<uint32_t>(m)})
              .below(T - masked + 1));
      for (int64_t t = 0; t < T; ++t) *(t >= start && t < start + masked ? hidden++ : visible++) = t;
    }
  }
  return slice;
}

}  // namespace d2v::test
