#include "d2v/train/run_folder.h"

#include <csignal>
#include <fstream>
#include <sstream>

#include <sys/resource.h>

#include "d2v/base/check.h"
#include "scratch_folder.h"

#include "doctest.h"

using namespace d2v;
using test::ScratchFolder;
namespace fs = std::filesystem;

namespace {

Config config_in(const fs::path& dir) {
  Config config;
  config.run.dir = dir.string();
  return config;
}

std::string contents(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a new folder gets its configuration, an old one continues") {
  const ScratchFolder scratch;
  const Config config = config_in(scratch.path / "a" / "run");
  CHECK_FALSE(open_run_folder(config).continues);
  CHECK(fs::exists(scratch.path / "a/run/config.ini"));
  CHECK(open_run_folder(config).continues);
}

TEST_CASE("a folder that holds another run is refused with the differences") {
  const ScratchFolder scratch;
  Config config = config_in(scratch.path);
  open_run_folder(config);
  const std::string before = contents(scratch.path / "config.ini");
  config.mask.prob = 0.5;
  config.optim.lr = 7e-4;
  CHECK_THROWS_WITH_AS(open_run_folder(config), doctest::Contains("mask.prob: the run has 0.8, now 0.5"),
                       UsageError);
  CHECK_THROWS_WITH_AS(open_run_folder(config), doctest::Contains("optim.lr: the run has 0.001, now 0.0007"),
                       UsageError);
  CHECK(contents(scratch.path / "config.ini") == before);
}

TEST_CASE("options that leave the results alone may change") {
  const ScratchFolder scratch;
  Config config = config_in(scratch.path);
  open_run_folder(config);
  config.run.stop_at = 5;
  config.run.log_every = 3;
  config.run.threads = 1;
  config.checkpoint.keep_last = 9;
  config.data.threads = 4;
  config.health.max_skipped = 7;
  CHECK(open_run_folder(config).continues);
}

TEST_CASE("run.resume says what a folder must or must not hold") {
  const ScratchFolder scratch;
  Config config = config_in(scratch.path / "run");
  config.run.resume = ResumeMode::must;
  CHECK_THROWS_WITH_AS(open_run_folder(config), doctest::Contains("holds no run"), UsageError);
  CHECK_FALSE(fs::exists(scratch.path / "run"));
  config.run.resume = ResumeMode::never;
  CHECK_FALSE(open_run_folder(config).continues);
  CHECK_THROWS_WITH_AS(open_run_folder(config), doctest::Contains("run.resume = never"), UsageError);
  config.run.resume = ResumeMode::must;
  CHECK(open_run_folder(config).continues);
}

TEST_CASE("a folder in use, a file, and checkpoints of nobody are refused") {
  const ScratchFolder scratch;
  {
    const RunFolder holder = open_run_folder(config_in(scratch.path / "busy"));
    CHECK_THROWS_AS(open_run_folder(config_in(scratch.path / "busy")), StorageError);
  }
  std::ofstream(scratch.path / "file") << "x";
  CHECK_THROWS_AS(open_run_folder(config_in(scratch.path / "file")), StorageError);
  fs::create_directories(scratch.path / "odd/checkpoints");
  std::ofstream(scratch.path / "odd/checkpoints/update_00000001.safetensors") << "x";
  CHECK_THROWS_WITH_AS(open_run_folder(config_in(scratch.path / "odd")), doctest::Contains("no config.ini"),
                       UsageError);
}

TEST_CASE("metrics are cut back to the update that a run goes on from") {
  const ScratchFolder scratch;
  const fs::path path = scratch.path / "metrics.jsonl";
  {
    MetricsFile file(path, 0);
    for (int u = 1; u <= 4; ++u) file.append(fmt::format("{{\"update\":{},\"loss\":0.5}}", u));
  }
  std::ofstream(path, std::ios::app) << "{\"update\":5,\"lo";  // a kill in the middle of a line
  MetricsFile file(path, 3);
  file.append("{\"update\":4,\"loss\":0.25}");
  std::istringstream lines(contents(path));
  std::vector<std::string> all;
  for (std::string line; std::getline(lines, line);) all.push_back(line);
  REQUIRE(all.size() == 4);
  CHECK(all[2] == "{\"update\":3,\"loss\":0.5}");
  CHECK(all[3] == "{\"update\":4,\"loss\":0.25}");
}

TEST_CASE("skipped files of several sessions are summed") {
  const ScratchFolder scratch;
  const fs::path path = scratch.path / "skipped.tsv";
  CHECK(SkippedFile(path).write({}) == 0);
  CHECK_FALSE(fs::exists(path));
  SkippedFile first(path);
  first.write({{"a.png", "cut\tshort", 1}});
  CHECK(first.write({{"a.png", "cut\tshort", 2}, {"b.png", "empty", 1}}) == 2);
  SkippedFile second(path);
  CHECK(second.write({{"a.png", "cut short", 3}}) == 2);
  CHECK(contents(path) == "path\ttimes\treason\na.png\t5\tcut short\nb.png\t1\tempty\n");
}

TEST_CASE("what the scan leaves out at every start is not summed over the sessions") {
  const ScratchFolder scratch;
  const fs::path path = scratch.path / "skipped.tsv";
  for (int session = 0; session < 3; ++session)
    SkippedFile(path).write({{"a.wav", "too short", 1, true}, {"b.wav", "silent", 2}});
  CHECK(contents(path) == "path\ttimes\treason\na.wav\t1\ttoo short\nb.wav\t6\tsilent\n");
}
