#include "d2v/pipeline/masks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "d2v/base/check.h"
#include "mask_bits.h"

namespace d2v {
namespace {

// Positions of the set bits of each byte, and their number.
struct ByteTable {
  std::array<std::array<uint8_t, 8>, 256> positions{};
  std::array<uint8_t, 256> count{};
  constexpr ByteTable() {
    for (int byte = 0; byte < 256; ++byte) {
      for (int bit = 0; bit < 8; ++bit) {
        if (byte >> bit & 1) positions[byte][count[byte]++] = static_cast<uint8_t>(bit);
      }
    }
  }
};
constexpr ByteTable kBytes;

// Writes first + offsets: eight positions. Not left to the compiler: for all it knows, `next` and the table overlap.
inline void write_eight(const uint8_t* offsets, int64_t first, int64_t* next) {
#if defined(__SSE2__)
  const __m128i zero = _mm_setzero_si128(), base = _mm_set1_epi64x(first);
  const __m128i words = _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(offsets)), zero);
  const __m128i low = _mm_unpacklo_epi16(words, zero), high = _mm_unpackhi_epi16(words, zero);
  auto* out = reinterpret_cast<__m128i*>(next);
  _mm_storeu_si128(out, _mm_add_epi64(base, _mm_unpacklo_epi32(low, zero)));
  _mm_storeu_si128(out + 1, _mm_add_epi64(base, _mm_unpackhi_epi32(low, zero)));
  _mm_storeu_si128(out + 2, _mm_add_epi64(base, _mm_unpacklo_epi32(high, zero)));
  _mm_storeu_si128(out + 3, _mm_add_epi64(base, _mm_unpackhi_epi32(high, zero)));
#else
  uint8_t copy[8];
  std::memcpy(copy, offsets, 8);
  for (int i = 0; i < 8; ++i) next[i] = first + copy[i];
#endif
}

// The positions of ones and of zeros. Both lists need room for kSlack elements more.
constexpr int64_t kSlack = 8;
void list_bits(const uint64_t* words, int64_t positions, int64_t* ones, int64_t* zeros) {
  for (int64_t first = 0; first < positions; first += 8) {
    const uint64_t all = positions - first < 8 ? (1u << (positions - first)) - 1 : 0xff;
    const uint64_t byte = words[first >> 6] >> (first & 63);
    write_eight(kBytes.positions[byte & all].data(), first, ones);
    write_eight(kBytes.positions[~byte & all].data(), first, zeros);
    ones += kBytes.count[byte & all];
    zeros += kBytes.count[~byte & all];
  }
}

}  // namespace

void draw_blocks(const MaskPlan& plan, MaskRandom& random, uint64_t* words) {
  const auto columns = static_cast<uint32_t>(plan.grid.columns);
  const int64_t last_row = plan.grid.rows - 1, before = plan.block / 2, after = plan.block - before;
  const int64_t up = plan.grid.sequence ? 0 : before, down = plan.grid.sequence ? 1 : after;
  for (int64_t i = 0; i < plan.starts; ++i) {
    const uint32_t start = random.below(static_cast<uint32_t>(plan.grid.positions()));
    const int64_t row = start / columns, column = start % columns;
    const int64_t left = std::max<int64_t>(column - before, 0);
    const int64_t width = std::min<int64_t>(column + after, columns) - left;
    // Rows beyond the border fall onto the border's, so that the loop has no branch to guess.
    for (int64_t y = row - up; y < row + down; ++y) {
      set_run(words, std::clamp<int64_t>(y, 0, last_row) * columns + left, width);
    }
  }
}

namespace {

// Bits mark the kind of position that blocks cover; without blocks, the rarer kind.
bool marks_visible(const MaskPlan& plan) {
  if (plan.kind == MaskKind::random) return plan.visible <= plan.masked;
  return plan.kind == MaskKind::inverse_block;
}

// Draws before the count is corrected; returns the number of marked positions.
int64_t draw_marks(const MaskPlan& plan, MaskRandom& random, MaskScratch& scratch) {
  const int64_t positions = plan.grid.positions(), words = (positions + 63) / 64;
  scratch.bits.assign(static_cast<size_t>(words + 1), 0);
  scratch.ones.resize(static_cast<size_t>(positions + kSlack));
  scratch.zeros.resize(static_cast<size_t>(positions + kSlack));
  uint64_t* bits = scratch.bits.data();
  switch (plan.kind) {
    case MaskKind::spans:
    case MaskKind::bert:
      draw_spans(plan, random, scratch, bits);
      break;
    case MaskKind::beit:
      draw_rectangles(plan, random, bits);
      break;
    default:
      draw_blocks(plan, random, bits);
  }
  int64_t marked = 0;
  for (int64_t i = 0; i < words; ++i) marked += std::popcount(bits[i]);
  return marked;
}

}  // namespace

int64_t hidden_before_correction(const MaskPlan& plan, const RngKey& key, MaskScratch& scratch) {
  MaskRandom random(key);
  const int64_t marked = draw_marks(plan, random, scratch);
  return marks_visible(plan) ? plan.grid.positions() - marked : marked;
}

std::vector<int64_t> draw_uncorrected(const MaskPlan& plan, const RngKey& key, MaskScratch& scratch) {
  const int64_t hidden = hidden_before_correction(plan, key, scratch);
  list_bits(scratch.bits.data(), plan.grid.positions(), scratch.ones.data(), scratch.zeros.data());
  const std::vector<int64_t>& list = marks_visible(plan) ? scratch.zeros : scratch.ones;
  return {list.begin(), list.begin() + hidden};
}

void draw_mask(const MaskPlan& plan, const RngKey& key, MaskScratch& scratch, std::span<int64_t> visible,
               std::span<int64_t> masked) {
  check(static_cast<int64_t>(visible.size()) == plan.visible &&
            static_cast<int64_t>(masked.size()) == plan.masked,
        "draw_mask: expected room for {} visible and {} masked positions, found {} and {}", plan.visible,
        plan.masked, visible.size(), masked.size());
  const int64_t positions = plan.grid.positions();
  MaskRandom random(key);
  const bool visible_marked = marks_visible(plan);
  const int64_t missing = (visible_marked ? plan.visible : plan.masked) - draw_marks(plan, random, scratch);
  uint64_t* bits = scratch.bits.data();
  if (missing >= 0) {
    change_random_bits<true>(bits, positions, missing, random);
  } else {
    change_random_bits<false>(bits, positions, -missing, random);
  }
  list_bits(bits, positions, scratch.ones.data(), scratch.zeros.data());
  std::copy_n((visible_marked ? scratch.ones : scratch.zeros).data(), plan.visible, visible.data());
  std::copy_n((visible_marked ? scratch.zeros : scratch.ones).data(), plan.masked, masked.data());
}

}  // namespace d2v
