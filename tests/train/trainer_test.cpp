#include "d2v/train/trainer.h"

#include <csignal>
#include <fstream>
#include <limits>

#include <nlohmann/json.hpp>

#include "linear_objective.h"
#include "scratch_folder.h"

#include "doctest.h"

using namespace d2v;
using test::LinearObjective;
using test::make_slice;
using test::ScratchFolder;
namespace fs = std::filesystem;

namespace {

constexpr int64_t kPerEpoch = 5;

Config small_config(const fs::path& dir) {
  Config config;
  config.run.dir = dir.string();
  config.run.updates = updates(23);
  config.run.log_every = 1;
  config.optim.warmup = updates(4);
  config.optim.lr = 1e-2;
  config.ema = {.decay = 0.9, .end_decay = 0.99, .anneal = updates(10)};
  config.checkpoint.every = updates(0);
  config.checkpoint.every_minutes = 0;
  config.health.min_target_var = config.health.min_pred_var = 0;
  return config;
}

// A session of a run: opens the folder, restores the newest checkpoint, trains.
struct Session {
  explicit Session(Config c, int64_t parts = 1)
      : config(std::move(c)),
        parts(parts),
        lengths(resolve_lengths(config, kPerEpoch)),
        folder(open_run_folder(config)) {
    if (const auto latest = latest_checkpoint(folder.path)) load_checkpoint(latest->path, objective, state);
  }

  ExitCode run() {
    auto slice = std::make_shared<int64_t>(state.update * parts);
    SliceStream stream{[slice, n = parts] {
                         const int64_t i = (*slice)++;
                         return make_slice(i / n, i % n, n);
                       },
                       {}};
    Training training{config, lengths, folder, objective, state, stream, held_out, observers, loader_stats};
    return train(training);
  }

