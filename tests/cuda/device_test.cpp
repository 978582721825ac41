// Every kernel on a device against the functor or the plain loop on the host. Skipped where there is no device.
#include "test_data.h"
#ifdef D2V_WITH_CUDA
#include <algorithm>
#include <cmath>
#include <limits>

#include "d2v/base/philox_functor.h"
#include "d2v/cuda/element_loss.h"
#include "d2v/cuda/kernels.h"
#include "d2v/cuda/norm_rows.h"
#include "d2v/cuda/target_rows.h"
#include "device_memory.h"
#include "teams.h"
#endif

#include "doctest.h"

namespace d2v {
namespace {

#ifndef D2V_WITH_CUDA

TEST_CASE("kernels give the host's numbers") { D2V_SKIP("no device: this build has no CUDA"); }

#else

using test::OnDevice;
using test::random_values;
using Floats = std::vector<float>;

#define D2V_NEED_DEVICE() \
  if (!test::has_device()) D2V_SKIP("no device")

const NumberType fp32 = NumberType::fp32;

std::vector<RngKey> some_keys(uint32_t count) {
  std::vector<RngKey> out;
  for (uint32_t i = 0; i < count; ++i)
    out.push_back({.seed = 5, .stream = Stream::decoder_noise, .step = 9, .sample = 1000 + i, .clone = i});
  return out;
}

void check_near(const Floats& have, const Floats& want, double tolerance) {
  REQUIRE(have.size() == want.size());
  double worst = 0;
  for (size_t i = 0; i < have.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(have[i]) - want[i]));
  CHECK(worst <= tolerance);
}

// Samples 2, clones 3, 7 positions of which 4 are visible; rows of 37.
struct Masks {
  int64_t samples = 2, clones = 3, length = 7, kept = 4, hidden = 3, width = 37;
  std::vector<int64_t> visible{0, 2, 3, 6, 1, 2, 4, 5, 0, 1, 2, 3, 3, 4, 5, 6, 0, 3, 5, 6, 1, 3, 4, 6};
  std::vector<int64_t> masked{1, 4, 5, 0, 3, 6, 4, 5, 6, 0, 1, 2, 1, 2, 4, 0, 2, 5};
};

TEST_CASE("normal noise has the host's bits") {
  D2V_NEED_DEVICE();
  const auto keys = some_keys(5);
  for (const int64_t width : {1, 31, 32, 33, 777}) {
    const OnDevice<RngKey> on_device(keys);
    const OnDevice<float> out(static_cast<size_t>(5 * width));
    cuda_kernels()->normal_rows({on_device.get(), 5, width, 0.01f, fp32, out.get()}, nullptr);
    const Floats have = out.host();
    for (size_t r = 0; r < 5; ++r) {
      Floats want(static_cast<size_t>(width));
      fill_normal(keys[r], 0, want, 0, 0.01f);
      CHECK(std::equal(want.begin(), want.end(), have.begin() + static_cast<std::ptrdiff_t>(r) * width));
    }
  }
}

TEST_CASE("dropout drops what the host drops") {
  D2V_NEED_DEVICE();
  const auto keys = some_keys(3);
  const OnDevice<RngKey> on_device(keys);
  const uint32_t threshold = 1u << 30;
  const OnDevice<float> rows(3 * 101), attention(3 * 2 * 5 * 7);
  cuda_kernels()->dropout_factors({on_device.get(), 3, 0, 0, 101, 4, threshold, 1.5f, fp32, rows.get()},
                                  nullptr);
  cuda_kernels()->dropout_factors({on_device.get(), 3, 2, 5, 7, 4, threshold, 1.5f, fp32, attention.get()},
                                  nullptr);
  const Floats of_rows = rows.host(), of_attention = attention.host();
  for (size_t r = 0; r < 3; ++r) {
    Philox random(philox::at_site(keys[r], Stream::dropout, 4));
    for (size_t i = 0; i < 101; ++i) CHECK(of_rows[r * 101 + i] == (random() < threshold ? 0.0f : 1.5f));
    for (size_t h = 0; h < 2; ++h) {
      for (size_t q = 0; q < 5; ++q) {
        Philox stream(philox::at_query(keys[r], 4, static_cast<int64_t>(h), static_cast<int64_t>(q)));
        for (size_t i = 0; i < 7; ++i)
          CHECK(of_attention[((r * 2 + h) * 5 + q) * 7 + i] == (stream() < threshold ? 0.0f : 1.5f));
      }
    }
  }
}

TEST_CASE("rows are gathered with positions, summed back and restored with noise") {
  D2V_NEED_DEVICE();
  const Masks m;
  const size_t width = 37, clones = 6;
  const Floats x = random_values(2 * 7 * width, 1), positions = random_values(7 * width, 2),
               rows = random_values(clones * 4 * width, 3);
  const OnDevice<float> dx(x), dpositions(positions), drows(rows), gathered(rows.size()), summed(x.size()),
      restored(clones * 7 * width);
  const OnDevice<int64_t> visible(m.visible), masked(m.masked);
  const auto keys = some_keys(6);
  const OnDevice<RngKey> dkeys(keys);
  cuda_kernels()->gather_rows(
      {dx.get(), dpositions.get(), visible.get(), 2, 3, 4, 7, 37, fp32, gathered.get()}, nullptr);
  cuda_kernels()->sum_rows({drows.get(), visible.get(), 2, 3, 4, 7, 37, fp32, summed.get()}, nullptr);
  cuda_kernels()->restore_rows({drows.get(), nullptr, dkeys.get(), 0.5f, visible.get(), masked.get(), 6, 4, 3,
                                37, fp32, restored.get()},
                               nullptr);
  Floats want_gathered, want_sum(x.size()), want_restored(clones * 7 * width);
  for (size_t r = 0; r < clones; ++r) {
    for (size_t j = 0; j < 4; ++j) {
      const size_t t = static_cast<size_t>(m.visible[r * 4 + j]);
      for (size_t d = 0; d < width; ++d) {
        want_gathered.push_back(x[(r / 3 * 7 + t) * width + d] + positions[t * width + d]);
        want_sum[(r / 3 * 7 + t) * width + d] += rows[(r * 4 + j) * width + d];
        want_restored[(r * 7 + t) * width + d] = rows[(r * 4 + j) * width + d];
      }
    }
    Floats noise(3 * width);
    fill_normal(keys[r], 0, noise, 0, 0.5f);
    for (size_t j = 0; j < 3; ++j)
      for (size_t d = 0; d < width; ++d)
        want_restored[(r * 7 + static_cast<size_t>(m.masked[r * 3 + j])) * width + d] = noise[j * width + d];
  }
  CHECK(gathered.host() == want_gathered);
  CHECK(summed.host() == want_sum);
  CHECK(restored.host() == want_restored);
}

TEST_CASE("norm rows, forward and backward") {
  D2V_NEED_DEVICE();
  for (const int64_t width : {5, 192, 768, 1000}) {
    for (const bool activate : {false, true}) {
      const size_t n = static_cast<size_t>(3 * width), w = static_cast<size_t>(width);
      const Floats x = random_values(n, 1), r = random_values(n, 2), weight = random_values(w, 3),
                   shift = random_values(w, 4), added = random_values(n, 5), dy = random_values(n, 6);
      Floats y(n), normalised(n), rstd(3), dx(n), dweight(w), dshift(w);
      for (size_t row = 0; row < 3; ++row) {
        const size_t o = row * w;
        norm_row(Alone{},
                 NormRow<float>{&x[o], &r[o], weight.data(), shift.data(), &added[o], &y[o], &normalised[o],
                                &rstd[row], 1e-5f, activate},
                 width);
        const NormRowBackward<float> back{&dy[o],       &normalised[o], rstd[row], weight.data(),
                                          shift.data(), &dx[o],         activate};
        norm_row_backward(Alone{}, back, width);
        for (size_t i = 0; i < w; ++i) {
          const float g = affine_gradient(back, static_cast<int64_t>(i));
          dweight[i] += g * normalised[o + i];
          dshift[i] += g;
        }
      }
      const OnDevice<float> gx(x), gr(r), gw(weight), gs(shift), ga(added), gdy(dy), gy(n), gn(n), grstd(3ul),
          gdx(n), gdw(w), gds(w);
      cuda_kernels()->norm_rows({gx.get(), gr.get(), gw.get(), gs.get(), ga.get(), gy.get(), gn.get(),
                                 grstd.get(), 1e-5f, activate, 3, width, fp32},
                                nullptr);
      cuda_kernels()->norm_rows_backward({gdy.get(), gn.get(), grstd.get(), gw.get(), gs.get(), gdx.get(),
                                          gdw.get(), gds.get(), activate, 3, width, fp32},
                                         nullptr);
      check_near(gy.host(), y, 3e-5);
      check_near(gn.host(), normalised, 2e-5);
      check_near(gdx.host(), dx, 1e-4);
      check_near(gdw.host(), dweight, 2e-4);
      check_near(gds.host(), dshift, 2e-4);
    }
  }
}

TEST_CASE("bias and GELU, forward and backward") {
  D2V_NEED_DEVICE();
  const Floats x = random_values(6 * 50, 1, 2), bias = random_values(50, 2), dy = random_values(6 * 50, 3);
  const OnDevice<float> gx(x), gb(bias), gdy(dy), sum(x.size()), y(x.size()), dx(x.size());
  cuda_kernels()->bias_gelu({gx.get(), gb.get(), nullptr, sum.get(), y.get(), 6, 50, fp32}, nullptr);
  cuda_kernels()->gelu_backward({sum.get(), gdy.get(), dx.get(), 300, fp32}, nullptr);
  Floats want_y, want_dx;
  for (size_t i = 0; i < x.size(); ++i) {
    want_y.push_back(gelu(x[i] + bias[i % 50]));
    want_dx.push_back(dy[i] * gelu_slope(x[i] + bias[i % 50]));
  }
  check_near(y.host(), want_y, 1e-5);
  check_near(dx.host(), want_dx, 1e-5);
}

TEST_CASE("targets, over positions and over channels") {
  D2V_NEED_DEVICE();
  const int64_t b = 2, t = 11, d = 64;
  const Floats one = random_values(static_cast<size_t>(b * t * d), 1),
               two = random_values(static_cast<size_t>(b * t * d), 2, 3);
  const OnDevice<float> g1(one), g2(two), out(one.size());
  const void* layers[] = {g1.get(), g2.get()};
  TargetLayers<float> host{{one.data(), two.data()}, 2, t * d, d};
  for (const bool each_instance : {false, true}) {
    for (const bool last_layer : {false, true}) {
      Floats want(one.size());
      for (int64_t s = 0; s < b; ++s) {
        if (each_instance)
          for (int64_t c = 0; c < d; ++c)
            target_channel(Alone{}, host, s, c, false, t, d, want.data() + s * t * d + c);
        for (int64_t p = 0; p < t; ++p) {
          float* row = want.data() + (s * t + p) * d;
          const TargetNorm last = last_layer ? TargetNorm::layer : TargetNorm::none;
          const TargetLayers<float> mean{{want.data()}, 1, t * d, d};
          if (each_instance)
            target_row(Alone{}, mean, s, p, last, TargetNorm::none, d, row);
          else
            target_row(Alone{}, host, s, p, TargetNorm::layer, last, d, row);
        }
      }
      cuda_kernels()->targets(
          {layers, 2, b, t, d, t * d, d, each_instance, false, !each_instance, last_layer, fp32, out.get()},
          nullptr);
      check_near(out.host(), want, 5e-5);
    }
  }
}

TEST_CASE("the masked loss and its gradient") {
  D2V_NEED_DEVICE();
  const Masks m;
  const Floats prediction = random_values(6 * 3 * 37, 1), targets = random_values(2 * 7 * 37, 2);
  const OnDevice<float> gp(prediction), gt(targets), loss(1ul), upstream(Floats{0.25f}),
      gradient(prediction.size());
  const OnDevice<int64_t> masked(m.masked);
  const OnDevice<double> partial(static_cast<size_t>(loss_blocks));
  for (const float beta : {0.0f, 0.5f}) {
    const MaskedLossRows work{
        gp.get(),   gt.get(),       masked.get(),  2, 3, 3, 7, 37, beta, 2.0, fp32, partial.get(),
        loss.get(), upstream.get(), gradient.get()};
    cuda_kernels()->masked_loss(work, nullptr);
    cuda_kernels()->masked_loss_gradient(work, nullptr);
    double sum = 0;
    Floats want;
    for (size_t row = 0; row < 18; ++row) {
      for (size_t d = 0; d < 37; ++d) {
        const size_t at = (row / 9 * 7 + static_cast<size_t>(m.masked[row])) * 37 + d;
        const float difference = prediction[row * 37 + d] - targets[at];
        sum += 2.0 * static_cast<double>(loss_of(difference, beta));
        want.push_back(0.5f * loss_slope(difference, beta));
      }
    }
    CHECK(loss.host()[0] == doctest::Approx(sum).epsilon(1e-5));
    check_near(gradient.host(), want, 1e-6);
  }
}

TEST_CASE("an optimizer step, and one that is skipped") {
  D2V_NEED_DEVICE();
  const size_t n = 1000;
  const Floats w = random_values(n, 1), g = random_values(n, 2), m = random_values(n, 3, 0.1f),
               teacher = random_values(n, 5);
  Floats v = random_values(n, 4, 0.1f);
  for (float& x : v) x *= x;
  // Decayed and averaged; not decayed and copied; frozen and averaged.
  const std::vector<AdamChunk> chunks{{0, 400, 1, 1, 1, 0}, {400, 300, 1, 0, 0, 1}, {700, 300, 0, 0, 1, 0}};
  const AdamPlan plan{1e-2, 0.9, 0.98, 1e-8, 0.1, 0.5, 2.0, true};
  const OnDevice<AdamChunk> gchunks(chunks);
  const OnDevice<float> gw(w), gm(m), gv(v), gteacher(teacher), gg(g);
  const OnDevice<double> partial(3ul), report(3ul);
  const OnDevice<AdamFactors> factors(2ul);
  const OnDevice<int64_t> steps(std::vector<int64_t>{6});
  AdamStepArguments work{};
  work.chunks = gchunks.get();
  work.chunk_count = 3;
  work.plan = plan;
  work.blend = 0.25f;
  work.weights = gw.get();
  work.first = gm.get();
  work.second = gv.get();
  work.teacher = gteacher.get();
  work.gradients = gg.get();
  work.partial = partial.get();
  work.factors = factors.get();
  work.report = report.get();
  work.steps = steps.get();
  cuda_kernels()->adam_step(work, nullptr);

  double squares = 0;
  for (size_t i = 0; i < 700; ++i) squares += static_cast<double>(g[i]) * static_cast<double>(g[i]);
  const double norm = 0.5 * std::sqrt(squares), clip = clip_factor(norm, 2.0);
  CHECK(report.host()[0] == doctest::Approx(norm).epsilon(1e-12));
  CHECK(report.host()[1] == doctest::Approx(clip).epsilon(1e-12));
  CHECK(report.host()[2] == 0);
  CHECK(steps.host()[0] == 7);
  Floats want_w = w, want_m = m, want_v = v, want_teacher = teacher;
  for (size_t i = 0; i < n; ++i) {
    AdamFactors f = adam_factors(plan, clip, 7);
    if (i >= 400) f.keep = 1;
    if (i < 700) adam_element(want_w[i], g[i], want_m[i], want_v[i], f);
    if (i >= 400 && i < 700)
      want_teacher[i] = want_w[i];
    else
      average_element(want_teacher[i], want_w[i], 0.25f);
  }
  check_near(gw.host(), want_w, 1e-6);
  check_near(gm.host(), want_m, 1e-6);
  check_near(gv.host(), want_v, 1e-6);
  check_near(gteacher.host(), want_teacher, 1e-6);

  Floats broken = g;
  broken[10] = std::numeric_limits<float>::infinity();
  const OnDevice<float> gbroken(broken);
  const Floats before = gw.host();
  work.gradients = gbroken.get();
  cuda_kernels()->adam_step(work, nullptr);
  CHECK(report.host()[2] == 1);
  CHECK(steps.host()[0] == 7);
  CHECK(gw.host() == before);
}

#endif

}  // namespace
}  // namespace d2v
