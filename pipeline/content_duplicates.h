// Files of equal content. Private to the pipeline.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace d2v {

// A list of things with bytes.
struct Contents {
  size_t count = 0;
  std::function<std::optional<uint64_t>(size_t)> size;      // empty: unknown, it stays
  std::function<void(size_t, std::vector<uint8_t>&)> read;  // may throw DataError: it stays
};

// Which of them have the bytes of an earlier one. Only those of equal size are read.
std::vector<char> repeated_contents(const Contents& contents);

// Removes items[i] where drop[i]; returns how many.
template <class T>
int64_t drop_marked(std::vector<T>& items, const std::vector<char>& drop) {
  size_t kept = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    if (drop[i]) continue;
    if (kept != i) items[kept] = std::move(items[i]);
    ++kept;
  }
  const auto dropped = static_cast<int64_t>(items.size() - kept);
  items.resize(kept);
  return dropped;
}

}  // namespace d2v
