// The two inner loops of the resize, exact in int32; AVX2 where the processor has it. Private to the pipeline.
#pragma once

#include <cstdint>

#include "resize_taps.h"

namespace d2v {

// One row (width pixels of 3 bytes) through the taps: taps.first.size() pixels into `out`.
void resize_row(const uint8_t* row, int64_t width, const Taps& taps, uint8_t* out);

// Weighted sum of `count` rows of `bytes` bytes, `stride` bytes apart.
void blend_rows(const uint8_t* rows, int64_t stride, int64_t bytes, const int32_t* weights, int64_t count,
                uint8_t* out);

// The plain loops, which the others must equal.
namespace plain {
void resize_row(const uint8_t* row, int64_t width, const Taps& taps, uint8_t* out);
void blend_rows(const uint8_t* rows, int64_t stride, int64_t bytes, const int32_t* weights, int64_t count,
                uint8_t* out);
}  // namespace plain

}  // namespace d2v
