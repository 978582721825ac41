#include "d2v/eval/probe_folds.h"

#include <numeric>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "fake_objective.h"

#include "doctest.h"

using namespace d2v;

namespace {

// Folds f = row mod count; settings are chosen on the next one.
std::vector<FoldRows> folds_of(const std::vector<int64_t>& fold, int64_t count) {
  std::vector<FoldRows> out;
  for (int64_t f = 0; f < count; ++f) {
    std::vector<int64_t> train, valid, test;
    for (size_t row = 0; row < fold.size(); ++row)
      (fold[row] == f                 ? test
       : fold[row] == (f + 1) % count ? valid
                                      : train)
          .push_back(static_cast<int64_t>(row));
    out.push_back({"fold " + std::to_string(f), at::tensor(train, at::kLong), at::tensor(valid, at::kLong),
                   at::tensor(test, at::kLong)});
  }
  return out;
}

std::vector<int64_t> in_turn(int64_t samples, int64_t count) {
  std::vector<int64_t> fold(static_cast<size_t>(samples));
  for (int64_t row = 0; row < samples; ++row) fold[static_cast<size_t>(row)] = row % count;
  return fold;
}

FoldedSamples coloured(int64_t samples, int64_t count) {
  FoldedSamples data;
  data.samples = test::coloured_pictures(samples, 4, 10);
  data.classes = {"a", "b", "c", "d"};
  data.simple = {{raw_pixels("raw pixels"), "pixels", "4x4"}};
  data.folds = folds_of(in_turn(samples, count), count);
  return data;
}

// Six speakers, 20 samples each: 18 of one class and 2 of the other; three speakers prefer each class.
struct Speakers {
  std::vector<int64_t> speaker;
  at::Tensor labels = at::zeros({120}, at::kLong);
  Speakers() {
    for (int64_t row = 0; row < 120; ++row) {
      speaker.push_back(row / 20);
      const bool usual = row % 20 < 18;
      labels[row] = (row / 20 < 3) == usual ? 0 : 1;
    }
  }
  // Features that tell the speaker and nothing else.
  FoldedSamples data(std::vector<FoldRows> folds) const {
    FoldedSamples out;
    out.samples.labels = labels;
    out.samples.each_batch = [this](const UseSamples& use) {
      SampleBatch batch;
      batch.rows.resize(120);
      std::iota(batch.rows.begin(), batch.rows.end(), 0);
      batch.input = at::zeros({120, 3, 4, 4});
      use(batch);
    };
    const at::Tensor who = at::tensor(speaker, at::kLong);
    out.simple = {{{"speaker",
                    [who](const SampleBatch& batch) {
                      const at::Tensor rows = at::tensor(batch.rows, at::kLong);
                      const at::Tensor same = who.index_select(0, rows).unsqueeze(1).eq(at::arange(6));
                      return same.to(at::kFloat).unsqueeze(1);
                    }},
                   "who",
                   "none"}};
    out.classes = {"a", "b"};
    out.folds = std::move(folds);
    return out;
  }
};

const ProbeRow& row_of(const ProbeResult& result, const std::string& probe, const std::string& network) {
  for (const ProbeRow& row : result.rows)
    if (row.probe == probe && row.network == network) return row;
  FAIL("no such row");
  return result.rows[0];
}

}  // namespace

TEST_CASE("each row pools its folds: their counts add up, and the interval is that of the sum") {
  test::FakeNetworks n;
  const ProbeResult result = run_probe_folds(coloured(403, 5), n.networks(), {});
  REQUIRE(result.rows.size() == 8);
  CHECK(result.folds == std::vector<std::string>{"fold 0", "fold 1", "fold 2", "fold 3", "fold 4"});
  CHECK(result.test == 403);
  CHECK(result.train == 403 - 81 - 81);
  CHECK(result.valid == 80);
  for (size_t r = 0; r < 8; ++r) {
    const ProbeRow& row = result.rows[r];
    CHECK(row.probe == (r < 4 ? "kNN" : "linear"));
    REQUIRE(row.folds.size() == 5);
    int64_t samples = 0, correct = 0;
    for (const FoldAccuracy& fold : row.folds) {
      samples += fold.n;
      correct += fold.correct;
      CHECK(fold.lambda.has_value() == (r >= 4));
    }
    CHECK(samples == 403);
    CHECK(row.test.n == 403);
    CHECK(row.test.correct == correct);
    CHECK(row.test.interval.low == wilson_interval(correct, 403).low);
    CHECK_FALSE(row.lambda.has_value());
  }
  CHECK(row_of(result, "linear", "trained teacher").test.value > 0.5);
  CHECK(row_of(result, "linear", "untrained").test.value < 0.36);  // chance is a quarter
  CHECK(row_of(result, "kNN", "trained teacher").test.value > row_of(result, "kNN", "raw pixels").test.value);
}

