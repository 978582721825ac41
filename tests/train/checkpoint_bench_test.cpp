#include "d2v/train/checkpoint_bench.h"

#include "d2v/base/check.h"
#include "scratch_folder.h"

#include "doctest.h"

using namespace d2v;

namespace {

Config small_pictures() {
  Config config;
  config.run.precision = Precision::fp32;
  config.image.size = 16;
  config.image.patch = 4;
  config.mask.block = 2;
  config.model.dim = 16;
  config.model.heads = 2;
  config.model.depth = 1;
  config.target.layers = 1;
  config.decoder.dim = 16;
  config.decoder.groups = 4;
  config.decoder.layers = 1;
  return config;
}

}  // namespace

TEST_CASE("a checkpoint is written and read as often as asked, and nothing is left behind") {
  const test::ScratchFolder folder;
  const CheckpointBench bench = bench_checkpoint(small_pictures(), folder.path, 3);
  CHECK(bench.save_seconds.size() == 3);
  CHECK(bench.load_seconds.size() == 3);
  CHECK(bench.bytes > 1000);
  CHECK(std::filesystem::is_empty(folder.path));
}

TEST_CASE("a folder that is not there is named") {
  const test::ScratchFolder folder;
  CHECK_THROWS_AS(bench_checkpoint(small_pictures(), folder.path / "none", 1), UsageError);
}
