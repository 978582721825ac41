#include "d2v/eval/folder_pictures.h"

#include <set>

#include <ATen/ATen.h>

#include "d2v/base/check.h"
#include "tiny_model.h"

#include "doctest.h"

using namespace d2v;

namespace {

Config config_of(const std::filesystem::path& pictures) {
  Config config = test::tiny_config();
  config.data.path = pictures.string();
  config.probe.batch = 4;
  return config;
}

}  // namespace

TEST_CASE("every picture comes once, in order, with its label") {
  const test::ScratchFolder scratch("pictures");
  test::make_up_pictures(scratch.path, 5);
  const Config config = config_of(scratch.path);
  const ImageSource source = scan_images(scratch.path, config.data);
  const Pictures pictures = folder_pictures(source, config);
  CHECK(at::equal(pictures.labels, at::tensor({0, 0, 0, 0, 0, 1, 1, 1, 1, 1}, at::kLong)));
  std::vector<int64_t> seen;
  pictures.each_batch([&](const std::vector<int64_t>& rows, const at::Tensor& pixels) {
    CHECK(pixels.sizes() == at::IntArrayRef({static_cast<int64_t>(rows.size()), 3, 16, 16}));
    seen.insert(seen.end(), rows.begin(), rows.end());
  });
  CHECK(seen == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("parts made by key share no picture and hold every class") {
  const test::ScratchFolder scratch("split");
  test::make_up_pictures(scratch.path, 40);
  const ProbeFolder folder = probe_folder(config_of(scratch.path));
  CHECK(folder.train.size() + folder.valid.size() + folder.test.size() == 80);
  std::set<uint64_t> ids;
  for (const ImageSource* part : {&folder.train, &folder.valid, &folder.test}) {
    std::set<int32_t> classes;
    for (const ImageSample& sample : part->samples) ids.insert(sample.id), classes.insert(sample.label);
    CHECK(classes.size() == 2);
  }
  CHECK(ids.size() == 80);
  CHECK(folder.splits().classes == std::vector<std::string>{"blue", "red"});
}

TEST_CASE("the user's own parts are kept, and probe.max_train limits training only") {
  const test::ScratchFolder scratch("parts");
  for (const char* part : {"train", "val", "test"}) test::make_up_pictures(scratch.path / part, 6);
  Config config = config_of(scratch.path);
  config.probe.max_train = 5;
  const ProbeFolder folder = probe_folder(config);
  CHECK(folder.train.size() == 5);
  CHECK(folder.valid.size() == 12);
  CHECK(folder.test.size() == 12);
  CHECK(folder.test.samples[0].path.starts_with("test/"));
}

TEST_CASE("pictures without classes are an error that says how to sort them") {
  const test::ScratchFolder scratch("no_classes");
  test::make_up_pictures(scratch.path / "one", 3);
  std::filesystem::rename(scratch.path / "one" / "red", scratch.path / "only");
  CHECK_THROWS_WITH_AS(probe_folder(config_of(scratch.path / "only")), doctest::Contains("one per class"),
                       DataError);
  CHECK_THROWS_AS(probe_folder(config_of(scratch.path / "nowhere")), DataError);
  CHECK_THROWS_WITH_AS(probe_folder(config_of("")), doctest::Contains("--data.path"), UsageError);
}