TEST_CASE("features that tell the speaker only are worth nothing on a speaker who was left out") {
  test::FakeNetworks n;
  const Speakers speakers;
  const ProbeResult mixed = run_probe_folds(speakers.data(folds_of(in_turn(120, 5), 5)), n.networks(), {});
  CHECK(row_of(mixed, "linear", "speaker").test.value == doctest::Approx(0.9));
  const ProbeResult apart = run_probe_folds(speakers.data(folds_of(speakers.speaker, 6)), n.networks(), {});
  const ProbeRow& row = row_of(apart, "linear", "speaker");
  // What is left to know is that the others prefer the other class.
  CHECK(row.test.value <= 0.5);
  CHECK(row.valid_accuracy <= 0.5);  // the part that chooses settings is another speaker's
}

TEST_CASE("rows that are made from what trains see exactly that, fold by fold") {
  test::FakeNetworks n;
  FoldedSamples data = coloured(200, 4);
  std::vector<at::Tensor> seen;
  data.fitted = [&](const at::Tensor& train) {
    seen.push_back(train);
    return std::vector<SimpleFeatures>{{raw_pixels("fitted"), "pixels", "4x4"}};
  };
  const ProbeResult result = run_probe_folds(data, n.networks(), {});
  REQUIRE(seen.size() == 4);
  for (size_t f = 0; f < 4; ++f) CHECK(at::equal(seen[f], data.folds[f].train));
  const ProbeRow &fitted = row_of(result, "linear", "fitted"),
                 &fixed = row_of(result, "linear", "raw pixels");
  CHECK(fitted.test.correct == fixed.test.correct);
  CHECK(fitted.folds.size() == 4);
}

TEST_CASE("samples that cannot be read are left out of their folds") {
  test::FakeNetworks n;
  FoldedSamples data = coloured(200, 4);
  const auto all = data.samples.each_batch;
  data.samples.each_batch = [all](const UseSamples& use) {
    all([&](const SampleBatch& batch) {
      SampleBatch some = batch;
      if (some.rows.front() == 0) {  // the first five
        some.rows.erase(some.rows.begin(), some.rows.begin() + 5);
        some.input = some.input.slice(0, 5);
      }
      use(some);
    });
  };
  const ProbeResult result = run_probe_folds(data, n.networks(), {});
  CHECK(result.test == 195);
  CHECK(result.rows[0].folds[0].n == 48);  // rows 0 and 4 were of fold 0
  CHECK(result.rows[0].folds[1].n == 49);
}

TEST_CASE("layers are chosen fold by fold") {
  test::FakeNetworks n;
  const ProbeResult result = run_probe_folds(coloured(400, 4), n.networks("best"), {});
  const ProbeRow& row = row_of(result, "linear", "trained teacher");
  CHECK(row.layer == "3");
  for (const FoldAccuracy& fold : row.folds) CHECK(fold.layer == "3");
  CHECK(row_of(result, "linear", "raw pixels").layer == "pixels");
}

TEST_CASE("the table shows the lowest and the highest fold, and the words say how many there are") {
  ProbeResult result;
  ProbeRow row;
  row.network = "trained teacher";
  row.probe = "kNN";
  row.folds = {{"a", 40, 30, "3", {}}, {"b", 40, 38, "3", {}}, {"c", 20, 16, "3", {}}};
  row.test = {100, 84, 0.84, wilson_interval(84, 100), 0.84};
  result.rows = {row};
  result.samples = "recordings";
  result.folds = {"a", "b", "c"};
  result.train = 40;
  result.valid = 20;
  result.test = 100;
  result.classes = 10;
  CHECK(fold_range(row) == "75.0 to 95.0");
  const std::string table = probe_table(result);
  CHECK(table.find("folds") != std::string::npos);
  CHECK(table.find("75.0 to 95.0") != std::string::npos);
  CHECK(probe_parts(result) ==
        "100 recordings in 3 folds (a, b, c), each tested once by what at least 40 recordings of other folds "
        "trained and 20 chose, 10 classes");
  result.folds.clear();
  result.rows[0].folds.clear();
  CHECK(probe_table(result).find("folds") == std::string::npos);
}

TEST_CASE("folds that cannot be probed are errors that name them") {
  test::FakeNetworks n;
  CHECK_THROWS_WITH_AS(run_probe_folds(coloured(30, 4), n.networks(), {}), doctest::Contains("k = 20"),
                       DataError);
  FoldedSamples data = coloured(200, 4);
  data.folds[2].valid = at::zeros({0}, at::kLong);
  CHECK_THROWS_WITH_AS(run_probe_folds(data, n.networks(), {}),
                       doctest::Contains("fold 'fold 2' has no readable pictures to choose"), DataError);
  data = coloured(200, 4);
  data.classes = {"a"};
  CHECK_THROWS_WITH_AS(run_probe_folds(data, n.networks(), {}), doctest::Contains("two classes"), DataError);
}
