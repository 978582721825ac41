// Several sources by weight: the grammar, what an epoch of a mix is, ids, and the way through the loader.
#include "d2v/pipeline/mixed_source.h"

#include <algorithm>
#include <map>
#include <set>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"
#include "d2v/pipeline/plan.h"
#include "d2v/pipeline/sources.h"
#include "loader_support.h"

#include "doctest.h"

using namespace d2v;
using namespace d2v::test;

namespace {

using Pair = std::pair<uint32_t, uint32_t>;

// Rows and occurrences of one epoch, in order.
std::vector<Pair> draws_of(Plan& plan, int64_t epoch) {
  std::vector<Pair> draws;
  const int64_t updates = plan.updates_per_epoch();
  for (int64_t u = epoch * updates; u < (epoch + 1) * updates; ++u) {
    for (int64_t part = 0; part < plan.parts_of(u); ++part) {
      const Slice slice = plan.slice(u, part);
      for (size_t i = 0; i < slice.rows.size(); ++i) draws.emplace_back(slice.rows[i], slice.occurrences[i]);
    }
  }
  return draws;
}

PlanSettings mix_of(std::vector<SourceShare> shares, int64_t batch = 1) {
  PlanSettings settings{.batch = batch, .drop_last = false, .seed = 11};
  for (const SourceShare& share : shares) settings.samples += share.count;
  settings.shares = std::move(shares);
  return settings;
}

std::string usage(const std::string& text) {
  return message_of<UsageError>([&] { parse_sources(text); });
}

}  // namespace

TEST_CASE("paths and weights; paths may hold colons and commas") {
  const auto paths = parse_sources(" a/b:0.7 , c, d/e:f:0.2,s3:3:1e-1,synthetic:samples=9/classes=3:5");
  REQUIRE(paths.size() == 4);
  CHECK(paths[0].path == "a/b");
  CHECK(paths[0].weight == 0.7);
  CHECK(paths[1].path == "c, d/e:f");
  CHECK(paths[2].path == "s3:3");
  CHECK(paths[2].weight == 0.1);
  CHECK(paths[3].path == "synthetic:samples=9/classes=3");
  CHECK(contains(usage("a, b"), "found no weight in 'a, b'"));
  CHECK(contains(usage("a:1, b"), "found no weight in 'b'"));
  CHECK(contains(usage(":1"), "found no weight"));
  CHECK(contains(usage("a:0"), "a: expected a weight above 0, found 0"));
  CHECK(contains(usage("a:-1"), "above 0"));
  CHECK(contains(usage("a:inf"), "above 0"));
  CHECK(contains(usage(" "), "expected PATH:WEIGHT"));
}

TEST_CASE("an epoch has as many samples as all sources, each source its share of them") {
  Plan plan(mix_of({{0, 100, 1}, {100, 300, 3}, {400, 50, 4}}));
  REQUIRE(plan.updates_per_epoch() == 450);
  for (int64_t epoch = 0; epoch < 4; ++epoch) {
    std::array<int, 3> counts{};
    for (const auto& [row, occurrence] : draws_of(plan, epoch)) ++counts[row < 100 ? 0 : row < 400 ? 1 : 2];
    CHECK(counts[0] + counts[1] + counts[2] == 450);
    CHECK(std::abs(counts[0] - 56) <= 1);
    CHECK(std::abs(counts[1] - 169) <= 1);
    CHECK(counts[2] == 225);
  }
}

