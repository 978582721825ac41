#include "d2v/eval/reference_curve.h"

#include <cmath>
#include <filesystem>
#include <fstream>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"

#include "doctest.h"

using namespace d2v;

namespace {

// A falling loss with noise, logged every 5 of 1000 updates.
Series run(uint64_t seed, double offset = 0) {
  Series loss;
  Philox noise({.seed = seed});
  for (int update = 5; update <= 1000; update += 5) {
    loss.update.push_back(update);
    loss.value.push_back(offset + 0.3 + std::exp(-update / 200.0) + 0.02 * noise.normal());
  }
  return loss;
}

ReferenceCurve three_seeds() { return make_reference({run(1), run(2), run(3)}, 1000, {"recipe: test"}); }

Series until(Series loss, double update) {
  while (loss.update.back() > update) loss.update.pop_back(), loss.value.pop_back();
  return loss;
}

}  // namespace

TEST_CASE("a fourth seed is inside the band all the way") {
  const ReferenceCurve curve = three_seeds();
  const Series fourth = run(4);
  for (double now = 50; now <= 1000; now += 25)
    CHECK(against_reference(curve, until(fourth, now), 1000).where == AgainstReference::inside);
}

TEST_CASE("a loss that is off by a tenth is outside, and the sentence says on which side") {
  const ReferenceCurve curve = three_seeds();
  const ReferenceVerdict above = against_reference(curve, run(5, 0.1), 1000);
  CHECK(above.where == AgainstReference::above);
  CHECK(above.sentence.find("above the reference band") != std::string::npos);
  CHECK(against_reference(curve, run(5, -0.1), 1000).where == AgainstReference::below);
}

TEST_CASE("a run of another length is not compared, nor is the very beginning") {
  const ReferenceCurve curve = three_seeds();
  CHECK(against_reference(curve, run(1), 2000).where == AgainstReference::not_comparable);
  CHECK(against_reference(curve, until(run(1), 10), 1000).where == AgainstReference::not_comparable);
  CHECK(against_reference(curve, {}, 1000).where == AgainstReference::not_comparable);
}

TEST_CASE("a run with other data or other settings is not compared, and the sentence says which") {
  ReferenceCurve curve = three_seeds();
  Config config;
  curve.conditions = run_conditions(config, "6541 pictures, a8a7ff3015b8738b");
  const auto verdict = [&](const std::string& data) {
    return against_reference(curve, run(4), 1000, run_conditions(config, data));
  };
  config.run.seed = 4;
  CHECK(verdict("6541 pictures, a8a7ff3015b8738b").where == AgainstReference::inside);
  const ReferenceVerdict other = verdict("20 pictures, 0123456789abcdef");
  CHECK(other.where == AgainstReference::not_comparable);
  CHECK(other.sentence.find("Not compared with the reference curve: other data: 20 pictures") !=
        std::string::npos);
  config.mask.prob = 0.9;
  const ReferenceVerdict masked = verdict("6541 pictures, a8a7ff3015b8738b");
  CHECK(masked.where == AgainstReference::not_comparable);
  CHECK(masked.sentence ==
        "Not compared with the reference curve: other settings: mask.prob = 0.9 (the curve: 0.8).");
}

TEST_CASE("a loss that is no longer finite is above") {
  Series broken = run(1);
  for (size_t i = broken.value.size() - 10; i < broken.value.size(); ++i) broken.value[i] = NAN;
  CHECK(against_reference(three_seeds(), broken, 1000).where == AgainstReference::above);
}

TEST_CASE("the band is never narrower than 2 % on each side") {
  const ReferenceCurve same = make_reference({run(1), run(1)}, 1000, {});
  for (size_t i = 0; i < same.update.size(); ++i) {
    CHECK(same.low[i] == doctest::Approx(0.98 * same.mean[i]));
    CHECK(same.high[i] == doctest::Approx(1.02 * same.mean[i]));
  }
}

TEST_CASE("a curve reads back as it was written") {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / "d2v_reference_test.tsv";
  ReferenceCurve curve = three_seeds();
  curve.conditions = run_conditions(Config(), "6541 pictures, a8a7ff3015b8738b");
  std::ofstream(file) << write_reference(curve);
  const ReferenceCurve again = read_reference(file);
  CHECK(again.origin == curve.origin);
  CHECK(again.conditions.data == curve.conditions.data);
  CHECK(again.conditions.settings == curve.conditions.settings);
  CHECK(again.updates == 1000);
  REQUIRE(again.update.size() == curve.update.size());
  for (size_t i = 0; i < curve.update.size(); ++i) {
    CHECK(again.update[i] == doctest::Approx(curve.update[i]));
    CHECK(again.low[i] == doctest::Approx(curve.low[i]).epsilon(1e-5));
    CHECK(again.high[i] == doctest::Approx(curve.high[i]).epsilon(1e-5));
  }
  std::filesystem::remove(file);
}

TEST_CASE("files that are no reference curve say what is wrong, and where") {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / "d2v_reference_bad.tsv";
  const auto error_of = [&](const std::string& text) {
    std::ofstream(file) << text;
    try {
      read_reference(file);
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  CHECK(error_of("loss\n").find("line 1") != std::string::npos);
  CHECK(error_of("# updates: 10\nupdate\tmean\tlow\thigh\n1\t2\tx\t4\n").find("line 3") != std::string::npos);
  CHECK(error_of("# updates: 10\nupdate\tmean\tlow\thigh\n5\t2\t1\t4\n4\t2\t1\t4\n").find("increase") !=
        std::string::npos);
  CHECK(error_of("# updates: 10\nupdate\tmean\tlow\thigh\n").find("not a reference curve") !=
        std::string::npos);
  std::filesystem::remove(file);
}

TEST_CASE("one run or an unfinished one makes no reference") {
  CHECK_THROWS_AS(make_reference({run(1)}, 1000, {}), UsageError);
  CHECK_THROWS_AS(make_reference({run(1), until(run(2), 500)}, 1000, {}), UsageError);
}
