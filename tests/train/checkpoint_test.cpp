#include "d2v/train/checkpoint.h"

#include <fstream>

#include "d2v/base/check.h"
#include "d2v/base/config_source.h"
#include "d2v/base/recipe.h"
#include "d2v/base/safetensors.h"
#include "d2v/model/data2vec2.h"
#include "d2v/train/checkpoint_files.h"
#include "linear_objective.h"
#include "scratch_folder.h"

#include "doctest.h"

using namespace d2v;
using test::LinearObjective;
using test::ScratchFolder;
namespace fs = std::filesystem;

namespace {

// An objective with values that differ everywhere, and a state to go with it.
struct Saved {
  Saved() : state(objective.layout()) {
    objective.teacher().add_(1);
    state.adam.first.normal_();
    state.adam.second.uniform_(1, 2);
    for (const char* name : {"shift"}) {  // not trainable: has no moments
      view_of(state.adam.first, objective.layout().at(name)).zero_();
      view_of(state.adam.second, objective.layout().at(name)).zero_();
    }
    state.adam.steps = 41;
    state.update = 42;
    state.samples_seen = 42 * 64;
    state.skipped_in_a_row = 1;
    state.data = "6 pictures";
    state.vocabulary = 0xfedcba9876543210u;
    config.mask.prob = 0.65;
  }
  LinearObjective objective{5};
  TrainingState state;
  Config config;
};

// Equal where a parameter lives; arenas have padding in between.
bool same(const ParameterLayout& layout, const at::Tensor& a, const at::Tensor& b, bool teacher = false) {
  for (const Parameter& p : layout.all()) {
    if (teacher && p.teacher == TeacherRule::absent) continue;
    if (!at::equal(view_of(a, p), view_of(b, p))) return false;
  }
  return true;
}

void cut_in_half(const fs::path& path) { fs::resize_file(path, fs::file_size(path) / 2); }

}  // namespace

TEST_CASE("a checkpoint restores everything bit for bit") {
  const ScratchFolder folder;
  Saved saved;
  save_checkpoint(folder.path / "c.safetensors", saved.config, saved.objective, saved.state);

  LinearObjective other(77);
  TrainingState state(other.layout());
  load_checkpoint(folder.path / "c.safetensors", other, state);
  CHECK(same(other.layout(), other.weights(), saved.objective.weights()));
  CHECK(same(other.layout(), other.teacher(), saved.objective.teacher(), true));
  CHECK(same(other.layout(), state.adam.first, saved.state.adam.first));
  CHECK(same(other.layout(), state.adam.second, saved.state.adam.second));
  CHECK(state.adam.steps == 41);
  CHECK(state.update == 42);
  CHECK(state.samples_seen == 42 * 64);
  CHECK(state.skipped_in_a_row == 1);
  CHECK(state.data == "6 pictures");
  CHECK(state.vocabulary == 0xfedcba9876543210u);
  CHECK(other.refreshed == 1);
}

TEST_CASE("a checkpoint carries its configuration and reference names") {
  const ScratchFolder folder;
  Saved saved;
  save_checkpoint(folder.path / "c.safetensors", saved.config, saved.objective, saved.state);
  Config config;
  auto table = option_table(config);
  apply_source(table, folder.path / "c.safetensors");
  CHECK(config.mask.prob == 0.65);
  const SafetensorsReader file(folder.path / "c.safetensors");
  for (const char* name :
       {"weight", "head", "teacher.weight", "teacher.shift", "adam.first.head", "adam.second.bias"}) {
    CHECK(file.find(name) != nullptr);
  }
  CHECK(file.find("teacher.head") == nullptr);
  CHECK(file.find("adam.first.shift") == nullptr);
}

TEST_CASE("weights alone can be loaded") {
  const ScratchFolder folder;
  Saved saved;
  save_checkpoint(folder.path / "c.safetensors", saved.config, saved.objective, saved.state);
  LinearObjective other(77);
  load_weights(folder.path / "c.safetensors", other);
  CHECK(same(other.layout(), other.weights(), saved.objective.weights()));
  CHECK(same(other.layout(), other.teacher(), saved.objective.teacher(), true));
}

