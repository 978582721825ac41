#include "d2v/pipeline/image_splits.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"

namespace d2v {
namespace {

struct SplitGroup {
  uint64_t key;  // place in a random order
  std::vector<uint32_t> rows;
};

// Takes about `share` of `rows` out of them, whole groups, class by class.
std::vector<uint32_t> take_out(const ImageSource& source, std::vector<uint32_t>& rows, double share,
                               uint64_t seed, Split part) {
  if (share <= 0) return {};
  // A group belongs to the class of its first picture, should copies lie in several.
  std::map<uint64_t, SplitGroup> groups;
  for (const uint32_t row : rows) groups[source.samples[row].group].rows.push_back(row);
  std::map<int32_t, std::vector<SplitGroup*>> classes;
  for (auto& [id, group] : groups) {
    group.key =
        Philox({.seed = seed, .stream = Stream::split, .step = static_cast<uint64_t>(part), .sample = id})
            .next64();
    classes[source.samples[group.rows.front()].label].push_back(&group);
  }
  std::vector<uint32_t> taken;
  for (auto& [label, members] : classes) {
    std::sort(members.begin(), members.end(), [](const SplitGroup* a, const SplitGroup* b) {
      return a->key != b->key ? a->key < b->key : a->rows.front() < b->rows.front();
    });
    size_t total = 0;
    for (const SplitGroup* group : members) total += group->rows.size();
    const auto wanted = static_cast<size_t>(static_cast<double>(total) * share + 0.5);
    size_t got = 0;
    for (const SplitGroup* group : members) {
      // A group goes over when that brings the class closer to its share than leaving it.
      if (got + group->rows.size() / 2 >= wanted && got + group->rows.size() > wanted) continue;
      if (got >= wanted) break;
      taken.insert(taken.end(), group->rows.begin(), group->rows.end());
      got += group->rows.size();
    }
  }
  std::sort(taken.begin(), taken.end());
  std::vector<uint32_t> rest;
  std::set_difference(rows.begin(), rows.end(), taken.begin(), taken.end(), std::back_inserter(rest));
  rows = std::move(rest);
  return taken;
}

}  // namespace

double held_out_share(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size() - 1;
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  check<UsageError>(error == std::errc{} && stop == end && value > 0 && value <= 50,
                    "data.valid: expected a folder or a share above 0% and up to 50%, found {}", text);
  return value / 100;
}

ImageSplits split_source(const ImageSource& source, double valid_share, double test_share, uint64_t seed) {
  ImageSplits splits;
  for (uint32_t row = 0; row < source.size(); ++row) {
    switch (source.samples[row].split) {
      case Split::valid:
        splits.valid.push_back(row);
        break;
      case Split::test:
        splits.test.push_back(row);
        break;
      default:
        splits.train.push_back(row);
    }
  }
  if (splits.test.empty()) splits.test = take_out(source, splits.train, test_share, seed, Split::test);
  if (splits.valid.empty()) splits.valid = take_out(source, splits.train, valid_share, seed, Split::valid);
  check<UsageError>(
      !splits.train.empty(),
      "{}: none of the {} are left to train on after {} for validation and {} for the test; lower "
      "probe.valid_share and probe.test_share or add some",
      source.root.string(), samples_word(source.kind), splits.valid.size(), splits.test.size());
  return splits;
}

PretrainSources pretrain_sources(const DataConfig& config, uint64_t seed, const ScanFolder& scan) {
  FolderSource all = scan(config.path, config);
  std::vector<uint32_t> train;
  for (uint32_t row = 0; row < all.size(); ++row) {
    const Split split = all.samples[row].split;
    if (split == Split::none || split == Split::train) train.push_back(row);
  }
  PretrainSources sources;
  if (config.valid.ends_with('%')) {
    const std::vector<uint32_t> valid =
        take_out(all, train, held_out_share(config.valid), seed, Split::valid);
    check<UsageError>(
        !valid.empty() && !train.empty(),
        "data.valid: {} of {} {} leaves {} to train on and {} held out; change the share or give a "
        "folder",
        config.valid, all.size(), samples_word(all.kind), train.size(), valid.size());
    sources.valid = subset(all, valid);
  } else if (!config.valid.empty()) {
    DataConfig held_out = config;
    held_out.min_class_files = 1;
    sources.valid = scan(config.valid, held_out);
  }
  sources.train = subset(all, train);
  return sources;
}

}  // namespace d2v
