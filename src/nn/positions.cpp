#include "d2v/nn/positions.h"

#include <bit>
#include <cmath>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/device.h"

namespace d2v {

at::Tensor sincos_positions(int64_t rows, int64_t columns, int64_t dim) {
  check<UsageError>(dim % 4 == 0,
                    "fixed positions need a width that is a multiple of 4, found model.dim = {}", dim);
  const int64_t quarter = dim / 4;
  at::Tensor positions = at::empty({1, rows * columns, dim}, at::kFloat);
  float* out = positions.mutable_data_ptr<float>();
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      for (int64_t i = 0; i < quarter; ++i) {
        const double w = 1.0 / std::pow(10000.0, static_cast<double>(i) / static_cast<double>(quarter));
        out[i] = static_cast<float>(std::sin(column * w));
        out[quarter + i] = static_cast<float>(std::cos(column * w));
        out[2 * quarter + i] = static_cast<float>(std::sin(row * w));
        out[3 * quarter + i] = static_cast<float>(std::cos(row * w));
      }
      out += dim;
    }
  }
  return positions;
}

at::Tensor resize_positions(const at::Tensor& positions, int64_t side) {
  const int64_t old_side = std::llround(std::sqrt(static_cast<double>(positions.size(1))));
  check<UsageError>(old_side * old_side == positions.size(1),
                    "cannot interpolate {} positions: not a square grid", positions.size(1));
  if (old_side == side) return positions;
  const int64_t dim = positions.size(2);
  const at::Tensor grid = positions.view({1, old_side, old_side, dim}).permute({0, 3, 1, 2}).contiguous();
  return at::upsample_bicubic2d(grid, {side, side}, /*align_corners=*/false)
      .permute({0, 2, 3, 1})
      .reshape({1, side * side, dim})
      .contiguous();
}

std::vector<double> alibi_slopes(int64_t heads) {
  const auto of_power = [](int64_t n, int64_t h) { return std::pow(2.0, -8.0 / n * (h + 1)); };
  const int64_t low = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(heads)));
  std::vector<double> slopes;
  for (int64_t h = 0; h < heads; ++h)
    slopes.push_back(h < low ? of_power(low, h) : of_power(2 * low, 2 * (h - low)));
  return slopes;
}

namespace {
template <class Distance>
at::Tensor alibi_bias(int64_t heads, int64_t positions, Distance distance) {
  const std::vector<double> slopes = alibi_slopes(heads);
  at::Tensor bias = at::empty({heads, positions, positions}, at::kFloat);
  float* out = bias.mutable_data_ptr<float>();
  for (double slope : slopes)
    for (int64_t i = 0; i < positions; ++i)
      for (int64_t j = 0; j < positions; ++j) *out++ = static_cast<float>(-slope * distance(i, j));
  return bias;
}
}  // namespace

at::Tensor alibi_bias_2d(int64_t heads, int64_t rows, int64_t columns, AlibiDistance distance) {
  return alibi_bias(heads, rows * columns, [=](int64_t i, int64_t j) {
    const double down = static_cast<double>(i / columns - j / columns);
    const double across = static_cast<double>(i % columns - j % columns);
    return distance == AlibiDistance::manhattan ? std::abs(down) + std::abs(across)
                                                : std::hypot(down, across);
  });
}

at::Tensor alibi_bias_1d(int64_t heads, int64_t positions) {
  return alibi_bias(heads, positions,
                    [](int64_t i, int64_t j) { return std::abs(static_cast<double>(i - j)); });
}

at::Tensor alibi_bias_1d(int64_t heads, const at::Tensor& index) {
  const at::Tensor distance = (index.unsqueeze(2) - index.unsqueeze(1)).abs().to(at::kFloat);
  const at::Tensor slopes = send(at::tensor(alibi_slopes(heads), at::kDouble).to(at::kFloat), index.device());
  return distance.unsqueeze(1) * slopes.neg().view({1, heads, 1, 1});
}

}  // namespace d2v