TEST_CASE("a checkpoint of another model is refused and nothing is changed") {
  const ScratchFolder folder;
  Saved saved;
  save_checkpoint(folder.path / "c.safetensors", saved.config, saved.objective, saved.state);
  LinearObjective other(77, 3);  // has positions that the file lacks
  const auto before = other.weights().clone();
  TrainingState state(other.layout());
  CHECK_THROWS_WITH_AS(
      load_checkpoint(folder.path / "c.safetensors", other, state),
      doctest::Contains("4 tensors are missing: positions, teacher.positions, adam.first.positions, …"),
      DataError);
  CHECK(at::equal(before, other.weights()));
  CHECK(state.update == 0);
}

TEST_CASE("shapes that differ are named with both sides") {
  const ScratchFolder folder;
  LinearObjective three(1, 3), four(1, 4);
  save_checkpoint(folder.path / "c.safetensors", {}, three, TrainingState(three.layout()));
  TrainingState state(four.layout());
  CHECK_THROWS_WITH_AS(load_checkpoint(folder.path / "c.safetensors", four, state),
                       doctest::Contains("positions: expected F32 [1, 16, 6], found F32 [1, 9, 6]"),
                       DataError);
}

TEST_CASE("a checkpoint cut in half is named") {
  const ScratchFolder folder;
  Saved saved;
  save_checkpoint(folder.path / "c.safetensors", saved.config, saved.objective, saved.state);
  cut_in_half(folder.path / "c.safetensors");
  TrainingState state(saved.objective.layout());
  CHECK_THROWS_WITH_AS(load_checkpoint(folder.path / "c.safetensors", saved.objective, state),
                       doctest::Contains("c.safetensors"), DataError);
}

TEST_CASE("a checkpoint tells its vocabulary, and another one of the same size is refused") {
  const ScratchFolder folder;
  const fs::path path = folder.path / "c.safetensors", older = folder.path / "older.safetensors";
  Saved saved;
  save_checkpoint(path, saved.config, saved.objective, saved.state);
  CHECK(vocabulary_of(path) == 0xfedcba9876543210u);
  CHECK_NOTHROW(check_vocabulary(path, 0xfedcba9876543210u));
  CHECK_NOTHROW(check_vocabulary(path, 0));  // of fairseq's files it is not known
  CHECK_THROWS_WITH_AS(check_vocabulary(path, 0x12),
                       doctest::Contains("expected fedcba9876543210, found 0000000000000012"), DataError);
  saved.state.vocabulary = 0;  // as in files of before it was kept
  save_checkpoint(older, saved.config, saved.objective, saved.state);
  CHECK(SafetensorsReader(older).metadata().count("vocabulary") == 0);
  CHECK_NOTHROW(check_vocabulary(older, 0x12));
  TrainingState state(saved.objective.layout());
  load_checkpoint(older, saved.objective, state);
  CHECK(state.vocabulary == 0);
}

TEST_CASE("a file of weights alone cannot be resumed from") {
  const ScratchFolder folder;
  const float values[2] = {1, 2};
  write_safetensors(folder.path / "w.safetensors",
                    std::vector<TensorToStore>{{"weight", Dtype::f32, {2}, values}});
  LinearObjective objective;
  TrainingState state(objective.layout());
  CHECK_THROWS_WITH_AS(load_checkpoint(folder.path / "w.safetensors", objective, state),
                       doctest::Contains("init.from"), DataError);
}

TEST_CASE("new training starts from old weights") {
  const ScratchFolder folder;
  Saved saved;
  const fs::path path = folder.path / "c.safetensors";
  save_checkpoint(path, saved.config, saved.objective, saved.state);
  LinearObjective other(77);
  SUBCASE("teacher from the teacher") {
    init_weights({path.string(), InitTeacher::teacher}, other);
    CHECK(same(other.layout(), other.teacher(), saved.objective.teacher(), true));
  }
  SUBCASE("teacher from the student") {
    init_weights({path.string(), InitTeacher::student}, other);
    CHECK(same(other.layout(), other.teacher(), saved.objective.weights(), true));
  }
  CHECK(same(other.layout(), other.weights(), saved.objective.weights()));
}

TEST_CASE("learned positions are interpolated to the new grid") {
  const ScratchFolder folder;
  LinearObjective three(1, 3), five(2, 5);
  view_of(three.weights(), three.layout().at("positions")).fill_(4);
  view_of(three.teacher(), three.layout().at("positions")).fill_(8);
  save_checkpoint(folder.path / "c.safetensors", {}, three, TrainingState(three.layout()));
  init_weights({(folder.path / "c.safetensors").string(), InitTeacher::teacher}, five);
  const auto positions = view_of(five.weights(), five.layout().at("positions"));
  CHECK(positions.size(1) == 25);
  CHECK(at::allclose(positions, at::full_like(positions, 4.0)));
  CHECK(at::allclose(view_of(five.teacher(), five.layout().at("positions")), at::full_like(positions, 8.0)));
  CHECK(at::equal(view_of(five.weights(), five.layout().at("weight")),
                  view_of(three.weights(), three.layout().at("weight"))));
}

