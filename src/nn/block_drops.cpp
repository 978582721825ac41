#include "block_drops.h"

#include <algorithm>

#include "dropout_stream.h"

namespace d2v {

namespace {
// f(row, token of the row, tokens, x) for each row that the range touches.
template <class T, class F>
void for_rows(T* x, const TokenRange& range, F&& f) {
  for (int64_t done = 0; done < range.tokens;) {
    const int64_t token = range.first + done, row = token / range.length, in_row = token % range.length;
    const int64_t tokens = std::min(range.tokens - done, range.length - in_row);
    f(static_cast<size_t>(row), in_row, tokens, x + done * range.width);
    done += tokens;
  }
}
}  // namespace

BlockDrops block_drops(const ModelConfig& config, double drop_path_rate, const std::vector<RngKey>& keys,
                       uint32_t index) {
  if (keys.empty()) return {};
  return {config.attention_dropout,
          config.encoder_dropout,
          config.activation_dropout,
          config.post_mlp_dropout,
          drop_path_rate,
          index,
          keys};
}

template <class T>
void drop_tokens(T* x, const TokenRange& range, double rate, const BlockDrops& drops, BlockSite place) {
  if (rate == 0) return;
  for_rows(x, range, [&](size_t row, int64_t token, int64_t tokens, T* part) {
    drop_stream(dropout_key(drops.keys[row], drops.site(place)), rate, token * range.width, part,
                tokens * range.width);
  });
}

template <class T>
void drop_paths(T* x, const TokenRange& range, const BlockDrops& drops, BlockSite place) {
  if (drops.path == 0) return;
  for_rows(x, range, [&](size_t row, int64_t, int64_t tokens, T* part) {
    const T factor = static_cast<T>(drop_path_factor(drops.keys[row], drops.path, drops.site(place)));
    for (int64_t i = 0; i < tokens * range.width; ++i) part[i] *= factor;
  });
}

template void drop_tokens(float*, const TokenRange&, double, const BlockDrops&, BlockSite);
template void drop_tokens(double*, const TokenRange&, double, const BlockDrops&, BlockSite);
template void drop_paths(float*, const TokenRange&, const BlockDrops&, BlockSite);
template void drop_paths(double*, const TokenRange&, const BlockDrops&, BlockSite);

}  // namespace d2v
