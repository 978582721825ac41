#include "d2v/pipeline/folds.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "d2v/base/check.h"
#include "d2v/base/log.h"
#include "d2v/base/philox.h"
#include "name_pattern.h"

namespace d2v {
namespace {

constexpr size_t least_folds = 3;
constexpr uint64_t fold_step = 16;  // apart from the keys of made-up parts (image_splits.cpp)

std::string_view word_of(const FolderSource& source) {
  return source.texts ? "texts" : samples_word(source.kind);
}

struct Group {
  uint64_t key;  // place in a random order
  std::vector<uint32_t> rows;
};

// The next fold is the one with the fewest samples of this class; of these the one with the fewest at all.
size_t next_fold(const std::vector<size_t>& of_class, const std::vector<size_t>& of_all) {
  size_t best = 0;
  for (size_t f = 1; f < of_all.size(); ++f)
    if (std::tie(of_class[f], of_all[f]) < std::tie(of_class[best], of_all[best])) best = f;
  return best;
}

// What the expression finds in each name or, where it misses one, in each path; the first miss there is an error.
std::vector<std::string> groups_of(const FolderSource& source, const std::string& pattern) {
  const std::regex expression = name_pattern(pattern, "leave-out", "group", "_([a-z]+)_");
  std::vector<std::string> groups;
  for (const FolderSample& sample : source.samples)
    groups.push_back(found_in(std::filesystem::path(sample.path).filename().string(), expression));
  if (std::find(groups.begin(), groups.end(), "") == groups.end()) return groups;
  groups.clear();
  for (const FolderSample& sample : source.samples) {
    groups.push_back(found_in(sample.path, expression));
    check<DataError>(!groups.back().empty(), "--leave-out '{}': finds no group in the path '{}' ({})",
                     pattern, sample.path, source.root.string());
  }
  return groups;
}

void check_classes(const FolderSource& source, const Folds& folds, const std::string& pattern) {
  std::map<int32_t, std::set<uint32_t>> folds_of;
  for (uint32_t row = 0; row < source.size(); ++row)
    folds_of[source.samples[row].label].insert(folds.of[row]);
  std::string first;
  size_t alone = 0;
  for (const auto& [label, in] : folds_of) {
    if (in.size() > 1) continue;
    const std::string name = label < 0 ? "" : source.classes[static_cast<size_t>(label)];
    if (++alone == 1) first = fmt::format("'{}', of {}", name, folds.names[*in.begin()]);
  }
  check<DataError>(alone < folds_of.size(),
                   "--leave-out '{}': each class lies in one group, so that none of those left out could be "
                   "found; expected groups that are not the classes",
                   pattern);
  if (alone > 0)
    log_warning(
        "{} of {} classes lie in one group only (the first: {}) and cannot be found where it is left out",
        alone, folds_of.size(), first);
}

}  // namespace

Folds stratified_folds(const FolderSource& source, int64_t count, uint64_t seed) {
  check<UsageError>(count >= static_cast<int64_t>(least_folds),
                    "--folds {}: expected at least {}: one is tested, one chooses settings, the others train",
                    count, least_folds);
  // A group belongs to the class of its first sample, should copies lie in several.
  std::map<uint64_t, Group> groups;
  for (uint32_t row = 0; row < source.size(); ++row) groups[source.samples[row].group].rows.push_back(row);
  std::map<int32_t, std::vector<const Group*>> classes;
  for (auto& [id, group] : groups) {
    group.key = Philox({.seed = seed, .stream = Stream::split, .step = fold_step, .sample = id}).next64();
    classes[source.samples[group.rows.front()].label].push_back(&group);
  }
  const auto folds_wanted = static_cast<size_t>(count);
  Folds folds;
  folds.of.resize(source.size());
  for (size_t f = 1; f <= folds_wanted; ++f) folds.names.push_back(std::to_string(f));
  std::vector<size_t> of_all(folds_wanted);
  for (auto& [label, members] : classes) {
    check<DataError>(
        members.size() >= folds_wanted,
        "--folds {}: the class '{}' has only {} {} (near-duplicates count once); give fewer folds, "
        "more data, or a higher --data.min_class_files",
        count, label < 0 ? "" : source.classes[static_cast<size_t>(label)], members.size(), word_of(source));
    std::sort(members.begin(), members.end(), [](const Group* a, const Group* b) {
      return a->key != b->key ? a->key < b->key : a->rows.front() < b->rows.front();
    });
    std::vector<size_t> of_class(folds_wanted);
    for (const Group* group : members) {
      const size_t fold = next_fold(of_class, of_all);
      of_class[fold] += group->rows.size();
      of_all[fold] += group->rows.size();
      for (const uint32_t row : group->rows) folds.of[row] = static_cast<uint32_t>(fold);
    }
  }
  return folds;
}

Folds folds_by_name(const FolderSource& source, const std::string& pattern) {
  check<UsageError>(!source.texts,
                    "--leave-out is for files; texts of a table have no names: give --folds N");
  const std::vector<std::string> groups = groups_of(source, pattern);
  const std::set<std::string> names(groups.begin(), groups.end());
  check<DataError>(names.size() >= least_folds,
                   "--leave-out '{}': expected at least {} groups (one is tested, one chooses settings, the "
                   "others train), found {}: {}",
                   pattern, least_folds, names.size(), fmt::format("{}", fmt::join(names, ", ")));
  Folds folds{{names.begin(), names.end()}, {}};
  for (const std::string& group : groups) {
    const auto at = std::lower_bound(folds.names.begin(), folds.names.end(), group);
    folds.of.push_back(static_cast<uint32_t>(at - folds.names.begin()));
  }
  check_classes(source, folds, pattern);
  return folds;
}

ImageSplits fold_split(const Folds& folds, size_t tested) {
  const size_t chosen_on = (tested + 1) % folds.names.size();
  ImageSplits splits;
  for (uint32_t row = 0; row < folds.of.size(); ++row) {
    const size_t fold = folds.of[row];
    (fold == tested ? splits.test : fold == chosen_on ? splits.valid : splits.train).push_back(row);
  }
  return splits;
}

}  // namespace d2v