TEST_CASE("a spectrogram model goes on with more frames: its fixed positions are those of the new grid") {
  const ScratchFolder folder;
  Config config;
  config.model.modality = Modality::spectrogram;
  config.spectrogram.bins = 16;
  config.spectrogram.patch = 8;
  config.model.dim = config.decoder.dim = 32;
  config.model.heads = 4;
  config.model.prenet_depth = 0;
  config.model.depth = config.target.layers = 1;
  config.decoder.layers = 1;
  config.spectrogram.frames = 24;
  Data2Vec2 shorter(config, Precision::fp32);
  save_checkpoint(folder.path / "c.safetensors", config, shorter, TrainingState(shorter.layout()));
  config.spectrogram.frames = 40;
  config.run.seed = 2;
  Data2Vec2 longer(config, Precision::fp32);
  const std::string name = "modality_encoders.IMAGE.fixed_positional_encoder.positions";
  const at::Tensor positions = view_of(longer.weights(), longer.layout().at(name)).clone();
  CHECK(positions.size(1) == 5 * 2);
  init_weights({(folder.path / "c.safetensors").string(), InitTeacher::teacher}, longer);
  CHECK(at::equal(view_of(longer.weights(), longer.layout().at(name)), positions));
  CHECK(at::equal(view_of(longer.teacher(), longer.layout().at(name)), positions));
  for (const Parameter& p : longer.layout().all())
    if (p.name != name)
      CHECK(at::equal(view_of(longer.weights(), p), view_of(shorter.weights(), shorter.layout().at(p.name))));
}

TEST_CASE("old weights of another model are refused by name") {
  const ScratchFolder folder;
  Saved saved;
  save_checkpoint(folder.path / "c.safetensors", saved.config, saved.objective, saved.state);
  LinearObjective with_positions(1, 3);
  CHECK_THROWS_WITH_AS(
      init_weights({(folder.path / "c.safetensors").string(), InitTeacher::teacher}, with_positions),
      doctest::Contains("positions"), DataError);
  CHECK_THROWS_AS(init_weights({(folder.path / "absent").string(), InitTeacher::teacher}, with_positions),
                  DataError);
}

TEST_CASE("the newest complete checkpoint is found, a cut one is passed over") {
  const ScratchFolder run;
  fs::create_directories(run.path / "checkpoints");
  CHECK_FALSE(latest_checkpoint(run.path).has_value());
  CHECK_THROWS_WITH_AS(find_checkpoint(run.path), doctest::Contains("holds no checkpoint"), DataError);
  Saved saved;
  for (const int64_t update : {9, 10, 123456789}) {
    save_checkpoint(checkpoint_path(run.path, update), saved.config, saved.objective, saved.state);
  }
  std::ofstream(run.path / "checkpoints/update_x.safetensors") << "not one of ours";
  CHECK(latest_checkpoint(run.path)->update == 123456789);
  cut_in_half(checkpoint_path(run.path, 123456789));
  CHECK(latest_checkpoint(run.path)->update == 10);
  CHECK(find_checkpoint(run.path) == checkpoint_path(run.path, 10));
  CHECK(find_checkpoint(checkpoint_path(run.path, 9)) == checkpoint_path(run.path, 9));
  cut_in_half(checkpoint_path(run.path, 10));
  cut_in_half(checkpoint_path(run.path, 9));
  CHECK_THROWS_WITH_AS(latest_checkpoint(run.path), doctest::Contains("no checkpoint of"), DataError);
}

TEST_CASE("old checkpoints go, round ones stay") {
  const ScratchFolder run;
  fs::create_directories(run.path / "checkpoints");
  for (int64_t update = 10; update <= 100; update += 10)
    std::ofstream(checkpoint_path(run.path, update)) << update;
  prune_checkpoints(run.path, 2, 40);
  std::vector<int64_t> left;
  for (const auto& file : list_checkpoints(run.path)) left.push_back(file.update);
  CHECK(left == std::vector<int64_t>{100, 90, 80, 40});
}
