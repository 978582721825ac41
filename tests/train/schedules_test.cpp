#include "d2v/train/schedules.h"

#include <fstream>

#include <nlohmann/json.hpp>

#include "test_data.h"

#include "doctest.h"

namespace {

nlohmann::json golden() {
  std::ifstream in(d2v::test::test_data() / "golden/schedules.json");
  return nlohmann::json::parse(in);
}

// Compares a schedule with every value of a golden setting, to 1e-12.
template <class Schedule>
void compare(const nlohmann::json& setting, Schedule&& value_at) {
  const auto& updates = setting.at("updates");
  const auto& values = setting.at("values");
  REQUIRE(updates.size() == values.size());
  REQUIRE(updates.size() > 10);
  for (size_t i = 0; i < updates.size(); ++i) {
    CAPTURE(updates[i].get<int64_t>());
    CHECK(std::abs(value_at(updates[i].get<int64_t>()) - values[i].get<double>()) < 1e-12);
  }
}

}  // namespace

TEST_CASE("the cosine schedule equals the reference's") {
  D2V_NEED_TEST_DATA("golden/schedules.json");
  for (const auto& s : golden().at("cosine")) {
    const d2v::CosineRate rate{s.at("lr"), s.at("min_lr"), s.at("warmup_updates"), s.at("max_update")};
    compare(s, [&](int64_t u) { return learning_rate(rate, u); });
  }
}

TEST_CASE("the tri-stage schedule equals the reference's") {
  D2V_NEED_TEST_DATA("golden/schedules.json");
  for (const auto& s : golden().at("tri_stage")) {
    const auto& share = s.at("phase_ratio");
    const auto rate = d2v::tri_stage(s.at("lr"), s.at("init_lr_scale"), s.at("final_lr_scale"),
                                     s.at("max_update"), share[0], share[1], share[2]);
    compare(s, [&](int64_t u) { return learning_rate(rate, u); });
  }
}

TEST_CASE("the polynomial schedule equals the reference's") {
  D2V_NEED_TEST_DATA("golden/schedules.json");
  for (const auto& s : golden().at("polynomial")) {
    const d2v::PolynomialRate rate{s.at("lr"), s.at("end_learning_rate"), s.at("power"),
                                   s.at("warmup_updates"), s.at("total_num_update")};
    compare(s, [&](int64_t u) { return learning_rate(rate, u); });
  }
}

TEST_CASE("the EMA decay equals the reference's") {
  D2V_NEED_TEST_DATA("golden/schedules.json");
  for (const auto& s : golden().at("ema")) {
    const d2v::EmaDecay decay{s.at("ema_decay"), s.at("ema_end_decay"), s.at("ema_anneal_end_step")};
    compare(s, [&](int64_t u) { return ema_decay(decay, u); });
  }
}

TEST_CASE("schedules of length zero are defined") {
  CHECK(learning_rate(d2v::CosineRate{1e-3, 0, 10, 10}, 9) == doctest::Approx(9e-4));
  CHECK(learning_rate(d2v::CosineRate{1e-3, 0, 10, 10}, 10) == 1e-3);
  CHECK(learning_rate(d2v::CosineRate{1e-3, 0, 0, 10}, 0) == 1e-3);
  CHECK(d2v::ema_decay({0.9, 0.99, 0}, 0) == 0.99);
}

TEST_CASE("a warm-up longer than the run only ever rises") {
  const d2v::CosineRate rate{1, 0, 100, 10};
  for (int u = 1; u < 10; ++u) CHECK(learning_rate(rate, u) > learning_rate(rate, u - 1));
}
