#include "d2v/train/optimizer.h"

#include <cmath>
#include <limits>

#include <ATen/Parallel.h>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

#include "doctest.h"

using namespace d2v;

namespace {

// Four parameters of odd sizes, one larger than a chunk; every role that a parameter can have occurs.
ParameterLayout example_layout() {
  return ParameterLayout({
      {.name = "matrix", .shape = {123, 301}},
      {.name = "bias", .shape = {7}, .decay = false},
      {.name = "positions", .shape = {1, 5, 3}, .teacher = TeacherRule::copied, .trainable = false},
      {.name = "decoder", .shape = {33, 3}, .teacher = TeacherRule::absent},
  });
}

struct Arenas {
  explicit Arenas(const ParameterLayout& layout) : adam(layout) {
    tensors.weights = make_arena(layout.size(), at::kFloat);
    tensors.gradients = make_arena(layout.size(), at::kFloat);
    tensors.teacher = make_arena(layout.teacher_size(), at::kFloat);
    auto generator = at::make_generator<at::CPUGeneratorImpl>(3);
    tensors.weights.normal_(0, 1, generator);
    tensors.teacher.normal_(0, 1, generator);
    new_gradients(4);
  }
  void new_gradients(uint64_t seed) {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
    tensors.gradients.normal_(0, 100, generator);
  }
  OptimizerArenas tensors;
  AdamState adam;
};

// The formulas of the method, written with double tensors.
struct Oracle {
  at::Tensor p, m, v, teacher;
  int64_t t = 0;
  void step(const at::Tensor& gradient, const OptimConfig& c, const StepSettings& s, double clip,
            const Parameter& role) {
    ++t;
    const auto g = gradient.to(at::kDouble) * s.gradient_scale * clip;
    if (role.trainable) {
      m = c.beta1 * m + (1 - c.beta1) * g;
      v = c.beta2 * v + (1 - c.beta2) * g * g;
      if (role.decay || c.decay_all) p = p - s.lr * c.weight_decay * p;
      const double c1 = 1 - std::pow(c.beta1, t), c2 = std::sqrt(1 - std::pow(c.beta2, t));
      if (c.eps_mode == EpsMode::reference) {
        p = p - s.lr * c2 / c1 * m / (v.sqrt() + c.eps);
      } else {
        p = p - s.lr / c1 * m / (v.sqrt() / c2 + c.eps);
      }
    }
    if (!teacher.defined() || s.ema_decay == 1) return;
    teacher = role.teacher == TeacherRule::copied ? p.clone() : s.ema_decay * teacher + (1 - s.ema_decay) * p;
  }
};

void check_against_oracle(const OptimConfig& config) {
  const ParameterLayout layout = example_layout();
  Arenas arenas(layout);
  std::vector<Oracle> oracles;
  for (const Parameter& p : layout.all()) {
    const auto weight = view_of(arenas.tensors.weights, p).to(at::kDouble).clone();
    at::Tensor teacher;
    if (p.teacher != TeacherRule::absent)
      teacher = view_of(arenas.tensors.teacher, p).to(at::kDouble).clone();
    oracles.push_back({weight, at::zeros_like(weight), at::zeros_like(weight), teacher});
  }
  for (int step = 0; step < 5; ++step) {
    arenas.new_gradients(static_cast<uint64_t>(10 + step));
    const StepSettings settings{.lr = 0.01, .ema_decay = 0.9 + 0.01 * step, .gradient_scale = 1.0 / 640};
    double squares = 0;
    for (const Parameter& p : layout.all()) {
      if (p.trainable)
        squares += view_of(arenas.tensors.gradients, p).to(at::kDouble).square().sum().item<double>();
    }
    const double norm = std::sqrt(squares) / 640;
    const double clip = config.clip_norm > 0 ? std::min(1.0, config.clip_norm / (norm + 1e-6)) : 1;
    const StepReport report = optimizer_step(layout, config, settings, arenas.tensors, arenas.adam);
    CHECK(report.gradient_norm == doctest::Approx(norm).epsilon(1e-12));
    CHECK(report.clip_factor == doctest::Approx(clip).epsilon(1e-12));
    for (size_t i = 0; i < oracles.size(); ++i) {
      const Parameter& p = layout.all()[i];
      CAPTURE(p.name);
      oracles[i].step(view_of(arenas.tensors.gradients, p), config, settings, clip, p);
      const auto worst = [](const at::Tensor& a, const at::Tensor& b) {
        return (a - b).abs().max().item<double>();
      };
      CHECK(worst(view_of(arenas.tensors.weights, p), oracles[i].p) < 2e-6);
      CHECK(worst(view_of(arenas.adam.first, p), oracles[i].m) < 1e-6);
      CHECK(worst(view_of(arenas.adam.second, p), oracles[i].v) < 1e-6);
      if (oracles[i].teacher.defined()) {
        CHECK(worst(view_of(arenas.tensors.teacher, p), oracles[i].teacher) < 2e-6);
      }
    }
  }
}

}  // namespace

