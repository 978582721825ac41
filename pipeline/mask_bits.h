// Masks as bit sets, and the drawing of each kind into them. Private to the pipeline.
#pragma once

#include <cstdint>

#include "d2v/pipeline/masks.h"
#include "mask_random.h"

namespace d2v {

// Sets the bits [first, first + count), count from 1 to 64. Touches the word after the last bit's too.
inline void set_run(uint64_t* words, int64_t first, int64_t count) {
  const uint64_t run = ~uint64_t{0} >> (64 - count);
  const int shift = static_cast<int>(first & 63);
  words[first >> 6] |= run << shift;
  words[(first >> 6) + 1] |= run >> 1 >> (63 - shift);
}

// Sets (or clears) `count` random bits out of those that are not so yet: uniform without replacement.
template <bool Value>
void change_random_bits(uint64_t* words, int64_t positions, int64_t count, MaskRandom& random) {
  while (count > 0) {
    const uint32_t at = random.below(static_cast<uint32_t>(positions));
    const uint64_t bit = uint64_t{1} << (at & 63);
    uint64_t& word = words[at >> 6];
    const bool changes = ((word & bit) != 0) != Value;
    if constexpr (Value) {
      word |= bit;
    } else {
      word &= ~bit;
    }
    count -= changes;
  }
}

// What each kind draws before its count is corrected, as set bits. `words` has room for all positions and one word more,
// all clear.
void draw_blocks(const MaskPlan& plan, MaskRandom& random, uint64_t* words);
void draw_spans(const MaskPlan& plan, MaskRandom& random, MaskScratch& scratch, uint64_t* words);
void draw_rectangles(const MaskPlan& plan, MaskRandom& random, uint64_t* words);

}  // namespace d2v
