#include "d2v/eval/folder_samples.h"

#include <set>

#include "d2v/base/check.h"
#include "d2v/eval/simple_features.h"
#include "d2v/nn/aten.h"
#include "d2v/pipeline/image_source.h"
#include "d2v/pipeline/labelled_source.h"
#include "test_data.h"
#include "tiny_model.h"

#include "doctest.h"

using namespace d2v;

namespace {

Config config_of(const std::filesystem::path& pictures) {
  Config config = test::tiny_config();
  config.data.path = pictures.string();
  config.probe.batch = 4;
  return config;
}

// Noise of a third of a second and more, 16 kHz, as WAV; lengths differ from file to file.
void make_up_recordings(const std::filesystem::path& folder, int each) {
  for (const std::string name : {"high", "low"}) {
    for (int i = 0; i < each; ++i) {
      Philox noise({.sample = static_cast<uint64_t>(i), .clone = name == "low" ? 1u : 2u});
      std::string data;
      int32_t last = 0;
      for (int k = 0; k < 5000 + 1500 * i; ++k) {
        const int32_t next = static_cast<int32_t>(noise.below(8000)) - 4000;
        const auto value = static_cast<int16_t>(name == "low" ? (last = (7 * last + next) / 8) : next);
        data.append(reinterpret_cast<const char*>(&value), 2);
      }
      std::string bytes = "RIFF";
      const auto put = [&](auto value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); };
      put(static_cast<uint32_t>(36 + data.size()));
      bytes += "WAVEfmt ";
      put(uint32_t{16}), put(uint16_t{1}), put(uint16_t{1}), put(uint32_t{16000}), put(uint32_t{32000});
      put(uint16_t{2}), put(uint16_t{16});
      bytes += "data";
      put(static_cast<uint32_t>(data.size()));
      test::write_text(folder / name / (std::to_string(i) + ".wav"), bytes + data);
    }
  }
}

Config tiny_sequence_config(Modality modality, const std::filesystem::path& path) {
  Config config = test::tiny_config();
  config.model.modality = modality;
  config.model.extra_tokens = 0;
  config.loss.cls = 0;
  config.speech.conv_layers = "32:10:5, 32:8:8, 32:8:8";
  config.speech.positions_depth = 2;
  config.speech.positions_width = 8;
  config.speech.positions_groups = 4;
  config.text.block = config.text.max_positions = 32;
  config.data.path = path.string();
  return config;
}

// Features of all samples at `batch` per forward pass.
at::Tensor features_at(const FolderSource& source, Config config, Objective& objective, int64_t batch) {
  config.probe.batch = batch;
  return extract(folder_samples(source, config),
                 {network_features("n", objective, Network::student, {2, 4}, Pooling::mean)})
      .sources[0]
      .values;
}

}  // namespace

