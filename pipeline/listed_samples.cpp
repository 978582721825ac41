#include "listed_samples.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <unordered_map>

#include "d2v/base/check.h"

namespace d2v {
namespace {

std::optional<int64_t> whole_number(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Class names in their order, with their numbers.
std::map<std::string, int32_t> numbered(const std::map<std::string, int64_t>& counts,
                                        std::vector<std::string>& order) {
  order.clear();
  bool numbers = true;
  for (const auto& [name, count] : counts) {
    order.push_back(name);
    numbers = numbers && whole_number(name).has_value();
  }
  if (numbers) {
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return *whole_number(a) < *whole_number(b); });
  }
  std::map<std::string, int32_t> number;
  for (const std::string& name : order) number.emplace(name, static_cast<int32_t>(number.size()));
  return number;
}

void drop_small_classes(FolderSource& source, int64_t least, std::map<std::string, int64_t>& counts) {
  for (auto it = counts.begin(); it != counts.end();) {
    if (it->second >= least) {
      ++it;
      continue;
    }
    ++source.report.small_classes;
    source.report.of_small_classes += it->second;
    it = counts.erase(it);
  }
}

}  // namespace

void add_listed(FolderSource& source, std::vector<ListedSample> listed, const DataConfig& config) {
  std::sort(listed.begin(), listed.end(),
            [](const ListedSample& a, const ListedSample& b) { return a.sample.path < b.sample.path; });
  std::unordered_map<uint64_t, std::string_view> ids;
  std::map<std::string, int64_t> counts;
  for (ListedSample& one : listed) {
    one.sample.id = one.sample.group = path_id(one.sample.path);
    const auto [other, added] = ids.emplace(one.sample.id, one.sample.path);
    check<DataError>(added, "{}: {} and {} have the same id by chance; rename one of them",
                     source.root.string(), other->second, one.sample.path);
    if (!one.class_name.empty()) ++counts[one.class_name];
  }
  drop_small_classes(source, config.min_class_files, counts);
  const auto numbers = numbered(counts, source.classes);
  source.samples.clear();
  for (ListedSample& one : listed) {
    if (!one.class_name.empty()) {
      const auto number = numbers.find(one.class_name);
      if (number == numbers.end()) continue;
      one.sample.label = number->second;
    }
    source.samples.push_back(std::move(one.sample));
  }
  check<DataError>(!source.samples.empty(),
                   "{}: every class has fewer than data.min_class_files {} {}; lower it",
                   source.root.string(), config.min_class_files, samples_word(source.kind));
}

void set_classes(FolderSource& source, const std::vector<std::string>& labels) {
  std::map<std::string, int64_t> counts;
  for (const std::string& label : labels) ++counts[label];
  const auto numbers = numbered(counts, source.classes);
  for (size_t row = 0; row < labels.size(); ++row) source.samples[row].label = numbers.at(labels[row]);
}

}  // namespace d2v