  Config config;
  int64_t parts;
  RunLengths lengths;
  RunFolder folder;
  LinearObjective objective;
  TrainingState state{objective.layout()};
  std::function<std::optional<double>()> held_out;
  std::function<LoaderStats()> loader_stats;
  TrainObservers observers;
};

std::vector<nlohmann::json> metrics_of(const fs::path& run) {
  std::ifstream in(run / "metrics.jsonl");
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

// What the computation gave; speeds differ from run to run.
nlohmann::json computed(nlohmann::json line) {
  for (const char* key : {"samples_per_second", "views_per_second", "stall_pct"}) line.erase(key);
  return line;
}

}  // namespace

TEST_CASE("a run that was stopped in the middle of an epoch goes on bit for bit") {
  const ScratchFolder scratch;
  Session whole(small_config(scratch.path / "whole"), 2);
  CHECK(whole.run() == ExitCode::ok);
  CHECK(whole.state.update == 23);
  CHECK(whole.state.samples_seen == 23 * 8);

  for (const int64_t stop : {0, 3, 12, 17}) {  // never at the end of an epoch of 5 updates
    Config config = small_config(scratch.path / "parts");
    config.run.stop_at = stop;
    Session session(config, 2);
    CHECK(session.run() == ExitCode::ok);
    if (stop == 0) {
      fs::remove_all(scratch.path / "parts");
    } else {
      CHECK(session.state.update == stop);
    }
  }
  Session rest(small_config(scratch.path / "parts"), 2);
  CHECK(rest.state.update == 17);
  CHECK(rest.run() == ExitCode::ok);

  CHECK(at::equal(whole.objective.weights(), rest.objective.weights()));
  CHECK(at::equal(whole.objective.teacher(), rest.objective.teacher()));
  CHECK(at::equal(whole.state.adam.first, rest.state.adam.first));
  CHECK(at::equal(whole.state.adam.second, rest.state.adam.second));
  const auto a = metrics_of(scratch.path / "whole"), b = metrics_of(scratch.path / "parts");
  REQUIRE(a.size() == 23);
  REQUIRE(b.size() == 23);
  for (size_t i = 0; i < a.size(); ++i) {
    CAPTURE(i);
    // Ranks are also measured where a session ends.
    auto x = computed(a[i]), y = computed(b[i]);
    for (auto* line : {&x, &y})
      for (const char* key : {"target_rank", "local_rank", "local_var"}) line->erase(key);
    CHECK(x == y);
  }
}

TEST_CASE("lines tell what the loader did since the line before, and who waited for whom") {
  const ScratchFolder scratch;
  Session session(small_config(scratch.path));
  int64_t calls = 0;
  session.loader_stats =
      [&] {  // 10 s a call: decoding takes three times as long as masks, the trainer waits 4 s
        ++calls;
        LoaderStats stats;
        stats.seconds = 10.0 * static_cast<double>(calls);
        stats.stall_seconds = 4.0 * static_cast<double>(calls);
        stats.calls = 8 * calls;
        stats.queue_depth = 1.5;
        stats.stages[Stage::decode] = 3'000'000 * calls;
        stats.stages[Stage::masks] = 1'000'000 * calls;
        stats.stages.bytes = 50'000'000 * calls;
        return stats;
      };
  session.run();
  REQUIRE(calls > 0);
  const nlohmann::json line = metrics_of(scratch.path).back();
  CHECK(line["loader_decode_pct"] == doctest::Approx(75));
  CHECK(line["loader_masks_pct"] == doctest::Approx(25));
  CHECK(!line.contains("loader_resize_pct"));
  CHECK(line["loader_queue"] == doctest::Approx(1.5));
  CHECK(line["loader_mb_per_second"] == doctest::Approx(5));
  CHECK(line["bottleneck"] == "decode");
}

TEST_CASE("the first step has rate 0, and lines say what belongs to them") {
  const ScratchFolder scratch;
  Session session(small_config(scratch.path));
  const auto before = session.objective.weights().clone();
  session.config.run.stop_at = 1;
  session.lengths = resolve_lengths(session.config, kPerEpoch);
  session.run();
  CHECK(at::equal(before, session.objective.weights()));
  const auto line = metrics_of(scratch.path).at(0);
  CHECK(line.at("update") == 1);
  CHECK(line.at("lr") == 0);
  CHECK(line.at("ema_decay").get<double>() == doctest::Approx(0.909));
  CHECK(line.at("epoch").get<double>() == doctest::Approx(0.2));
  CHECK(line.at("masked_pct").get<double>() == doctest::Approx(100 * 5.0 / 9));
  CHECK(line.at("samples") == 8);
  for (const char* key :
       {"loss", "loss_regression", "loss_cls", "gradient_norm", "target_var", "pred_var", "target_rank"}) {
    CHECK(line.contains(key));
  }
}

TEST_CASE("checkpoints come when they are due, old ones go") {
  const ScratchFolder scratch;
  Config config = small_config(scratch.path);
  config.checkpoint.every = updates(4);
  config.checkpoint.keep_last = 2;
  config.checkpoint.keep_every = updates(8);
  Session session(config);
  std::vector<int64_t> saved;
  session.observers.saved = [&](const fs::path& path, int64_t update) {
    CHECK(fs::exists(path));
    CHECK(metrics_of(scratch.path).back().at("update") == update);  // metrics are never behind a checkpoint
    saved.push_back(update);
  };
  session.run();
  CHECK(saved == std::vector<int64_t>{4, 8, 12, 16, 20, 23});
  std::vector<int64_t> left;
  for (const auto& file : list_checkpoints(scratch.path)) left.push_back(file.update);
  CHECK(left == std::vector<int64_t>{23, 20, 16, 8});
}

TEST_CASE("the held-out loss is in the line of its update") {
  const ScratchFolder scratch;
  Config config = small_config(scratch.path);
  config.run.log_every = 1000;
  config.run.valid_every = updates(10);
  Session session(config);
  std::vector<int64_t> asked;
  session.held_out = [&] {
    asked.push_back(session.state.update);
    return 0.25;
  };
  session.run();
  CHECK(asked == std::vector<int64_t>{10, 20, 23});
  std::vector<int64_t> lines;
  for (const auto& line : metrics_of(scratch.path)) {
    if (line.contains("valid_loss")) lines.push_back(line.at("update"));
  }
  CHECK(lines == asked);
}

TEST_CASE("the held-out loss is a mean over masked positions and repeats exactly") {
  LinearObjective objective;
  const auto stream = [] {
    auto slice = std::make_shared<int64_t>(0);
    return SliceStream{[slice] { return *slice < 3 ? make_slice((*slice)++, 0, 1) : nullptr; }, {}};
  };
  const std::optional<double> loss = mean_loss(objective, stream(), 1);
  REQUIRE(loss.has_value());
  CHECK(loss > 0);
  CHECK(loss == mean_loss(objective, stream(), 1));
  CHECK(loss != mean_loss(objective, stream(), 2));
}

TEST_CASE("SIGINT and SIGTERM finish the update and save") {
  const ScratchFolder scratch;
  int signal = SIGINT;
  ExitCode expected = ExitCode::interrupted;
  SUBCASE("SIGINT") {}
  SUBCASE("SIGTERM") {
    signal = SIGTERM;
    expected = ExitCode::terminated;
  }
  Session session(small_config(scratch.path));
  session.observers.updated = [&](const Metrics& m) {
    if (m.update == 6) std::raise(signal);  // read while update 7 is over already
  };
  CHECK(session.run() == expected);
  CHECK(session.state.update == 7);
  CHECK(latest_checkpoint(scratch.path)->update == 7);
  CHECK(metrics_of(scratch.path).back().at("update") == 7);
}

TEST_CASE("a run of gradients that are not finite stops with a reason") {
  const ScratchFolder scratch;
  Config config = small_config(scratch.path);
  config.health.max_skipped = 3;
  Session session(config);
  session.objective.poison = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(session.run(), doctest::Contains("not finite 3 times in a row"), CollapseError);
}

TEST_CASE("the variance guard stops a collapsed run before it is saved") {
  const ScratchFolder scratch;
  Config config = small_config(scratch.path);
  config.health.guard_after = 5;
  config.health.min_target_var = 50;  // no run has that much
  Session session(config);
  CHECK_THROWS_WITH_AS(session.run(), doctest::Contains("update 5: the run has collapsed"), CollapseError);
  CHECK(list_checkpoints(scratch.path).empty());
  CHECK(metrics_of(scratch.path).back().at("update") == 5);
}