TEST_CASE("each source is drawn without replacement through its own epochs, whatever the mix's epochs") {
  Philox random({.seed = 3});
  for (int round = 0; round < 30; ++round) {
    std::vector<SourceShare> shares;
    uint32_t rows = 0;
    for (uint32_t s = 0; s < 2 + random.below(3); ++s) {
      shares.push_back({rows, 5 + random.below(40), 1.0 + random.below(9)});
      rows += shares.back().count;
    }
    Plan plan(mix_of(shares));
    std::vector<std::map<uint32_t, int>> seen(shares.size());
    for (int64_t epoch = 0; epoch < 12; ++epoch) {
      std::map<uint32_t, uint32_t> here;
      std::vector<Pair> draws = draws_of(plan, epoch);
      std::sort(draws.begin(), draws.end());
      for (const auto& [row, occurrence] : draws) {
        CHECK(occurrence == here[row]++);  // 0, 1, … of each row
        size_t s = 0;
        while (s + 1 < shares.size() && row >= shares[s + 1].first) ++s;
        ++seen[s][row];
      }
      // At any end of an epoch no row of a source is more than one draw ahead of another.
      for (size_t s = 0; s < shares.size(); ++s) {
        int least = 1 << 20, most = 0;
        for (uint32_t row = shares[s].first; row < shares[s].first + shares[s].count; ++row) {
          least = std::min(least, seen[s][row]);
          most = std::max(most, seen[s][row]);
        }
        CHECK(most - least <= 1);
      }
    }
  }
}

TEST_CASE("the update number is the whole position of a mix too; epochs and seeds have orders of their own") {
  PlanSettings settings = mix_of({{0, 30, 1}, {30, 17, 5}}, 4);
  settings.accumulate = 2;
  Plan forwards(settings), backwards(settings);
  std::vector<std::vector<Pair>> seen;
  for (int64_t epoch = 0; epoch < 6; ++epoch) seen.push_back(draws_of(forwards, epoch));
  for (int64_t epoch = 5; epoch >= 0; --epoch) CHECK(draws_of(backwards, epoch) == seen[epoch]);
  CHECK(seen[0] != seen[1]);
  settings.seed = 12;
  Plan other(settings);
  CHECK(draws_of(other, 0) != seen[0]);
  // Sources are mixed within an epoch, not behind one another.
  const auto first =
      std::find_if(seen[0].begin(), seen[0].end(), [](const Pair& d) { return d.first >= 30; });
  const auto last =
      std::find_if(seen[0].rbegin(), seen[0].rend(), [](const Pair& d) { return d.first < 30; });
  CHECK(first - seen[0].begin() < 15);
  CHECK(last - seen[0].rbegin() < 30);
}

TEST_CASE("batches by length of a mix: as many updates in every epoch, none above the limit, shares kept") {
  PlanSettings settings = mix_of({{0, 200, 1}, {200, 100, 3}});
  Philox random({.seed = 4});
  for (int i = 0; i < 300; ++i) settings.lengths.push_back(100 + random.below(900));
  settings.batch_length = 5000;
  Plan plan(settings);
  std::map<uint32_t, int> seen;
  for (int64_t epoch = 0; epoch < 8; ++epoch) {
    int second = 0, all = 0;
    for (int64_t u = epoch * plan.updates_per_epoch(); u < (epoch + 1) * plan.updates_per_epoch(); ++u) {
      const Slice slice = plan.slice(u, 0);
      CHECK(slice.epoch == epoch);
      CHECK(slice.shape.samples * slice.shape.length <= 5000);
      for (const uint32_t row : slice.rows) {
        ++seen[row];
        ++all;
        second += row >= 200;
      }
    }
    CHECK(all == 300);
    CHECK(second == 225);
  }
  for (uint32_t row = 0; row < 300; ++row) CHECK(seen[row] > 0);
}

TEST_CASE("a weight too small for one sample of an epoch is refused") {
  CHECK(contains(message_of<UsageError>([] {
                   Plan plan(mix_of({{0, 10, 1}, {10, 10, 1e-6}}));
                 }),
                 "gives it not one of the 20 samples of an epoch"));
}

