#include "d2v/base/part_clock.h"

#include <vector>

#include "doctest.h"

using namespace d2v;

TEST_CASE("every second between start and stop belongs to one part") {
  double time = 100;
  PartClock clock([&time] { return time; });
  clock.start();
  time += 1;
  clock.enter(StepPart::student);
  time += 4;
  clock.enter(StepPart::loss);
  time += 2;
  clock.enter(StepPart::student, StepPass::backward);
  time += 8;
  const PartTimes times = clock.stop();
  CHECK(times.of(StepPart::other) == 1);
  CHECK(times.at(StepPart::student, StepPass::forward) == 4);
  CHECK(times.at(StepPart::student, StepPass::backward) == 8);
  CHECK(times.of(StepPart::student) == 12);
  CHECK(times.of(StepPass::forward) == 7);
  CHECK(times.total() == 15);
}

TEST_CASE("a clock starts again at zero") {
  double time = 0;
  PartClock clock([&time] { return time; });
  clock.start();
  clock.enter(StepPart::decoder);
  time += 3;
  clock.stop();
  clock.start();
  time += 1;
  CHECK(clock.stop().of(StepPart::decoder) == 0);
}

TEST_CASE("who watches the switches still sees the part that ends") {
  PartClock clock([] { return 0.0; });
  std::vector<StepPart> ended;
  clock.before_switch = [&] { ended.push_back(clock.part()); };
  clock.start();
  clock.enter(StepPart::teacher);
  clock.enter(StepPart::loss);
  clock.stop();
  CHECK(ended == std::vector{StepPart::other, StepPart::teacher, StepPart::loss});
}

TEST_CASE("without a clock nothing happens") { enter(nullptr, StepPart::student); }
