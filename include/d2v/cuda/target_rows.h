// Targets of one sample by a team: the mean over layers of their normalised results, normalised again (section 3 of the
// method).
#pragma once

#include <cstdint>

#include "d2v/cuda/norm_rows.h"

namespace d2v {

inline constexpr int kMostTargetLayers = 48;
inline constexpr float kTargetEps = 1e-5f;

// Results of the last layers, (B, T, D) each: the row of sample b and position t begins at layer[k] + b·sample_stride +
// t·row_stride, in elements.
template <class T>
struct TargetLayers {
  const T* layer[kMostTargetLayers];
  int count;
  int64_t sample_stride, row_stride;
};

enum class TargetNorm : int { none, layer };

// One row, norms over its channels: y[i] = norm'(mean over layers of norm(x[i])). `y` holds the mean in between.
template <class Team, class T>
D2V_HOST_DEVICE void target_row(const Team& team, const TargetLayers<T>& from, int64_t sample,
                                int64_t position, TargetNorm each, TargetNorm last, int64_t width, float* y) {
  const int64_t offset = sample * from.sample_stride + position * from.row_stride;
  for (int k = 0; k < from.count; ++k) {
    const T* x = from.layer[k] + offset;
    RowMoments m{0, 1};
    if (each == TargetNorm::layer)
      m = row_moments_of(team, width, kTargetEps, [&](int64_t i) { return wide(x[i]); });
    for (int64_t i = team.first(); i < width; i += team.step()) {
      const float n = (wide(x[i]) - m.mean) * m.rstd;
      y[i] = k == 0 ? n : y[i] + n;
    }
  }
  const float count = static_cast<float>(from.count);
  for (int64_t i = team.first(); i < width; i += team.step()) y[i] /= count;
  if (last == TargetNorm::none) return;
  const RowMoments m = row_moments_of(team, width, kTargetEps, [&](int64_t i) { return y[i]; });
  for (int64_t i = team.first(); i < width; i += team.step()) y[i] = (y[i] - m.mean) * m.rstd;
}

// One channel of one sample, instance norm over its positions: y[t·D] = mean over layers of norm(x[t]), and where `last`
// is set, normalised again. The team divides the positions.
template <class Team, class T>
D2V_HOST_DEVICE void target_channel(const Team& team, const TargetLayers<T>& from, int64_t sample,
                                    int64_t channel, bool last, int64_t positions, int64_t width, float* y) {
  const int64_t offset = sample * from.sample_stride + channel;
  for (int k = 0; k < from.count; ++k) {
    const T* x = from.layer[k] + offset;
    const RowMoments m =
        row_moments_of(team, positions, kTargetEps, [&](int64_t t) { return wide(x[t * from.row_stride]); });
    for (int64_t t = team.first(); t < positions; t += team.step()) {
      const float n = (wide(x[t * from.row_stride]) - m.mean) * m.rstd;
      y[t * width] = k == 0 ? n : y[t * width] + n;
    }
  }
  const float count = static_cast<float>(from.count);
  for (int64_t t = team.first(); t < positions; t += team.step()) y[t * width] /= count;
  if (!last) return;
  const RowMoments m = row_moments_of(team, positions, kTargetEps, [&](int64_t t) { return y[t * width]; });
  for (int64_t t = team.first(); t < positions; t += team.step())
    y[t * width] = (y[t * width] - m.mean) * m.rstd;
}

}  // namespace d2v
