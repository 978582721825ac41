// Linear prediction of FLAC (RFC 9639, sections 9.2.5 and 9.2.6). Private to the pipeline.
#pragma once

#include <array>
#include <cstdint>

namespace d2v {

// So many zeros lie in front of the samples that are predicted.
inline constexpr int64_t kFlacHistory = 32;

struct FlacPredictor {
  int64_t order = 0;  // up to kFlacHistory
  int precision = 0;  // bits of a coefficient
  int shift = 0;
  std::array<int32_t, kFlacHistory>
      coefficients{};  // of the sample before, the one before that, …; zeros behind
};

// The fixed ones, of order 0 to 4.
FlacPredictor fixed_predictor(int64_t order);

// samples[order], … are residuals and become samples, of `width` bits each. Sums that do not fit wrap.
void predict(const FlacPredictor& predictor, int width, int64_t count, int32_t* samples);

}  // namespace d2v
