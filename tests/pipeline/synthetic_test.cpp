// Made-up data: the grammar, that a sample depends on its name alone, and its way through loader and labels.
#include "d2v/pipeline/synthetic.h"

#include <map>
#include <set>
#include <string>

#include "d2v/base/check.h"
#include "d2v/pipeline/image_reader.h"
#include "d2v/pipeline/labelled_source.h"
#include "d2v/pipeline/sources.h"
#include "loader_support.h"

#include "doctest.h"

using namespace d2v;
using namespace d2v::test;

namespace {

Config config_of(Modality modality, const std::string& path) {
  Config config;
  config.model.modality = modality;
  config.data.path = path;
  return config;
}

std::string usage(const std::string& spec, Modality modality = Modality::image) {
  return message_of<UsageError>([&] { parse_synthetic(spec, modality); });
}

std::vector<uint8_t> file_of(const SyntheticSet& set, int64_t i) {
  std::vector<uint8_t> bytes;
  set.make_file(i, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("keys and values between slashes; what is wrong is named with the nearest key") {
  const SyntheticSet set = parse_synthetic("synthetic:samples=50/classes=7/side=32/seed=3", Modality::image);
  CHECK(set.samples == 50);
  CHECK(set.classes == 7);
  CHECK(set.side == 32);
  CHECK(set.seed == 3);
  CHECK(parse_synthetic("synthetic:", Modality::text).samples == 1000);
  CHECK(parse_synthetic("synthetic:seconds=3", Modality::speech).seconds_max == 3);
  CHECK(parse_synthetic("synthetic:seconds=0.5-4", Modality::speech).seconds_max == 4);
  CHECK(contains(usage("synthetic:sample=50"), "did you mean 'samples'?"));
  CHECK(contains(usage("synthetic:seconds=3"), "no key 'seconds' for made-up pictures"));
  CHECK(contains(usage("synthetic:samples=0"), "expected a number from 1"));
  CHECK(contains(usage("synthetic:samples=1.5"), "expected a whole number"));
  CHECK(contains(usage("synthetic:samples"), "expected KEY=VALUE"));
  CHECK(contains(usage("synthetic:seconds=4-3", Modality::speech), "seconds: expected a number from 4"));
  CHECK(contains(usage("synthetic:vocabulary=3", Modality::text), "from 16"));
}

TEST_CASE("a sample depends on its name and the seed: a larger set begins with the smaller one") {
  for (const Modality modality : {Modality::image, Modality::speech}) {
    const std::string small = "synthetic:samples=6/classes=3", large = "synthetic:samples=40/classes=3";
    const SyntheticSet a = parse_synthetic(small, modality), b = parse_synthetic(large, modality),
                       c = parse_synthetic(small + "/seed=1", modality);
    std::set<std::string> different;
    for (int64_t i = 0; i < 6; ++i) {
      CHECK(file_of(a, i) == file_of(b, i));
      CHECK(file_of(a, i) != file_of(c, i));
      CHECK(a.label(i) == i % 3);
      const std::vector<uint8_t> bytes = file_of(a, i);
      different.emplace(bytes.begin(), bytes.end());
    }
    CHECK(different.size() == 6);
  }
  const SyntheticSet text = parse_synthetic("synthetic:vocabulary=100", Modality::text);
  std::vector<int64_t> tokens(200), shorter(50);
  text.make_tokens(5, tokens);
  text.make_tokens(5, shorter);
  CHECK(std::equal(shorter.begin(), shorter.end(), tokens.begin()));
  for (const int64_t token : tokens) CHECK((token >= 4 && token < 99));
}

TEST_CASE("the bytes stay the same: a run on made-up data can be compared with one of long ago") {
  const auto sum = [](const std::vector<uint8_t>& bytes) {
    return path_id({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
  CHECK(sum(file_of(parse_synthetic("synthetic:", Modality::image), 12)) == 14518710793154975116u);
  CHECK(sum(file_of(parse_synthetic("synthetic:", Modality::speech), 12)) == 16190419925873515844u);
}

TEST_CASE("pictures: classes, and the same stream for any number of threads and any start") {
  const DataSources sources =
      open_sources(config_of(Modality::image, "synthetic:samples=40/classes=4/side=24"));
  const Source& source = *sources.train;
  REQUIRE(source.size() == 40);
  CHECK(contains(source.describe(), "40 pictures in synthetic:samples=40/classes=4/side=24, 4 classes"));
  std::map<int32_t, int> counts;
  for (uint32_t row = 0; row < 40; ++row) ++counts[source.label(row)];
  CHECK(counts == std::map<int32_t, int>{{0, 10}, {1, 10}, {2, 10}, {3, 10}});
  LoaderSettings settings = small_settings();
  const auto one = read_all(source, settings);
  CHECK(one.size() == 12);
  settings.threads = 3;
  CHECK(read_all(source, settings) == one);
  settings.first_update = 7;
  CHECK(read_all(source, settings) == std::vector<Seen>(one.begin() + 7, one.end()));
}

TEST_CASE("recordings have their lengths at the wanted rate, and are decoded as files are") {
  const Config config = config_of(Modality::speech, "synthetic:samples=9/seconds=2.5-3/rate=22050");
  const DataSources sources = open_sources(config);
  REQUIRE(sources.train->size() == 9);
  std::set<int64_t> lengths;
  for (uint32_t row = 0; row < 9; ++row) lengths.insert(sources.train->length(row));
  CHECK(lengths.size() > 5);
  CHECK(*lengths.begin() >= 40000);
  CHECK(*lengths.rbegin() <= 48001);
  LoaderSettings settings = small_settings();
  settings.data.batch = 3;
  settings.last_update = 3;
  settings.mask = {.kind = MaskKind::random, .prob = 0.5, .clones = 1};
  Loader loader(*sources.train, settings);
  while (const BatchPtr batch = loader.next()) CHECK(batch->input_shape[1] >= 40000);
  CHECK(loader.bad_files().empty());
  CHECK(contains(
      message_of<DataError>([] { open_sources(config_of(Modality::speech, "synthetic:seconds=1")); }),
      "none of its 1000 recordings is at least 2.00 s long"));
}

TEST_CASE("texts: blocks to train on, labelled texts to probe; the vocabulary goes with them") {
  Config config = config_of(Modality::text, "synthetic:samples=30/classes=5/vocabulary=200");
  config.text.block = 32;
  config.data.valid = "20%";
  const DataSources sources = open_sources(config);
  CHECK(sources.vocabulary.size == 200);
  CHECK(sources.train->size() == 24);
  CHECK(sources.valid->size() == 6);
  CHECK(sources.train->length(0) == 32);
  LoaderSettings settings = small_settings();
  settings.text.block = 32;
  settings.mask = {.kind = MaskKind::random, .prob = 0.5, .clones = 1};
  settings.last_update = 2;
  Loader loader(*sources.train, settings);
  while (const BatchPtr batch = loader.next()) {
    CHECK(batch->input_shape == std::vector<int64_t>{8, 32});
    for (int64_t b = 0; b < 8; ++b) {
      CHECK(batch->tokens.data()[b * 32] == 0);
      for (int64_t t = 1; t < 32; ++t) CHECK(batch->tokens.data()[b * 32 + t] >= 4);
    }
  }
  const FolderSource labelled = open_labelled(config);
  CHECK(labelled.size() == 30);
  CHECK(labelled.classes.size() == 5);
  CHECK(labelled.texts->tokens[0].size() == 32);
  CHECK(labelled.texts->tokens[0].back() == 2);
  CHECK(labelled.texts->texts[0].starts_with("w"));
  config.text.vocabulary_size = 300;
  CHECK(contains(message_of<UsageError>([&] { open_sources(config); }), "text.vocabulary_size says 300"));
}
