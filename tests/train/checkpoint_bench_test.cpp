#include "d2v/train/checkpoint_bench.h"

#include "d2v/base/check.h"
#include "scratch_folder.h"
#include "small_pictures.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("a checkpoint is written and read as often as asked, and nothing is left behind") {
  const test::ScratchFolder folder;
  const CheckpointBench bench = bench_checkpoint(test::small_pictures(), folder.path, 3);
  CHECK(bench.save_seconds.size() == 3);
  CHECK(bench.load_seconds.size() == 3);
  CHECK(bench.bytes > 1000);
  CHECK(std::filesystem::is_empty(folder.path));
}

TEST_CASE("a folder that is not there is named") {
  const test::ScratchFolder folder;
  CHECK_THROWS_AS(bench_checkpoint(test::small_pictures(), folder.path / "none", 1), UsageError);
}