TEST_CASE("data.sources: rows, ids and names of all parts; equal files in two of them have different ids") {
  const TemporaryFolder a, b;
  write_classes(a.path(), 1, 4);
  write_classes(b.path(), 1, 6);
  Config config;
  config.data.sources = fmt::format("{}:1, {}:3", a.path().string(), b.path().string());
  const DataSources sources = open_sources(config);
  const auto& mix = dynamic_cast<const MixedSource&>(*sources.train);
  REQUIRE(mix.size() == 10);
  CHECK(mix.place(3) == std::pair<size_t, uint32_t>(0, 3));
  CHECK(mix.place(4) == std::pair<size_t, uint32_t>(1, 0));
  CHECK(mix.name(4) == (b.path() / "a/0.ppm").string());
  std::set<uint64_t> ids;
  for (uint32_t row = 0; row < 10; ++row) ids.insert(mix.id(row));
  CHECK(ids.size() == 10);
  CHECK(contains(mix.describe(), "10 pictures of 2 sources\n  25.0% from 4 pictures"));
  const std::string identity = source_identity(mix);
  config.data.sources = fmt::format("{}:1, {}:2", a.path().string(), b.path().string());
  CHECK(source_identity(*open_sources(config).train) != identity);
  config.data.path = a.path().string();
  CHECK(contains(message_of<UsageError>([&] { open_sources(config); }), "are both given"));
}

TEST_CASE("the stream of a mix: any number of threads, any start, occurrences with crops of their own") {
  Config config;
  config.data.sources = "synthetic:samples=12/side=24:1, synthetic:samples=5/side=24/seed=1:4";
  const DataSources sources = open_sources(config);
  LoaderSettings settings = small_settings();
  settings.data.batch = 4;
  settings.last_update = 14;
  const auto one = read_all(*sources.train, settings);
  REQUIRE(one.size() == 14);
  settings.threads = 4;
  CHECK(read_all(*sources.train, settings) == one);
  settings.first_update = 9;
  CHECK(read_all(*sources.train, settings) == std::vector<Seen>(one.begin() + 9, one.end()));
  // A sample that comes again in an epoch is cropped and masked anew.
  std::map<std::pair<int64_t, uint64_t>, std::set<std::vector<float>>> inputs;
  std::map<std::pair<int64_t, uint64_t>, std::set<uint32_t>> occurrences;
  int again = 0;
  for (const Seen& seen : one) {
    for (int64_t i = 0; i < seen.samples; ++i) {
      again += seen.refs[i].occurrence > 0;
      const std::pair key(seen.epoch, seen.refs[i].id);
      CHECK(occurrences[key].insert(seen.refs[i].occurrence).second);
      inputs[key].insert({seen.input.begin() + i * 768, seen.input.begin() + (i + 1) * 768});
    }
  }
  for (const auto& [key, of] : inputs) CHECK(of.size() == occurrences[key].size());
  CHECK(again > 10);
}

TEST_CASE("a share is held out of each source; held-out data is read once whatever the weights") {
  Config config;
  config.data.sources = "synthetic:samples=20/classes=1:1, synthetic:samples=40/classes=1/seed=1:9";
  config.data.valid = "10%";
  const DataSources sources = open_sources(config);
  CHECK(sources.train->size() == 54);
  REQUIRE(sources.valid);
  CHECK(sources.valid->size() == 6);
  LoaderSettings settings = small_settings();
  settings.mode = LoaderMode::evaluate;
  std::vector<uint64_t> ids;
  for (const Seen& seen : read_all(*sources.valid, settings))
    for (const SampleRef& ref : seen.refs) ids.push_back(ref.id);
  CHECK(ids.size() == 6);
  CHECK(std::set(ids.begin(), ids.end()).size() == 6);
  config.data.valid = "synthetic:samples=7";
  CHECK(open_sources(config).valid->size() == 7);
}

TEST_CASE("sources of different vocabularies are not mixed, nor is one trained on and another held out") {
  Config config;
  config.model.modality = Modality::text;
  config.text.block = 16;
  config.data.sources = "synthetic:vocabulary=100:1, synthetic:vocabulary=200:1";
  CHECK(contains(message_of<DataError>([&] { open_sources(config); }), "another vocabulary (200 tokens"));
  config.data.sources = "synthetic:vocabulary=100:1, synthetic:vocabulary=100/seed=1:1";
  CHECK(open_sources(config).vocabulary.size == 100);
  config.data.valid = "synthetic:vocabulary=200/samples=5";
  CHECK(contains(message_of<DataError>([&] { open_sources(config); }),
                 "data.valid: synthetic:vocabulary=200/samples=5 has another vocabulary (200 tokens"));
  config.data.valid = "synthetic:vocabulary=100/samples=5";
  CHECK(open_sources(config).valid->size() == 5);
}
