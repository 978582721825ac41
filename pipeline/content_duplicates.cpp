#include "content_duplicates.h"

#include <algorithm>
#include <unordered_map>

#include "d2v/base/check.h"
#include "d2v/pipeline/image_reader.h"
#include "d2v/pipeline/image_source.h"

namespace fs = std::filesystem;

namespace d2v {

int64_t drop_equal_contents(const fs::path& root, std::vector<std::string>& paths) {
  std::unordered_map<uint64_t, std::vector<size_t>> by_size;
  for (size_t i = 0; i < paths.size(); ++i) {
    std::error_code error;
    const uint64_t size = fs::file_size(root / paths[i], error);
    if (!error) by_size[size].push_back(i);
  }
  std::vector<char> drop(paths.size(), 0);
  std::vector<uint8_t> bytes, other;
  for (const auto& [size, rows] : by_size) {
    if (rows.size() < 2) continue;
    std::unordered_map<uint64_t, std::vector<size_t>> by_hash;  // of those that stay
    for (const size_t row : rows) {
      try {
        read_file(root / paths[row], bytes);
        auto& same = by_hash[image_id({reinterpret_cast<const char*>(bytes.data()), bytes.size()})];
        const bool equal = std::any_of(same.begin(), same.end(), [&](size_t earlier) {
          read_file(root / paths[earlier], other);
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
  size_t kept = 0;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (drop[i]) continue;
    if (kept != i) paths[kept] = std::move(paths[i]);
    ++kept;
  }
  const auto dropped = static_cast<int64_t>(paths.size() - kept);
  paths.resize(kept);
  return dropped;
}

}  // namespace d2v