TEST_CASE("steps equal the formulas in double") {
  OptimConfig config;
  config.eps = 1e-3;  // large, so that the two modes differ visibly
  SUBCASE("reference eps") {}
  SUBCASE("framework eps") { config.eps_mode = EpsMode::framework; }
  SUBCASE("everything decays") { config.decay_all = true; }
  SUBCASE("no clipping") { config.clip_norm = 0; }
  SUBCASE("hard clipping") { config.clip_norm = 1e-2; }
  check_against_oracle(config);
}

TEST_CASE("results do not depend on the number of threads") {
  const ParameterLayout layout = example_layout();
  const auto run = [&](int threads) {
    at::set_num_threads(threads);
    Arenas arenas(layout);
    const StepReport report =
        optimizer_step(layout, {}, {.lr = 0.1, .ema_decay = 0.99}, arenas.tensors, arenas.adam);
    return std::tuple(report.gradient_norm, arenas.tensors.weights, arenas.tensors.teacher);
  };
  const int before = at::get_num_threads();
  const auto [norm1, weights1, teacher1] = run(1);
  const auto [norm3, weights3, teacher3] = run(3);
  at::set_num_threads(before);
  CHECK(norm1 == norm3);
  CHECK(at::equal(weights1, weights3));
  CHECK(at::equal(teacher1, teacher3));
}

TEST_CASE("a gradient that is not finite leaves everything untouched") {
  const ParameterLayout layout = example_layout();
  Arenas arenas(layout);
  const auto weights = arenas.tensors.weights.clone(), teacher = arenas.tensors.teacher.clone();
  float bad = std::numeric_limits<float>::quiet_NaN();
  SUBCASE("NaN") {}
  SUBCASE("infinity") { bad = std::numeric_limits<float>::infinity(); }
  view_of(arenas.tensors.gradients, layout.at("decoder"))[32][2] = bad;
  const StepReport report =
      optimizer_step(layout, {}, {.lr = 1, .ema_decay = 0.5}, arenas.tensors, arenas.adam);
  CHECK(report.skipped);
  CHECK(arenas.adam.steps == 0);
  CHECK(at::equal(weights, arenas.tensors.weights));
  CHECK(at::equal(teacher, arenas.tensors.teacher));
  CHECK(arenas.adam.first.count_nonzero().item<int64_t>() == 0);
}

TEST_CASE("at decay 1 the teacher is left alone") {
  const ParameterLayout layout = example_layout();
  Arenas arenas(layout);
  const auto teacher = arenas.tensors.teacher.clone();
  optimizer_step(layout, {}, {.lr = 1, .ema_decay = 1}, arenas.tensors, arenas.adam);
  CHECK(at::equal(teacher, arenas.tensors.teacher));
}

TEST_CASE("frozen parameters do not count in the norm and keep their values") {
  const ParameterLayout layout = example_layout();
  Arenas arenas(layout);
  const auto frozen = view_of(arenas.tensors.weights, layout.at("positions")).clone();
  arenas.tensors.gradients.zero_();
  view_of(arenas.tensors.gradients, layout.at("positions")).fill_(1e10);
  view_of(arenas.tensors.gradients, layout.at("bias"))[6] = 3;
  const StepReport report =
      optimizer_step(layout, {}, {.lr = 1, .ema_decay = 0.9}, arenas.tensors, arenas.adam);
  CHECK(report.gradient_norm == 3);
  CHECK(at::equal(frozen, view_of(arenas.tensors.weights, layout.at("positions"))));
  CHECK(at::equal(frozen, view_of(arenas.tensors.teacher, layout.at("positions"))));
}

TEST_CASE("weights without gradient stay finite when eps is 0") {
  const ParameterLayout layout = example_layout();
  Arenas arenas(layout);
  arenas.tensors.gradients.zero_();
  OptimConfig config;
  config.eps = 0;
  optimizer_step(layout, config, {.lr = 0.1}, arenas.tensors, arenas.adam);
  CHECK(arenas.tensors.weights.isfinite().all().item<bool>());
}

TEST_CASE("the averaged teacher converges to the weights at a decay near 1") {
  const ParameterLayout layout({{.name = "w", .shape = {1}, .trainable = false}});
  Arenas arenas(layout);
  arenas.tensors.weights.fill_(1.0F);
  arenas.tensors.teacher.fill_(1.0F);
  arenas.tensors.gradients.zero_();
  for (int i = 0; i < 2000; ++i)
    optimizer_step(layout, {}, {.ema_decay = 0.99999}, arenas.tensors, arenas.adam);
  CHECK(arenas.tensors.teacher[0].item<float>() == 1.0F);
}

TEST_CASE("arenas of another layout are refused") {
  const ParameterLayout layout = example_layout();
  Arenas arenas(layout);
  arenas.tensors.gradients = at::zeros({5});
  CHECK_THROWS_WITH_AS(optimizer_step(layout, {}, {}, arenas.tensors, arenas.adam),
                       doctest::Contains("gradients must be"), Error);
}
