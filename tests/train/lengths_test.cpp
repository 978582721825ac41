#include "d2v/train/lengths.h"

#include "d2v/base/check.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("lengths are resolved to updates") {
  Config config;
  config.run.updates = epochs(10);
  config.optim.warmup = percent(10);
  config.ema.anneal = epochs(4);
  config.run.valid_every = updates(7);
  config.checkpoint.every = percent(0.01);
  const RunLengths lengths = resolve_lengths(config, 50);
  CHECK(lengths.updates == 500);
  CHECK(lengths.stop_at == 500);
  CHECK(lengths.warmup == 50);
  CHECK(lengths.anneal == 200);
  CHECK(lengths.valid_every == 7);
  CHECK(lengths.checkpoint_every == 1);  // a small share is not "never"
  CHECK(lengths.keep_every == 0);
  CHECK(std::get<CosineRate>(rate_of(config, lengths)).warmup == 50);
  CHECK(decay_of(config, lengths).anneal == 200);
}

TEST_CASE("stop_at ends a session and leaves the schedules") {
  Config config;
  config.run.updates = updates(100);
  config.run.stop_at = 30;
  CHECK(resolve_lengths(config, 10).stop_at == 30);
  CHECK(resolve_lengths(config, 10).updates == 100);
  config.run.stop_at = 300;
  CHECK(resolve_lengths(config, 10).stop_at == 100);
}

TEST_CASE("optim.schedule chooses the learning rate's curve, and the run says so in words") {
  Config config;
  config.run.updates = updates(400);
  config.optim = {.lr = 1, .min_lr = 0.1, .warmup = percent(10), .hold = percent(50), .start_scale = 0.2};
  const auto rate = [&](int64_t done) {
    return learning_rate(rate_of(config, resolve_lengths(config, 10)), done);
  };
  const auto words = [&] { return describe_lengths(config, resolve_lengths(config, 10)).at(1); };
  CHECK(rate(0) == 0.1);
  CHECK(rate(220) == doctest::Approx(0.55));  // half of the cosine
  CHECK(words().find("0.1 to 1 over 40 updates (optim.warmup = 10%), then a cosine to 0.1") !=
        std::string::npos);

  config.optim.schedule = RateSchedule::tri_stage;
  CHECK(rate(0) == 0.2);
  CHECK(rate(40) == 1);
  CHECK(rate(239) == 1);
  CHECK(rate(320) == doctest::Approx(0.1));  // the middle of the decay: the root of end_scale = 0.01
  CHECK(rate(400) == doctest::Approx(0.01));
  CHECK(words().find("then 200 updates there (optim.hold = 50%) and an exponential decay to 0.01") !=
        std::string::npos);

  config.optim.schedule = RateSchedule::polynomial;
  config.optim.power = 2;
  CHECK(rate(0) == 0);
  CHECK(rate(220) == doctest::Approx(0.1 + 0.9 * 0.25));
  CHECK(rate(400) == doctest::Approx(0.1));
  CHECK(words().find("0 to 1 over 40 updates (optim.warmup = 10%), then down to 0.1 with power 2") !=
        std::string::npos);
}

TEST_CASE("a hold that leaves no decay is warned of") {
  Config config;
  config.run.updates = updates(100);
  config.ema.anneal = updates(10);
  config.optim.schedule = RateSchedule::tri_stage;
  for (const double hold : {90, 95}) {
    config.optim.hold = updates(hold);
    const auto warnings = length_warnings(config, resolve_lengths(config, 10));
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].find("never decays") != std::string::npos);
  }
  config.optim.hold = updates(89);
  CHECK(length_warnings(config, resolve_lengths(config, 10)).empty());
}

TEST_CASE("a run without updates is refused") {
  Config config;
  CHECK_THROWS_WITH_AS(resolve_lengths(config, 0), doctest::Contains("fewer samples than data.batch = 64"),
                       UsageError);
  config.run.updates = percent(10);
  CHECK_THROWS_WITH_AS(resolve_lengths(config, 5), doctest::Contains("share of itself"), UsageError);
}

TEST_CASE("the start of a run shows each length in updates") {
  Config config;
  config.run.updates = epochs(10);
  const auto lines = describe_lengths(config, resolve_lengths(config, 50));
  CHECK(lines.at(0) == "run: 500 updates = 10 epochs of 50 updates, 64 samples each");
  CHECK(lines.at(1).find("over 50 updates (optim.warmup = 10%)") != std::string::npos);
}

TEST_CASE("schedules longer than the run are warned of in words") {
  Config config;
  config.run.updates = updates(1000);
  config.ema = {.decay = 0.99, .end_decay = 0.999, .anneal = percent(100)};
  CHECK(length_warnings(config, resolve_lengths(config, 10)).empty());
  config.optim.warmup = updates(2000);
  config.ema.anneal = updates(4000);
  const auto warnings = length_warnings(config, resolve_lengths(config, 10));
  REQUIRE(warnings.size() == 2);
  CHECK(warnings[0].find("never reaches 0.001") != std::string::npos);
  CHECK(warnings[1].find("the decay ends at 0.99225 instead of 0.999") != std::string::npos);
}

TEST_CASE("of MAE, which has no teacher, no EMA decay is told or warned of") {
  Config config;
  config.run.updates = updates(1000);
  config.ema = {.decay = 0.99, .end_decay = 0.999, .anneal = updates(4000)};
  const auto told = [&] {
    const RunLengths lengths = resolve_lengths(config, 10);
    std::string all;
    for (const std::string& line : describe_lengths(config, lengths)) all += line;
    for (const std::string& line : length_warnings(config, lengths)) all += line;
    return all.find("EMA") != std::string::npos;
  };
  CHECK(told());
  config.model.objective = ObjectiveKind::mae;
  CHECK_FALSE(told());
}
