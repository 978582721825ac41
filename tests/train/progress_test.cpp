#include "d2v/train/progress.h"

#include <limits>

#include "doctest.h"

using namespace d2v;

namespace {

Metrics example() {
  Metrics m;
  m.update = 1234;
  m.epoch = 12.34;
  m.loss = 0.51234;
  m.lr = 9.5e-4;
  m.ema_decay = 0.99925;
  m.speed = {123.4, 987, 2.5};
  return m;
}

RunLengths of(int64_t updates) {
  RunLengths lengths;
  lengths.updates = lengths.stop_at = updates;
  return lengths;
}

}  // namespace

TEST_CASE("the progress line has everything when there is room") {
  CHECK(progress_text(example(), of(20000), 3661, 200) ==
        "1234/20000 6%  epoch 12.34  loss 0.5123  ETA 1:01:01  123.4 samples/s  lr 9.50e-04  EMA 0.99925  "
        "987 masked views/s  stall 2.5%");
}

TEST_CASE("a trainer that waits for data says what the loader is busy with") {
  Metrics m = example();
  m.loader = LoaderFigures{};
  m.loader->bottleneck = "step";
  CHECK(progress_text(m, of(20000), 3661, 200).ends_with("  stall 2.5%"));
  m.loader->bottleneck = "decode";
  CHECK(progress_text(m, of(20000), 3661, 200).ends_with("  stall 2.5% (decode)"));
}

TEST_CASE("a narrow terminal gets the most important fields, none of them cut") {
  CHECK(progress_text(example(), of(20000), 3661, 60) ==
        "1234/20000 6%  epoch 12.34  loss 0.5123  ETA 1:01:01");
  CHECK(progress_text(example(), of(20000), 3661, 5) == "1234/20000 6%");
  for (size_t width = 20; width < 150; ++width)
    CHECK(progress_text(example(), of(20000), 3661, width).size() <= width);
}

TEST_CASE("durations read as people write them") {
  CHECK(duration_text(0) == "0:00");
  CHECK(duration_text(187) == "3:07");
  CHECK(duration_text(3723) == "1:02:03");
  CHECK(duration_text(187500) == "2d 04:05");
  CHECK(duration_text(std::numeric_limits<double>::infinity()) == "?");
}
