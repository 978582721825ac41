#include "counted_lengths.h"

#include <filesystem>

namespace d2v {

std::optional<CountedLengths::Key> CountedLengths::key_of(const ByteSource& source, uint64_t bytes) {
  if (source.memory) return std::nullopt;
  std::error_code error;
  const auto changed = std::filesystem::last_write_time(source.path, error);
  if (error) return std::nullopt;
  return Key{{source.path.string(), source.first}, bytes, changed.time_since_epoch().count()};
}

std::optional<int64_t> CountedLengths::find(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = lengths_.find(key.place);
  if (found == lengths_.end()) return std::nullopt;
  const Length& length = found->second;
  if (length.bytes != key.bytes || length.changed != key.changed) return std::nullopt;
  return length.samples;
}

void CountedLengths::keep(const Key& key, int64_t samples) {
  const std::lock_guard lock(mutex_);
  lengths_[key.place] = {key.bytes, key.changed, samples};
}

}  // namespace d2v
