#include "d2v/eval/probe_json.h"

#include "d2v/base/check.h"

#include "doctest.h"

using namespace d2v;

namespace {

StoredProbe example_probe() {
  StoredProbe probe{"d2v probe r --data.path 'a b'", "c.safetensors", "a b", 42, {}};
  ProbeRow row;
  row.network = "trained teacher";
  row.probe = "linear";
  row.test = {100, 61, 0.61, wilson_interval(61, 100), 0.6};
  row.valid_accuracy = 0.63;
  row.layer = "3+6";
  row.pooling = "mean";
  row.lambda = 0.01;
  row.seconds = 1.5;
  probe.result.rows = {row};
  probe.result.train = 70;
  probe.result.valid = 15;
  probe.result.test = 100;
  probe.result.classes = 4;
  probe.result.largest_class = 0.3;
  return probe;
}

}  // namespace

TEST_CASE("a probe reads back as it was written") {
  const StoredProbe again = parse_probe(probe_json(example_probe()), "p");
  CHECK(again.command == example_probe().command);
  CHECK(again.update == 42);
  CHECK(again.result.classes == 4);
  REQUIRE(again.result.rows.size() == 1);
  const ProbeRow& row = again.result.rows[0];
  CHECK(row.network == "trained teacher");
  CHECK(row.test.n == 100);
  CHECK(row.test.value == 0.61);
  CHECK(row.test.interval.low == example_probe().result.rows[0].test.interval.low);
  CHECK(row.lambda == 0.01);
  CHECK(row.layer == "3+6");
}

TEST_CASE("folds read back as they were written") {
  StoredProbe probe = example_probe();
  ProbeRow& row = probe.result.rows[0];
  row.lambda.reset();
  row.folds = {{"theo", 60, 40, "3", 0.1}, {"george", 40, 21, "6", {}}};
  probe.result.folds = {"theo", "george"};
  const StoredProbe again = parse_probe(probe_json(probe), "p");
  CHECK(again.result.folds == probe.result.folds);
  const ProbeRow& found = again.result.rows.at(0);
  REQUIRE(found.folds.size() == 2);
  CHECK(found.folds[0].fold == "theo");
  CHECK(found.folds[0].n == 60);
  CHECK(found.folds[0].correct == 40);
  CHECK(found.folds[0].lambda == 0.1);
  CHECK(found.folds[1].layer == "6");
  CHECK_FALSE(found.folds[1].lambda.has_value());
  CHECK_FALSE(found.lambda.has_value());
}

TEST_CASE("other files are errors that name the source") {
  for (const char* text : {"", "{", "[]", "{\"command\": 1}", "{\"command\": \"x\"}"})
    CHECK_THROWS_WITH_AS(parse_probe(text, "runs/a/probe.json"), doctest::Contains("runs/a/probe.json"),
                         DataError);
}
