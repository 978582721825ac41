#include "flac_predict.h"

#include <bit>
#include <cstddef>
#include <type_traits>

namespace d2v {
namespace {

// One loop per order: coefficients stay in registers, and only the product with the last sample waits for it.
template <class Sum, int order>
void run_predictor(const FlacPredictor& predictor, int64_t count, int32_t* samples) {
  using Word = std::make_unsigned_t<Sum>;
  std::array<Word, order> coefficients;
  for (int j = 0; j < order; ++j)
    coefficients[static_cast<size_t>(j)] = static_cast<Word>(static_cast<Sum>(predictor.coefficients[j]));
  const int shift = predictor.shift;
  int64_t i = predictor.order;
  auto last = static_cast<Word>(static_cast<Sum>(samples[i - 1]));
  for (; i < count; ++i) {
    Word sum = 0;
#pragma GCC unroll 32
    for (int j = order - 1; j > 0; --j)
      sum += coefficients[static_cast<size_t>(j)] * static_cast<Word>(static_cast<Sum>(samples[i - 1 - j]));
    sum += coefficients[0] * last;
    const auto sample = static_cast<int32_t>(static_cast<uint32_t>(static_cast<Sum>(sum) >> shift) +
                                             static_cast<uint32_t>(samples[i]));
    samples[i] = sample;
    last = static_cast<Word>(static_cast<Sum>(sample));
  }
}

template <class Sum>
void predict_with(const FlacPredictor& predictor, int64_t count, int32_t* samples) {
  using Run = void (*)(const FlacPredictor&, int64_t, int32_t*);
  constexpr std::array<Run, 12> kRuns{run_predictor<Sum, 1>,  run_predictor<Sum, 2>,  run_predictor<Sum, 3>,
                                      run_predictor<Sum, 4>,  run_predictor<Sum, 5>,  run_predictor<Sum, 6>,
                                      run_predictor<Sum, 7>,  run_predictor<Sum, 8>,  run_predictor<Sum, 9>,
                                      run_predictor<Sum, 10>, run_predictor<Sum, 11>, run_predictor<Sum, 12>};
  if (predictor.order == 0) return;
  if (predictor.order <= 12)
    return kRuns[static_cast<size_t>(predictor.order - 1)](predictor, count, samples);
  // Coefficients behind the last are zero, as is what lies in front of the samples.
  if (predictor.order <= 16) return run_predictor<Sum, 16>(predictor, count, samples);
  if (predictor.order <= 24) return run_predictor<Sum, 24>(predictor, count, samples);
  run_predictor<Sum, 32>(predictor, count, samples);
}

}  // namespace

FlacPredictor fixed_predictor(int64_t order) {
  constexpr std::array<std::array<int32_t, 4>, 5> kFixed{{{}, {1}, {2, -1}, {3, -3, 1}, {4, -6, 4, -1}}};
  FlacPredictor predictor{.order = order, .precision = 4};
  for (size_t j = 0; j < 4; ++j) predictor.coefficients[j] = kFixed[static_cast<size_t>(order)][j];
  return predictor;
}

void predict(const FlacPredictor& predictor, int width, int64_t count, int32_t* samples) {
  const int terms = std::bit_width(static_cast<uint64_t>(predictor.order));
  if (width + predictor.precision + terms <= 32) {
    predict_with<int32_t>(predictor, count, samples);
  } else {
    predict_with<int64_t>(predictor, count, samples);
  }
}

}  // namespace d2v
