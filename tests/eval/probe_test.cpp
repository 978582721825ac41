#include "d2v/eval/probe.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "fake_objective.h"

#include "doctest.h"

using namespace d2v;

namespace {

ProbeSplits splits(int64_t train = 400, int64_t classes = 4) {
  return {test::coloured_pictures(train, classes, 10),
          test::coloured_pictures(150, classes, 20),
          test::coloured_pictures(300, classes, 30),
          std::vector<std::string>(static_cast<size_t>(classes), "class"),
          {{raw_pixels("raw pixels"), "pixels", "4x4"}}};
}

// Blocks 1 and 2 are noise, 3 sees the colours well, 4 poorly.
ProbeRow made_up(const std::string& network, const std::string& probe, int64_t correct) {
  ProbeRow row;
  row.network = network;
  row.probe = probe;
  row.test = {1000, correct, correct / 1000.0, wilson_interval(correct, 1000), correct / 1000.0};
  return row;
}

}  // namespace

TEST_CASE("the table has its four rows for each probe, in a fixed order") {
  test::FakeNetworks n;
  const ProbeResult result = run_probe(splits(), n.networks("3"), {});
  REQUIRE(result.rows.size() == 8);
  const std::vector<std::string> order{"trained teacher", "trained student", "untrained", "raw pixels"};
  for (size_t i = 0; i < 8; ++i) {
    CHECK(result.rows[i].network == order[i % 4]);
    CHECK(result.rows[i].probe == (i < 4 ? "kNN" : "linear"));
    CHECK(result.rows[i].test.n == 300);
    CHECK(result.rows[i].lambda.has_value() == (i >= 4));
  }
  CHECK(result.train == 400);
  CHECK(result.valid == 150);
  CHECK(result.classes == 4);
}

TEST_CASE("features that carry the class beat noise, and noise is at chance") {
  test::FakeNetworks n;
  const ProbeResult result = run_probe(splits(), n.networks("3"), {});
  for (const size_t probe : {0, 4}) {
    CHECK(result.rows[probe].test.value > 0.5);
    CHECK(result.rows[probe + 2].test.value < 0.36);  // untrained: chance is a quarter
    CHECK(result.rows[probe].test.value > result.rows[probe + 3].test.value);
  }
}

TEST_CASE("'best' takes the block that is best on the validation part") {
  test::FakeNetworks n;
  const ProbeResult result = run_probe(splits(), n.networks("best"), {});
  CHECK(result.rows[0].layer == "3");
  CHECK(result.rows[4].layer == "3");
  CHECK(result.rows[3].layer == "pixels");
  CHECK(result.rows[3].pooling == "4x4");
}

TEST_CASE("the default feature joins the middle and the last block") {
  test::FakeNetworks n;
  CHECK(run_probe(splits(), n.networks("middle+last"), {}).rows[0].layer == "2+4");
}

TEST_CASE("a run without a teacher has three rows for each probe") {
  test::FakeNetworks n;
  ProbeNetworks networks = n.networks("3");
  networks.has_teacher = false;
  const ProbeResult result = run_probe(splits(), networks, {});
  CHECK(result.rows.size() == 6);
  CHECK(probe_sentences(result)[0].find("trained student") != std::string::npos);
}

TEST_CASE("the sentences say how far, which way and whether intervals overlap") {
  ProbeResult result;
  for (const std::string probe : {"kNN", "linear"})
    result.rows.insert(result.rows.end(),
                       {made_up("trained teacher", probe, 600), made_up("trained student", probe, 590),
                        made_up("untrained", probe, 400), made_up("raw pixels", probe, 620)});
  const auto sentences = probe_sentences(result);
  REQUIRE(sentences.size() == 2);
  CHECK(sentences[0] ==
        "kNN probe: the trained teacher, at 60.0 %, is 20.0 points above the untrained network (40.0 %; the "
        "95 % "
        "intervals do not overlap) and 2.0 points below raw pixels (62.0 %; the 95 % intervals overlap).");
  const std::string table = probe_table(result);
  CHECK(table.find("trained teacher") != std::string::npos);
  CHECK(table.find("56.9 to  63.0") != std::string::npos);
}

TEST_CASE("too little data is an error that says what is missing") {
  test::FakeNetworks n;
  CHECK_THROWS_WITH_AS(run_probe(splits(19), n.networks("3"), {}), doctest::Contains("k = 20"), DataError);
  CHECK_THROWS_WITH_AS(run_probe(splits(400, 1), n.networks("3"), {}), doctest::Contains("two classes"),
                       DataError);
  ProbeSplits empty = splits();
  empty.valid.labels = at::zeros({0}, at::kLong);
  CHECK_THROWS_WITH_AS(run_probe(empty, n.networks("3"), {}), doctest::Contains("validation part"),
                       DataError);
  CHECK_THROWS_AS(run_probe(splits(), n.networks("5"), {}), UsageError);
}
