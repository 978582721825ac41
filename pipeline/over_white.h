// Decoded pixels of any channels to RGB. Private to the pipeline.
#pragma once

#include <cstdint>

namespace d2v {

// Gray or colour, with or without alpha; alpha over white: (v·a + 255·(255-a)) / 255, rounded.
template <int Channels>
void to_rgb(const uint8_t* in, uint8_t* out, int64_t count) {
  constexpr bool kGray = Channels < 3, kAlpha = Channels % 2 == 0;
  for (int64_t i = 0; i < count; ++i, in += Channels, out += 3) {
    for (int c = 0; c < 3; ++c) {
      const unsigned value = in[kGray ? 0 : c];
      if constexpr (kAlpha) {
        const unsigned alpha = in[Channels - 1];
        out[c] = static_cast<uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
      } else {
        out[c] = static_cast<uint8_t>(value);
      }
    }
  }
}

}  // namespace d2v
