#include "d2v/eval/loaded_model.h"

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/eval/embed.h"
#include "d2v/nn/aten.h"
#include "tiny_model.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("a run folder gives its newest checkpoint, with the run's configuration") {
  const test::ScratchFolder scratch("load");
  test::make_up_trained_run(scratch.path, test::tiny_config());
  const LoadedModel model =
      load_model(scratch.path, std::vector<Override>{{"data.path", "elsewhere"}, {"probe.k", "3"}});
  CHECK(model.update == 123);
  CHECK(model.blocks() == 4);
  CHECK(model.has_teacher());
  CHECK(model.config->model.dim == 32);
  CHECK(model.config->data.path == "elsewhere");
  CHECK(model.config->probe.k == 3);
  const LoadedModel same = load_model(model.checkpoint, {});
  CHECK(at::equal(same.objective->weights(), model.objective->weights()));
}

TEST_CASE("the untrained model is the one that the run began with") {
  const test::ScratchFolder scratch("untrained");
  test::make_up_trained_run(scratch.path, test::tiny_config());
  const LoadedModel model = load_model(scratch.path, {});
  const auto untrained = untrained_model(model);
  CHECK(
      at::equal(untrained->weights(), model.objective->weights()));  // this checkpoint's student never moved
  CHECK_FALSE(at::equal(untrained->teacher(), model.objective->teacher()));
}

TEST_CASE("texts of another vocabulary than the model's are refused before they are embedded") {
  const test::ScratchFolder scratch("vocabulary");
  Config config = test::tiny_config();
  config.model.modality = Modality::text;
  config.model.extra_tokens = 0;
  config.loss.cls = 0;
  config.text.vocabulary_size = 40;
  config.text.block = config.text.max_positions = 16;
  const auto objective = make_objective(config, Precision::fp32);
  TrainingState state(objective->layout());
  state.vocabulary = 0xabc;
  const auto file = scratch.path / "c.safetensors";
  save_checkpoint(file, config, *objective, state);
  LoadedModel model = load_model(file, {});

  FolderSource source;
  source.kind = Modality::text;
  auto rows = std::make_shared<TextRows>();
  rows->vocabulary = {.hash = 0xabc, .size = 40, .mask = 39};
  source.texts = rows;
  CHECK_NOTHROW(check_vocabulary(model, source));
  rows->vocabulary.hash = 0;  // made-up texts
  CHECK_NOTHROW(check_vocabulary(model, source));
  rows->vocabulary.hash = 0xdef;
  const auto refused = doctest::Contains("expected 0000000000000abc, found 0000000000000def");
  CHECK_THROWS_WITH_AS(check_vocabulary(model, source), refused, DataError);
  CHECK_THROWS_WITH_AS(embed_folder(model, source, {.out = scratch.path / "f.npy"}), refused, DataError);
  CHECK_FALSE(std::filesystem::exists(scratch.path / "f.npy"));
}

TEST_CASE("what cannot be loaded says why and what to do") {
  const test::ScratchFolder scratch("bad_load");
  CHECK_THROWS_WITH_AS(load_model(scratch.path / "none", {}), doctest::Contains("no such run"), DataError);
  CHECK_THROWS_WITH_AS(load_model(scratch.path, {}), doctest::Contains("not a run folder"), DataError);
  test::make_up_trained_run(scratch.path, test::tiny_config());
  CHECK_THROWS_WITH_AS(load_model(scratch.path, std::vector<Override>{{"model.dim", "64"}}),
                       doctest::Contains("--model.dim cannot be changed"), UsageError);
  // Other objectives' heads and decoders are weights too.
  for (const char* key : {"data2vec1.text_head_layers", "data2vec1.image_head", "mae.decoder_dim",
                          "mae.decoder_depth", "text.vocabulary_size"})
    CHECK_THROWS_WITH_AS(load_model(scratch.path, std::vector<Override>{{key, "3"}}),
                         doctest::Contains("cannot be changed"), UsageError);
  const auto file = checkpoint_path(scratch.path, 123);
  const std::string whole = read_file(file, 1 << 30);
  test::write_text(file, whole.substr(0, whole.size() / 2));
  CHECK_THROWS_AS(load_model(file, {}), DataError);
  std::filesystem::remove(file);
  CHECK_THROWS_AS(load_model(scratch.path, {}), DataError);
}
