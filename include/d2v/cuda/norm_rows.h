// LayerNorm of one row by a team, with what stands around it: bias and residual before it, scale, shift, GELU and
// residual behind it. Statistics in float, of whatever type the row is.
#pragma once

#include <cmath>
#include <cstdint>

#include "d2v/cuda/gelu.h"
#include "d2v/cuda/number.h"

namespace d2v {

struct RowMoments {
  float mean, rstd;
};

// Mean and 1/sqrt(variance + eps) of at(0) … at(width - 1); the variance is biased and taken around the mean.
template <class Team, class At>
D2V_HOST_DEVICE RowMoments row_moments_of(const Team& team, int64_t width, float eps, const At& at) {
  float sum = 0;
  for (int64_t i = team.first(); i < width; i += team.step()) sum += at(i);
  const float mean = team.sum(sum) / static_cast<float>(width);
  float squares = 0;
  for (int64_t i = team.first(); i < width; i += team.step()) squares += (at(i) - mean) * (at(i) - mean);
  return {mean, 1 / std::sqrt(team.sum(squares) / static_cast<float>(width) + eps)};
}

// n = norm(x + residual); y = n·weight + shift, then gelu(y) if `activate`, then + added. What is null is left out;
// x is read as T, n and rstd are what the backward pass needs.
template <class T>
struct NormRow {
  const T* x;
  const T* residual;
  const float *weight, *shift;
  const T* added;
  T* y;
  float* normalised;
  float* rstd;  // of this row
  float eps;
  bool activate;
};
template <class Team, class T>
D2V_HOST_DEVICE void norm_row(const Team& team, const NormRow<T>& row, int64_t width) {
  const auto input = [&](int64_t i) {
    const float x = wide(row.x[i]);
    return row.residual ? x + wide(row.residual[i]) : x;
  };
  const RowMoments moments = row_moments_of(team, width, row.eps, input);
  if (row.rstd && team.leader()) *row.rstd = moments.rstd;
  for (int64_t i = team.first(); i < width; i += team.step()) {
    const float n = (input(i) - moments.mean) * moments.rstd;
    if (row.normalised) row.normalised[i] = n;
    float y = row.weight ? n * row.weight[i] : n;
    if (row.shift) y += row.shift[i];
    if (row.activate) y = gelu(y);
    if (row.added) y += wide(row.added[i]);
    put(row.y[i], y);
  }
}

// Gradient of x (and of the residual, the same) from that of y. Gradients of weight and shift are column sums over
// rows; they are not taken here.
template <class T>
struct NormRowBackward {
  const T* y_gradient;
  const float* normalised;
  float rstd;
  const float *weight, *shift;
  T* x_gradient;
  bool activate;
};
// d loss / d (n·weight + shift) of element i.
template <class T>
D2V_HOST_DEVICE float affine_gradient(const NormRowBackward<T>& row, int64_t i) {
  const float g = wide(row.y_gradient[i]);
  if (!row.activate) return g;
  float y = row.weight ? row.normalised[i] * row.weight[i] : row.normalised[i];
  if (row.shift) y += row.shift[i];
  return g * gelu_slope(y);
}
template <class Team, class T>
D2V_HOST_DEVICE void norm_row_backward(const Team& team, const NormRowBackward<T>& row, int64_t width) {
  const auto gradient = [&](int64_t i) {
    const float g = affine_gradient(row, i);
    return row.weight ? g * row.weight[i] : g;
  };
  float sum = 0, dot = 0;
  for (int64_t i = team.first(); i < width; i += team.step()) {
    const float g = gradient(i);
    sum += g;
    dot += g * row.normalised[i];
  }
  const float mean = team.sum(sum) / static_cast<float>(width);
  const float along = team.sum(dot) / static_cast<float>(width);
  for (int64_t i = team.first(); i < width; i += team.step())
    put(row.x_gradient[i], row.rstd * (gradient(i) - mean - row.normalised[i] * along));
}

}  // namespace d2v
