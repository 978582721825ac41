// The places of one transformer block where something is dropped, and what is dropped there.
#pragma once

#include <cstdint>
#include <vector>

#include "d2v/base/config/model.h"
#include "d2v/base/philox.h"

namespace d2v {

enum class BlockSite : uint32_t {
  attention_softmax,
  attention_output,
  activation,
  ffn_output,
  ffn_residual,
  path1,
  path2,
  count
};

// Rates of one block in one pass; all 0 without keys.
struct BlockDrops {
  double softmax = 0, attention = 0, activation = 0, residual = 0, path = 0;
  uint32_t index = 0;          // of the block in the network
  std::vector<RngKey> keys{};  // one per row

  uint32_t site(BlockSite place) const {
    return index * static_cast<uint32_t>(BlockSite::count) + static_cast<uint32_t>(place);
  }
  bool on_attention_branch() const { return attention > 0 || path > 0; }
  bool on_ffn_branch() const { return activation > 0 || residual > 0 || path > 0; }
  bool any() const { return softmax > 0 || on_attention_branch() || on_ffn_branch(); }
};

BlockDrops block_drops(const ModelConfig& config, double drop_path_rate, const std::vector<RngKey>& keys,
                       uint32_t index);

// Tokens first … first + tokens of rows of `length` tokens, each of `width` elements, at x.
struct TokenRange {
  int64_t first, tokens, length, width;
};

// As `dropout` and `drop_path` of the whole (R, N, width) at a place; rate 0: nothing.
template <class T>
void drop_tokens(T* x, const TokenRange& range, double rate, const BlockDrops& drops, BlockSite place);
template <class T>
void drop_paths(T* x, const TokenRange& range, const BlockDrops& drops, BlockSite place);

}  // namespace d2v