TEST_CASE("every picture comes once, in order, with its label") {
  const test::ScratchFolder scratch("pictures");
  test::make_up_pictures(scratch.path, 5);
  const Config config = config_of(scratch.path);
  const ImageSource source = scan_images(scratch.path, config.data);
  const Samples pictures = folder_samples(source, config);
  CHECK(at::equal(pictures.labels, at::tensor({0, 0, 0, 0, 0, 1, 1, 1, 1, 1}, at::kLong)));
  std::vector<int64_t> seen;
  pictures.each_batch([&](const SampleBatch& batch) {
    const auto& [rows, pixels, lengths, extents, texts] = batch;
    CHECK(pixels.sizes() == at::IntArrayRef({static_cast<int64_t>(rows.size()), 3, 16, 16}));
    seen.insert(seen.end(), rows.begin(), rows.end());
  });
  CHECK(seen == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("parts made by key share no picture and hold every class") {
  const test::ScratchFolder scratch("split");
  test::make_up_pictures(scratch.path, 40);
  const ProbeFolder folder = probe_folder(config_of(scratch.path));
  CHECK(folder.train.size() + folder.valid.size() + folder.test.size() == 80);
  std::set<uint64_t> ids;
  for (const ImageSource* part : {&folder.train, &folder.valid, &folder.test}) {
    std::set<int32_t> classes;
    for (const ImageSample& sample : part->samples) ids.insert(sample.id), classes.insert(sample.label);
    CHECK(classes.size() == 2);
  }
  CHECK(ids.size() == 80);
  CHECK(folder.splits().classes == std::vector<std::string>{"blue", "red"});
}

TEST_CASE("folds hold every picture once, the user's own parts too; probe.max_train limits training only") {
  const test::ScratchFolder scratch("folds");
  for (const char* part : {"train", "test"}) test::make_up_pictures(scratch.path / part, 6);
  Config config = config_of(scratch.path);
  config.probe.max_train = 5;
  const FoldedFolder folder = folded_folder(config, 4, {});
  const FoldedSamples data = folder.samples();
  CHECK(data.classes == std::vector<std::string>{"blue", "red"});
  CHECK(data.samples.size() == 24);
  CHECK(data.simple[0].source.name == "raw pixels");
  REQUIRE(data.folds.size() == 4);
  std::set<int64_t> tested;
  for (const FoldRows& fold : data.folds) {
    CHECK(fold.train.size(0) == 5);
    for (int64_t i = 0; i < fold.test.size(0); ++i) tested.insert(fold.test[i].item<int64_t>());
  }
  CHECK(tested.size() == 24);
  // The pattern's groups are pictures of one number: "0" to "5", of both classes and parts.
  const FoldedFolder by_name = folded_folder(config, 0, "^([0-9])");
  CHECK(by_name.folds.names == std::vector<std::string>{"0", "1", "2", "3", "4", "5"});
  CHECK(by_name.samples().folds[0].test.size(0) == 4);
  CHECK_THROWS_AS(folded_folder(config, 13, {}), DataError);
  CHECK_THROWS_AS(folded_folder(config, 0, "_([a-z]+)_"), DataError);
}

TEST_CASE("the user's own parts are kept, and probe.max_train limits training only") {
  const test::ScratchFolder scratch("parts");
  for (const char* part : {"train", "val", "test"}) test::make_up_pictures(scratch.path / part, 6);
  Config config = config_of(scratch.path);
  config.probe.max_train = 5;
  const ProbeFolder folder = probe_folder(config);
  CHECK(folder.train.size() == 5);
  CHECK(folder.valid.size() == 12);
  CHECK(folder.test.size() == 12);
  CHECK(folder.test.samples[0].path.starts_with("test/"));
}

TEST_CASE("pictures without classes are an error that says how to sort them") {
  const test::ScratchFolder scratch("no_classes");
  test::make_up_pictures(scratch.path / "one", 3);
  std::filesystem::rename(scratch.path / "one" / "red", scratch.path / "only");
  CHECK_THROWS_WITH_AS(probe_folder(config_of(scratch.path / "only")), doctest::Contains("one per class"),
                       DataError);
  CHECK_THROWS_AS(probe_folder(config_of(scratch.path / "nowhere")), DataError);
  CHECK_THROWS_WITH_AS(probe_folder(config_of("")), doctest::Contains("--data.path"), UsageError);
}

TEST_CASE("a recording's features are the same alone and padded in a batch; its simple features too") {
  const test::ScratchFolder scratch("recordings");
  make_up_recordings(scratch.path, 3);
  const Config config = tiny_sequence_config(Modality::speech, scratch.path);
  const auto objective = make_objective(config, Precision::fp32);
  const FolderSource source = open_labelled(config);
  REQUIRE(source.size() == 6);
  const at::Tensor alone = features_at(source, config, *objective, 1);
  const at::Tensor padded = features_at(source, config, *objective, 6);
  CHECK((alone - padded).abs().max().item<float>() < 1e-4f * alone.abs().max().item<float>());
  CHECK((alone[0] - alone[1]).abs().max().item<float>() > 1e-3f);
  int64_t batches_with_padding = 0;
  folder_samples(source, config).each_batch([&](const SampleBatch& batch) {
    batches_with_padding += batch.lengths.defined();
    CHECK(batch.extents == std::vector<int64_t>{5000, 6500, 8000, 5000, 6500, 8000});
  });
  CHECK(batches_with_padding == 1);
  const auto simple = simple_features(source, config);
  REQUIRE(simple.size() == 2);
  CHECK(simple[0].source.name == "log-mel");
  CHECK(simple[1].source.name == "MFCC");
}

TEST_CASE("recordings by class: the speech probe has its rows, and simple features tell noise from noise") {
  const test::ScratchFolder scratch("speech_probe");
  make_up_recordings(scratch.path, 12);
  Config config = tiny_sequence_config(Modality::speech, scratch.path);
  config.probe.k = 3;
  const auto objective = make_objective(config, Precision::fp32);
  const ProbeFolder folder = probe_folder(config);
  const ProbeResult result = run_probe(
      folder.splits(), {objective.get(), objective.get(), 4, true, "last", Pooling::mean}, config.probe);
  REQUIRE(result.rows.size() == 10);
  CHECK(result.samples == "recordings");
  CHECK(result.rows[3].network == "log-mel");
  CHECK(result.rows[4].network == "MFCC");
  CHECK(result.rows[3].test.value == 1);
  CHECK(probe_sentences(result)[0].find("log-mel (100.0 %") != std::string::npos);
}

TEST_CASE("recordings with a speaker left out: the table has its rows, each speaker is a fold") {
  const test::ScratchFolder scratch("speech_folds");
  make_up_recordings(scratch.path, 12);
  for (const char* name : {"high", "low"})  // 0.wav becomes 0_ann_.wav
    for (int i = 0; i < 12; ++i)
      std::filesystem::rename(
          scratch.path / name / fmt::format("{}.wav", i),
          scratch.path / name / fmt::format("{}_{}_.wav", i, std::vector{"ann", "bob", "cem"}[i % 3]));
  Config config = tiny_sequence_config(Modality::speech, scratch.path);
  config.probe.k = 3;
  const auto objective = make_objective(config, Precision::fp32);
  const FoldedFolder folder = folded_folder(config, 0, "_([a-z]+)_");
  const ProbeResult result = run_probe_folds(
      folder.samples(), {objective.get(), objective.get(), 4, true, "last", Pooling::mean}, config.probe);
  REQUIRE(result.rows.size() == 10);
  CHECK(result.folds == std::vector<std::string>{"ann", "bob", "cem"});
  CHECK(result.rows[3].network == "log-mel");
  CHECK(result.rows[3].test.n == 24);
  CHECK(result.rows[3].test.value == 1);
  CHECK(result.rows[0].folds[1].n == 8);
}

TEST_CASE("a text's features are the same alone and padded in a batch; equal texts stay in one part") {
  D2V_NEED_TEST_DATA("datasets/text/sentencepiece");
  const test::ScratchFolder scratch("texts");
  std::string table = "label\tsentence\n";
  for (int i = 0; i < 12; ++i)
    table += fmt::format("{}\t{} film of {} parts{}\n", i % 2 ? "good" : "bad", i % 2 ? "a fine" : "a dull",
                         i, i % 3 ? "" : " , and long , and longer than the others");
  for (int i = 0; i < 4; ++i) table += "good\tthe same words\n";
  test::write_text(scratch.path / "t.tsv", table);
  Config config = tiny_sequence_config(Modality::text, scratch.path / "t.tsv");
  for (const auto& file :
       std::filesystem::directory_iterator(test::test_data() / "datasets/text/sentencepiece"))
    if (file.path().extension() == ".model") config.text.vocabulary = file.path().string();
  const FolderSource source = open_labelled(config);
  config.text.vocabulary_size = source.texts->vocabulary.size;
  const auto objective = make_objective(config, Precision::fp32);
  const at::Tensor alone = features_at(source, config, *objective, 1);
  const at::Tensor padded = features_at(source, config, *objective, 16);
  CHECK((alone - padded).abs().max().item<float>() < 1e-4f * alone.abs().max().item<float>());
  CHECK((alone[0] - alone[1]).abs().max().item<float>() > 1e-3f);
  CHECK(at::equal(alone[14], alone[15]));
  const ProbeFolder folder = probe_folder(config);
  int parts = 0;
  for (const FolderSource* part : {&folder.train, &folder.valid, &folder.test}) {
    bool there = false;
    for (const FolderSample& sample : part->samples)
      there |= source.texts->texts[static_cast<size_t>(sample.text)] == "the same words";
    parts += there;
  }
  CHECK(parts == 1);
  CHECK(folder.splits().simple[0].source.name == "TF-IDF");
  const FoldedFolder folded = folded_folder(config, 3, {});
  const FoldedSamples data = folded.samples();
  CHECK(data.simple.empty());  // the words are those of what trains a fold
  config.probe.k = 3;
  const ProbeResult result =
      run_probe_folds(data, {objective.get(), objective.get(), 4, true, "last", Pooling::mean}, config.probe);
  REQUIRE(result.rows.size() == 8);
  CHECK(result.rows[3].network == "TF-IDF");
  CHECK(result.rows[3].test.n == 16);
}

TEST_CASE(
    "spectrograms of recordings: features do not depend on the batch, simple ones leave the filling out") {
  const test::ScratchFolder scratch("spectrograms");
  make_up_recordings(scratch.path, 12);
  Config config = test::tiny_config();
  config.model.modality = Modality::spectrogram;
  config.spectrogram.bins = 16;
  config.spectrogram.frames = 32;
  config.spectrogram.patch = 8;
  config.data.path = scratch.path.string();
  config.probe.k = 3;
  const auto objective = make_objective(config, Precision::fp32);
  const FolderSource source = open_labelled(config);
  REQUIRE(source.size() == 24);
  const at::Tensor alone = features_at(source, config, *objective, 1);
  const at::Tensor together = features_at(source, config, *objective, 24);
  CHECK((alone - together).abs().max().item<float>() < 1e-4f * alone.abs().max().item<float>());
  folder_samples(source, config).each_batch([&](const SampleBatch& batch) {
    CHECK(batch.input.sizes() == at::IntArrayRef({static_cast<int64_t>(batch.rows.size()), 1, 32, 16}));
    CHECK_FALSE(batch.lengths.defined());
    REQUIRE(batch.extents.size() == batch.rows.size());
    for (size_t i = 0; i < batch.rows.size(); ++i)  // the first of a class has 5000 samples
      CHECK(batch.extents[i] == (batch.rows[i] % 12 == 0 ? 29 : 32));
    const at::Tensor statistics = spectrogram_statistics("log-mel").compute(batch);
    CHECK(statistics.sizes() == at::IntArrayRef({batch.input.size(0), 1, 32}));
    for (size_t i = 0; i < batch.rows.size(); ++i) {
      const at::Tensor valid = batch.input[static_cast<int64_t>(i)][0].slice(0, 0, batch.extents[i]);
      CHECK(at::allclose(statistics[static_cast<int64_t>(i)][0].slice(0, 0, 16), valid.mean(0), 1e-4, 1e-5));
    }
    CHECK(spectrogram_mfcc_statistics("MFCC").compute(batch).size(2) == 2 * 16);
  });
  const ProbeFolder folder = probe_folder(config);
  for (const Pooling pooling : {Pooling::mean, Pooling::cls}) {
    const ProbeResult result = run_probe(
        folder.splits(), {objective.get(), objective.get(), 4, true, "last", pooling}, config.probe);
    REQUIRE(result.rows.size() == 10);
    CHECK(result.samples == "recordings");
    CHECK(result.rows[3].network == "log-mel");
    CHECK(result.rows[3].test.value == 1);
  }
}
