#include "d2v/eval/bench_report.h"

#include <nlohmann/json.hpp>

#include "d2v/base/check.h"

#include "doctest.h"

using namespace d2v;

namespace {

BenchReport made_up_report() {
  return {.bench = "step",
          .settings = {{"mask.prob", "0.8"}, {"threads", "2"}},
          .figures = {{"samples/s", 2.5, ""}, {"step", 0.4, "s"}, {"peak memory", 0, "GiB"}},
          .details = R"({"batch": 4})"};
}

template <class E>
std::string message_of(const BenchReport& before, const BenchReport& after) {
  try {
    compare_benches(before, after);
  } catch (const E& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a report comes back from its JSON as it was") {
  const BenchReport report = made_up_report(), back = read_bench(bench_json(report), "a file");
  CHECK(back.bench == report.bench);
  CHECK(back.settings == report.settings);
  REQUIRE(back.figures.size() == 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(back.figures[i].name == report.figures[i].name);
    CHECK(back.figures[i].value == report.figures[i].value);
    CHECK(back.figures[i].unit == report.figures[i].unit);
  }
  CHECK(nlohmann::json::parse(back.details).at("batch") == 4);
}

TEST_CASE("what is no report is refused by the file's name") {
  for (const char* text : {"", "no JSON", "{}", R"({"format": 1, "bench": 3})", R"({"format": 2})"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(read_bench(text, "old.json"), DataError);
    try {
      read_bench(text, "old.json");
    } catch (const DataError& error) {
      CHECK(std::string(error.what()).find("old.json") != std::string::npos);
    }
  }
}

TEST_CASE("before and after stand side by side with their ratio") {
  const BenchReport before = made_up_report();
  BenchReport after = before;
  after.figures = {{"samples/s", 5, ""}, {"step", 0.1, "s"}, {"peak memory", 1, "GiB"}, {"new", 1, ""}};
  const std::string table = compare_benches(before, after);
  CHECK(table.find("samples/s") != std::string::npos);
  CHECK(table.find("2.000") != std::string::npos);
  CHECK(table.find("step, s") != std::string::npos);
  CHECK(table.find("0.250") != std::string::npos);
  CHECK(table.find("new") == std::string::npos);
}

TEST_CASE("other settings and other benchmarks do not compare, and the message names what differs") {
  const BenchReport before = made_up_report();
  BenchReport after = before;
  after.settings["mask.prob"] = std::string("0.75");
  const std::string message = message_of<UsageError>(before, after);
  CHECK(message.find("mask.prob = '0.8' before, '0.75' now") != std::string::npos);
  CHECK(message.find("threads") == std::string::npos);

  after = before;
  after.settings["threads"] = std::string("1");
  CHECK(message_of<UsageError>(before, after).find("threads = '2' before, '1' now") != std::string::npos);
  after = before;
  after.bench = std::string("masks");
  CHECK(message_of<UsageError>(before, after).find("d2v bench masks") != std::string::npos);
  CHECK(message_of<UsageError>(before, before).empty());
}

TEST_CASE("an option that the earlier report does not know counts as its default") {
  BenchReport before = made_up_report(), after = before;
  before.settings.erase("mask.prob");  // whose default is 0.8
  CHECK(message_of<UsageError>(before, after).empty());
  after.settings["mask.prob"] = std::string("0.5");
  CHECK(message_of<UsageError>(before, after).find("mask.prob") != std::string::npos);
}

TEST_CASE("a recipe's settings are those that its results depend on") {
  Config config;
  config.data.path = "/somewhere";
  const auto all = bench_settings(config);
  CHECK(all.contains("model.dim"));
  CHECK(all.contains("mask.prob"));
  CHECK_FALSE(all.contains("data.path"));
  CHECK_FALSE(all.contains("run.dir"));
  const auto masks = bench_settings(config, "mask.");
  CHECK(masks.contains("mask.prob"));
  CHECK_FALSE(masks.contains("model.dim"));
}
