#include "d2v/eval/run_metrics.h"

#include <cmath>
#include <fstream>

#include "d2v/base/check.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("every number of a line becomes a point of its own curve") {
  const RunMetrics metrics = RunMetrics::parse(
      "{\"update\":10,\"loss\":2.5,\"lr\":0.1}\n"
      "{\"update\":20,\"loss\":1.5,\"target_rank\":33,\"recipe\":\"text is no point\"}\n",
      "m");
  CHECK(metrics.series("loss").update == std::vector<double>{10, 20});
  CHECK(metrics.series("loss").value == std::vector<double>{2.5, 1.5});
  CHECK(metrics.series("target_rank").update == std::vector<double>{20});
  CHECK(metrics.series("never measured").empty());
  CHECK(metrics.last_update() == 20);
  CHECK(metrics.last("lr") == 0.1);
  CHECK_FALSE(metrics.last("never measured").has_value());
}

TEST_CASE("what was logged after the checkpoint of a resume is void") {
  const RunMetrics metrics = RunMetrics::parse(
      "{\"update\":10,\"loss\":3}\n{\"update\":20,\"loss\":9}\n{\"update\":30,\"loss\":9}\n"
      "{\"update\":20,\"loss\":2}\n{\"update\":30,\"loss\":1}\n",
      "m");
  CHECK(metrics.series("loss").update == std::vector<double>{10, 20, 30});
  CHECK(metrics.series("loss").value == std::vector<double>{3, 2, 1});
}

TEST_CASE("two lines of one update complete each other") {
  const RunMetrics metrics = RunMetrics::parse(
      "{\"update\":10,\"loss\":3}\n{\"update\":10,\"valid_loss\":4}\n{\"update\":10,\"loss\":5}\n", "m");
  CHECK(metrics.series("loss").value == std::vector<double>{5});
  CHECK(metrics.series("valid_loss").value == std::vector<double>{4});
}

TEST_CASE("a value that was not finite is a gap, and the last finite one is the last") {
  const RunMetrics metrics =
      RunMetrics::parse("{\"update\":1,\"loss\":3}\n{\"update\":2,\"loss\":null}\n", "m");
  CHECK(std::isnan(metrics.series("loss").value[1]));
  CHECK(metrics.last("loss") == 3);
}

TEST_CASE("notes are lines in words") {
  const RunMetrics metrics =
      RunMetrics::parse("{\"update\":7,\"kind\":\"health\",\"note\":\"predictions fall\"}\n", "m");
  REQUIRE(metrics.notes().size() == 1);
  CHECK(metrics.notes()[0].update == 7);
  CHECK(metrics.notes()[0].kind == "health");
  CHECK(metrics.notes()[0].text == "predictions fall");
}

TEST_CASE("a last line cut by a kill is left out, a broken line elsewhere is an error") {
  const RunMetrics metrics = RunMetrics::parse("{\"update\":1,\"loss\":3}\n{\"update\":2,\"lo", "m");
  CHECK(metrics.last_update() == 1);
  CHECK_THROWS_WITH_AS(RunMetrics::parse("{\"update\":1}\n{\"upda\n{\"update\":3}\n", "file.jsonl"),
                       doctest::Contains("file.jsonl, line 2"), DataError);
  CHECK_THROWS_AS(RunMetrics::parse("[1]\n", "m"), DataError);
}

TEST_CASE("a file that is not there is an error that names it") {
  CHECK_THROWS_WITH_AS(RunMetrics::read("/nonexistent/metrics.jsonl"),
                       doctest::Contains("/nonexistent/metrics.jsonl"), DataError);
}

TEST_CASE("window means average stretches of the run and skip those without values") {
  const Series series{{1, 2, 3, 4, 9, 10}, {1, 3, NAN, 5, 7, 9}};
  const Series means = window_means(series, 10, 5);  // (0,2] (2,4] (4,6] (6,8] (8,10]
  CHECK(means.update == std::vector<double>{1, 3, 9});
  CHECK(means.value == std::vector<double>{2, 5, 8});
  CHECK(window_means({}, 10, 5).empty());
}
