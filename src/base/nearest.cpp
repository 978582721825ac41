#include "d2v/base/nearest.h"

#include <algorithm>
#include <vector>

namespace d2v {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::string nearest_word(std::string_view word, std::span<const std::string> words) {
  constexpr size_t kLongest = 100;  // nothing that we know is longer; keeps hostile input cheap
  if (word.empty() || word.size() > kLongest) return {};
  std::string best;
  size_t best_distance = word.size() + kLongest;
  for (const std::string& candidate : words) {
    const std::string_view whole = candidate;
    size_t distance = edit_distance(word, whole);
    size_t length = std::max(word.size(), whole.size());
    if (const size_t dot = whole.rfind('.'); dot != whole.npos && word.find('.') == word.npos) {
      const std::string_view tail = whole.substr(dot + 1);
      const size_t tail_distance = edit_distance(word, tail);
      if (tail_distance < distance) {
        distance = tail_distance;
        length = std::max(word.size(), tail.size());
      }
    }
    if (distance < best_distance && distance <= std::max<size_t>(1, length / 3)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string suggestion(std::string_view word, std::span<const std::string> words) {
  const std::string near = nearest_word(word, words);
  return near.empty() ? near : "; did you mean '" + near + "'?";
}

}  // namespace d2v
