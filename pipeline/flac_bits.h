// Bits of FLAC, the highest of a byte first, and Rice codes. Private to the pipeline.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace d2v {

// So many zero bytes lie behind what FlacBits reads.
inline constexpr size_t kFlacSlack = 16;

class FlacBits {
 public:
  FlacBits(const uint8_t* begin, const uint8_t* end)
      : begin_(begin), at_(begin), limit_(end + 8), end_(end) {}

  // At least 56 bits at hand. Behind the end there are zeros.
  [[gnu::always_inline]] void refill() {
    uint64_t next = 0;
    std::memcpy(&next, at_, sizeof next);
    if constexpr (std::endian::native == std::endian::little) next = __builtin_bswap64(next);
    word_ |= next >> have_;
    at_ += (63 - have_) >> 3;
    if (at_ > limit_) at_ = limit_;
    have_ |= 56;
  }

  // 0 to 32 bits.
  uint32_t take(int bits) {
    refill();
    const auto value = static_cast<uint32_t>(word_ >> 1 >> (63 - bits));
    drop(bits);
    return value;
  }
  int32_t take_signed(int bits) {
    if (bits == 0) return 0;
    const uint32_t value = take(bits), sign = 1u << (bits - 1);
    return static_cast<int32_t>((value ^ sign) - sign);
  }
  // Zeros before the next one, which is taken as well.
  uint32_t take_unary() {
    for (uint32_t zeros = 0;;) {
      refill();
      if (word_ >> 8 != 0) {
        const int more = __builtin_clzll(word_);
        drop(more + 1);
        return zeros + static_cast<uint32_t>(more);
      }
      drop(56);
      zeros += 56;
      if (at_ == limit_) return zeros;
    }
  }

  // `count` Rice codes of parameter 0 to 30. `together` of them are tried with the bits at hand.
  template <int together>
  [[gnu::always_inline]] void take_rice(int parameter, int32_t* out, int64_t count) {
    FlacBits bits = *this;  // in registers
    int64_t i = 0;
    for (; i + together <= count; i += together) {
      bits.refill();
#pragma GCC unroll 4
      for (int t = 0; t < together; ++t) out[i + t] = bits.rice(parameter);
    }
    for (; i < count; ++i) {
      bits.refill();
      out[i] = bits.rice(parameter);
    }
    *this = bits;
  }

  void to_whole_byte() { drop(have_ & 7); }
  bool overran() const { return bits_taken() > (end_ - begin_) * 8; }
  int64_t bits_taken() const { return (at_ - begin_) * 8 - have_; }

 private:
  void drop(int bits) {
    word_ <<= bits;
    have_ -= bits;
  }
  [[gnu::always_inline]] int32_t rice(int parameter) {
    const int zeros = __builtin_clzll(word_ | 1), used = zeros + 1 + parameter;
    uint32_t value = 0;
    if (used <= have_) {
      const uint64_t from_one = word_ << zeros;  // its first bit is the one that ends the zeros
      value = (static_cast<uint32_t>(zeros - 1) << parameter) +
              static_cast<uint32_t>(from_one >> (63 - parameter));
      word_ = from_one << (parameter + 1);
      have_ -= used;
    } else {
      value = take_unary() << parameter;
      value |= take(parameter);
    }
    return static_cast<int32_t>(value >> 1 ^ (0u - (value & 1)));
  }

  const uint8_t *begin_, *at_, *limit_, *end_;
  // The next bits, from the highest on: have_ of them; what lies behind may be there already.
  uint64_t word_ = 0;
  int have_ = 0;
};

}  // namespace d2v
