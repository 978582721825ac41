#include "d2v/eval/report.h"

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/eval/probe_json.h"
#include "has.h"
#include "made_up_run.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;

namespace {

// 1×1 pixel.
const std::string png("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\x90wS\xde", 33);

StoredProbe made_up_probe() {
  StoredProbe probe;
  probe.command = "d2v probe runs/a --data.path pictures";
  probe.checkpoint = "update_00002000.safetensors";
  probe.data = "pictures";
  probe.update = 2000;
  int64_t correct = 620;
  for (const std::string kind : {"kNN", "linear"})
    for (const std::string name : {"trained teacher", "trained student", "untrained", "raw pixels"}) {
      ProbeRow row;
      row.network = name;
      row.probe = kind;
      row.test = {1000, correct, correct / 1000.0, wilson_interval(correct, 1000), correct / 1000.0 - 0.01};
      row.layer = "3+6";
      row.pooling = "mean";
      row.seconds = 4.2;
      if (kind == "linear") row.lambda = 0.01;
      probe.result.rows.push_back(row);
      correct -= 40;
    }
  probe.result.train = 4000;
  probe.result.valid = 800;
  probe.result.test = 1000;
  probe.result.classes = 12;
  probe.result.largest_class = 0.12;
  return probe;
}

}  // namespace

TEST_CASE("the page of a run has every part, and needs no network") {
  const auto gnuplot = find_gnuplot();
  if (!gnuplot) D2V_SKIP("gnuplot is not installed");
  const test::ScratchFolder scratch("report");
  test::make_up_run(scratch.path);
  test::write_text(scratch.path / "probe.json", probe_json(made_up_probe()));
  test::write_text(scratch.path / "masks.png", png);
  test::write_text(scratch.path / "neighbours" / "0.png", png);
  test::write_text(
      scratch.path / "neighbours" / "neighbours.json",
      R"({"command": "d2v report runs/a", "strips": [{"picture": "0.png", "class": "cat", "neighbours": ["cat", "dog", "cat"]},
                       {"picture": "lost.png", "class": "dog", "neighbours": []}]})");
  RunRecord run = read_run(scratch.path);
  run.reference = make_reference({run.metrics.series("loss"), run.metrics.series("loss")}, 2000, {});
  std::vector<RunRecord> runs;
  runs.push_back(std::move(run));
  const std::string page = report_html(runs, {"d2v report runs/a", gnuplot});
  if (const char* keep = std::getenv("D2V_KEEP_REPORT")) write_file(keep, page);

  for (const char* part :
       {"<!doctype html>", "Loss", "Parts of the loss", "Spread of targets", "Effective rank",
        "Learning rate and EMA decay", "Throughput", "Waiting for data", "Health",
        "inside the reference band", "What the student sees", "cat: 2 of 3 of the same class",
        "trained teacher", "raw pixels", "optim.lr", "d2v probe runs/a --data.path pictures",
        "trained by <code>d2v pretrain recipes/r.ini --run.seed 1</code>",
        "points above the untrained network"})
    CHECK_MESSAGE(test::has(page, part), part);
  CHECK(test::has(page, "fell from 0.41 to 0.12 &lt;soon&gt;"));
  CHECK(test::has(page, "pictures &amp; &lt;more&gt;"));
  CHECK_FALSE(test::has(page, "<more>"));
  CHECK_FALSE(test::has(page, "src=\"http"));
  CHECK_FALSE(test::has(page, "href=\"http"));
  CHECK_FALSE(test::has(page, "<script"));
  CHECK_FALSE(test::has(page, "lost.png"));
}

TEST_CASE("several runs share their plots, and the page says where their configurations differ") {
  const auto gnuplot = find_gnuplot();
  if (!gnuplot) D2V_SKIP("gnuplot is not installed");
  const test::ScratchFolder scratch("compare");
  test::make_up_run(scratch.path / "slow", 1e-3, 1);
  test::make_up_run(scratch.path / "fast", 2e-3, 2);
  test::write_text(scratch.path / "fast" / "probe.json", probe_json(made_up_probe()));
  std::vector<RunRecord> runs;
  runs.push_back(read_run(scratch.path / "slow"));
  runs.push_back(read_run(scratch.path / "fast"));
  const std::string page = report_html(runs, {"d2v report slow fast", gnuplot});
  if (const char* keep = std::getenv("D2V_KEEP_REPORT"))
    write_file(std::string(keep) + ".compare.html", page);
  CHECK(test::has(page, "2 runs compared"));
  CHECK(test::has(page, "optim.lr"));
  CHECK(test::has(page, "run.seed"));
  CHECK_FALSE(test::has(page, "mask.prob"));  // the same in both
  CHECK(test::has(page, "fast · kNN"));
}

TEST_CASE("without gnuplot the page says so and has everything else") {
  const test::ScratchFolder scratch("no_gnuplot");
  test::make_up_run(scratch.path);
  std::vector<RunRecord> runs;
  runs.push_back(read_run(scratch.path));
  const std::string page = report_html(runs, {"d2v report", std::nullopt});
  CHECK(test::has(page, "gnuplot was not found"));
  CHECK(test::has(page, "No probe yet"));
  CHECK(test::has(page, "optim.lr"));
  CHECK_FALSE(test::has(page, "<svg"));
}

TEST_CASE("a run that has only just begun has a report") {
  const test::ScratchFolder scratch("young");
  test::make_up_run(scratch.path);
  std::filesystem::remove(scratch.path / "metrics.jsonl");
  std::vector<RunRecord> runs;
  runs.push_back(read_run(scratch.path));
  CHECK(test::has(report_html(runs, {"d2v report", "/bin/false"}), "Nothing was logged yet"));
}

TEST_CASE("folders that are no run, and broken files in one, are errors that say so") {
  const test::ScratchFolder scratch("bad");
  CHECK_THROWS_WITH_AS(read_run(scratch.path / "missing"), doctest::Contains("no such folder"), DataError);
  CHECK_THROWS_WITH_AS(read_run(scratch.path), doctest::Contains("not a run folder"), DataError);
  test::make_up_run(scratch.path);
  test::write_text(scratch.path / "probe.json", "{\"command\": 3}");
  std::vector<RunRecord> runs;
  runs.push_back(read_run(scratch.path));
  CHECK_THROWS_WITH_AS(report_html(runs, {"d2v report", std::nullopt}), doctest::Contains("probe.json"),
                       DataError);
}

TEST_CASE("a run in epochs knows its length from its metrics") {
  const test::ScratchFolder scratch("epochs");
  test::make_up_run(scratch.path);
  RunRecord run = read_run(scratch.path);
  CHECK(planned_updates(run) == 2000);
  run.config->run.updates = epochs(50);  // 100 updates each
  CHECK(planned_updates(run) == 5000);
}
