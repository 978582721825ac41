// Splits: shares per class, whole groups, stable under new files.
#include "d2v/pipeline/image_splits.h"

#include <algorithm>
#include <map>
#include <set>

#include "d2v/base/check.h"
#include "support.h"

#include "doctest.h"

using namespace d2v;
using test::contains;

namespace {

ImageSource made_source(int classes, int count, int group_size = 1) {
  ImageSource source;
  for (int label = 0; label < classes; ++label) {
    source.classes.push_back(std::string(1, static_cast<char>('a' + label)));
    for (int i = 0; i < count; ++i) {
      ImageSample sample{source.classes.back() + "/" + std::to_string(1000 + i) + ".png", 0, 0, label,
                         Split::none};
      sample.id = image_id(sample.path);
      sample.group = group_size == 1 ? sample.id : static_cast<uint64_t>(label * 1000 + i / group_size);
      source.samples.push_back(sample);
    }
  }
  return source;
}

}  // namespace

TEST_CASE("each class gives its share to each part, and nothing is lost or doubled") {
  const ImageSource source = made_source(5, 100);
  const ImageSplits splits = split_source(source, 0.25, 0.2, 1);
  CHECK(splits.test.size() == 100);
  CHECK(splits.valid.size() == 100);
  CHECK(splits.train.size() == 300);
  std::map<int32_t, int> per_class;
  for (const uint32_t row : splits.test) ++per_class[source.samples[row].label];
  for (const auto& [label, count] : per_class) CHECK(count == 20);
  std::set<uint32_t> all(splits.train.begin(), splits.train.end());
  all.insert(splits.valid.begin(), splits.valid.end());
  all.insert(splits.test.begin(), splits.test.end());
  CHECK(all.size() == 500);
}

TEST_CASE("a split depends on the seed and the paths alone") {
  const ImageSource source = made_source(3, 50);
  CHECK(split_source(source, 0.1, 0.2, 1).test == split_source(source, 0.1, 0.2, 1).test);
  CHECK(split_source(source, 0.1, 0.2, 1).test != split_source(source, 0.1, 0.2, 2).test);
}

TEST_CASE("a group of near-duplicates is never torn apart") {
  const ImageSource source = made_source(4, 90, 3);
  const ImageSplits splits = split_source(source, 0.2, 0.2, 1);
  std::map<uint64_t, std::set<int>> parts;
  int part = 0;
  for (const auto* rows : {&splits.train, &splits.valid, &splits.test}) {
    for (const uint32_t row : *rows) parts[source.samples[row].group].insert(part);
    ++part;
  }
  for (const auto& [group, where] : parts) CHECK(where.size() == 1);
  CHECK(splits.test.size() >= 4 * 15);
  CHECK(splits.test.size() <= 4 * 21);
}

TEST_CASE("the user's folders are kept; a missing part is made from train") {
  ImageSource source = made_source(2, 100);
  for (size_t i = 0; i < source.size(); ++i)
    source.samples[i].split = i % 4 == 0 ? Split::test : Split::train;
  source.split_folders = true;
  const ImageSplits splits = split_source(source, 0.2, 0.5, 1);
  CHECK(splits.test.size() == 50);
  CHECK(std::all_of(splits.test.begin(), splits.test.end(), [](uint32_t row) { return row % 4 == 0; }));
  CHECK(splits.valid.size() == 30);
  CHECK(splits.train.size() == 120);
}

TEST_CASE("nothing left to train on is an error that says what to do") {
  const ImageSource source = made_source(1, 2);
  CHECK(contains(test::message_of<UsageError>([&] { split_source(source, 0.5, 0.9, 1); }),
                 "none of the pictures are left to train on"));
}

TEST_CASE("pretraining: test folders stay out, held-out pictures are a share or a folder") {
  const test::TemporaryFolder folder;
  test::write_classes(folder.path() / "train", 2, 20);
  test::write_classes(folder.path() / "test", 2, 5);
  DataConfig config;
  config.path = folder.path();
  CHECK(pretrain_sources(config, 1).train.size() == 40);
  CHECK(pretrain_sources(config, 1).valid.size() == 0);

  config.valid = "25%";
  const PretrainSources sources = pretrain_sources(config, 1);
  CHECK(sources.valid.size() == 10);
  CHECK(sources.train.size() == 30);
  std::set<uint64_t> ids;
  for (const auto* part : {&sources.train, &sources.valid}) {
    for (const ImageSample& sample : part->samples) ids.insert(sample.id);
  }
  CHECK(ids.size() == 40);

  config.valid = (folder.path() / "test").string();
  CHECK(pretrain_sources(config, 1).valid.size() == 10);
  CHECK(pretrain_sources(config, 1).train.size() == 40);

  for (const char* wrong : {"0%", "80%", "some%", "%"}) {
    config.valid = wrong;
    CHECK(contains(test::message_of<UsageError>([&] { pretrain_sources(config, 1); }),
                   "expected a folder or a share"));
  }
}
