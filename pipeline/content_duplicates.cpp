#include "content_duplicates.h"

#include <algorithm>
#include <unordered_map>

#include "d2v/base/check.h"
#include "d2v/pipeline/folder_source.h"

namespace d2v {

std::vector<char> repeated_contents(const Contents& contents) {
  std::unordered_map<uint64_t, std::vector<size_t>> by_size;
  for (size_t i = 0; i < contents.count; ++i) {
    if (const auto size = contents.size(i)) by_size[*size].push_back(i);
  }
  std::vector<char> drop(contents.count, 0);
  std::vector<uint8_t> bytes, other;
  for (const auto& [size, rows] : by_size) {
    if (rows.size() < 2) continue;
    std::unordered_map<uint64_t, std::vector<size_t>> by_hash;  // of those that stay
    for (const size_t row : rows) {
      try {
        contents.read(row, bytes);
        auto& same = by_hash[path_id({reinterpret_cast<const char*>(bytes.data()), bytes.size()})];
        const bool equal = std::any_of(same.begin(), same.end(), [&](size_t earlier) {
          contents.read(earlier, other);
          return other == bytes;
        });
        if (equal) {
          drop[row] = 1;
        } else {
          same.push_back(row);
        }
      } catch (const DataError&) {
        continue;
      }
    }
  }
  return drop;
}

}  // namespace d2v
