#include "d2v/train/optimizer.h"

#include <algorithm>
#include <cmath>

#include <ATen/Parallel.h>

#include "adam_kernels.h"
#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "device_optimizer.h"

namespace d2v {
namespace {

constexpr int64_t kChunk = 1 << 15;  // elements; fixed, since the order of the norm's additions depends on it

struct Chunk {
  const Parameter* parameter;
  int64_t begin;
  int64_t count;
};

std::vector<Chunk> cut(const ParameterLayout& layout) {
  std::vector<Chunk> chunks;
  for (const Parameter& p : layout.all()) {
    for (int64_t i = 0; i < p.count; i += kChunk) {
      chunks.push_back({&p, p.offset + i, std::min(kChunk, p.count - i)});
    }
  }
  return chunks;
}

void need(const char* name, const at::Tensor& arena, int64_t size) {
  check(
      arena.defined() && arena.is_contiguous() && arena.scalar_type() == at::kFloat && arena.numel() == size,
      "optimizer: the arena of {} must be {} contiguous float32 values, found {}", name, size,
      arena.defined() ? fmt::format("{} of {}", arena.numel(), c10::toString(arena.scalar_type())) : "none");
}

template <class Work>
void for_each_chunk(const std::vector<Chunk>& chunks, const Work& work) {
  at::parallel_for(0, static_cast<int64_t>(chunks.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) work(static_cast<size_t>(i), chunks[static_cast<size_t>(i)]);
  });
}

double norm_of(const std::vector<Chunk>& chunks, const float* gradients) {
  std::vector<double> parts(chunks.size());
  for_each_chunk(chunks, [&](size_t i, const Chunk& c) {
    if (c.parameter->trainable) parts[i] = sum_of_squares(gradients + c.begin, c.count);
  });
  double sum = 0;
  for (const double part : parts) sum += part;
  return std::sqrt(sum);
}

AdamPlan plan_of(const OptimConfig& config, const StepSettings& settings) {
  return {.lr = settings.lr,
          .beta1 = config.beta1,
          .beta2 = config.beta2,
          .eps = config.eps,
          .weight_decay = config.weight_decay,
          .gradient_scale = settings.gradient_scale,
          .clip_norm = config.clip_norm,
          .reference = config.eps_mode == EpsMode::reference};
}

// The same chunks in the kernels' terms.
std::vector<AdamChunk> device_chunks(const ParameterLayout& layout, bool decay_all) {
  std::vector<AdamChunk> out;
  for (const Chunk& c : cut(layout)) {
    const Parameter& p = *c.parameter;
    out.push_back({c.begin, c.count, p.trainable, p.decay || decay_all, p.teacher == TeacherRule::averaged,
                   p.teacher == TeacherRule::copied});
  }
  return out;
}

}  // namespace

AdamState::AdamState(const ParameterLayout& layout, at::Device device)
    : first(make_arena(layout.size(), at::kFloat).to(device)),
      second(make_arena(layout.size(), at::kFloat).to(device)) {
  set_steps(*this, 0);
}

int64_t steps_of(const AdamState& state) {
  return state.device_steps.defined() ? state.device_steps.item<int64_t>() : state.steps;
}

void set_steps(AdamState& state, int64_t steps) {
  state.steps = steps;
  if (!state.first.is_cpu())
    state.device_steps = at::full({1}, steps, state.first.options().dtype(at::kLong));
}

StepReport settled(StepReport report) {
  if (!report.pending.defined()) return report;
  const at::Tensor figures = report.pending.cpu();
  const double* figure = figures.const_data_ptr<double>();
  return {.gradient_norm = figure[0], .clip_factor = figure[1], .skipped = figure[2] != 0, .pending = {}};
}

double gradient_norm(const ParameterLayout& layout, const at::Tensor& gradients) {
  need("gradients", gradients, layout.size());
  if (!gradients.is_cpu()) return device_gradient_norm(device_chunks(layout, false), gradients);
  return norm_of(cut(layout), gradients.const_data_ptr<float>());
}

StepReport optimizer_step(const ParameterLayout& layout, const OptimConfig& config,
                          const StepSettings& settings, const OptimizerArenas& arenas, AdamState& state) {
  need("weights", arenas.weights, layout.size());
  need("gradients", arenas.gradients, layout.size());
  need("first moments", state.first, layout.size());
  need("second moments", state.second, layout.size());
  if (arenas.teacher.defined()) need("teacher", arenas.teacher, layout.teacher_size());

  const AdamPlan plan = plan_of(config, settings);
  if (!arenas.weights.is_cpu())
    return device_step(device_chunks(layout, config.decay_all), plan, settings.ema_decay, arenas, state);
  const std::vector<Chunk> chunks = cut(layout);
  const float* g = arenas.gradients.const_data_ptr<float>();
  StepReport report;
  report.gradient_norm = norm_of(chunks, g) * settings.gradient_scale;
  report.skipped = !std::isfinite(report.gradient_norm);
  if (report.skipped) return report;
  report.clip_factor = clip_factor(report.gradient_norm, config.clip_norm);

  const AdamFactors with_decay = adam_factors(plan, report.clip_factor, ++state.steps);
  AdamFactors without = with_decay;
  without.keep = 1;
  float* w = arenas.weights.mutable_data_ptr<float>();
  float* m = state.first.mutable_data_ptr<float>();
  float* v = state.second.mutable_data_ptr<float>();
  const bool averages = arenas.teacher.defined() && settings.ema_decay < 1;
  float* teacher = averages ? arenas.teacher.mutable_data_ptr<float>() : nullptr;
  const float blend = static_cast<float>(1 - settings.ema_decay);
  for_each_chunk(chunks, [&](size_t, const Chunk& c) {
    const Parameter& p = *c.parameter;
    if (p.trainable) {
      const AdamFactors& f = p.decay || config.decay_all ? with_decay : without;
      adam_update(w + c.begin, g + c.begin, m + c.begin, v + c.begin, f, c.count);
    }
    if (teacher == nullptr || p.teacher == TeacherRule::absent) return;
    if (p.teacher == TeacherRule::averaged) {
      average_update(teacher + c.begin, w + c.begin, blend, c.count);
    } else {
      std::copy_n(w + c.begin, c.count, teacher + c.begin);
    }
  });
  return report;
}

}  // namespace d2v
