// Spectrograms through the loader: the grid, random and middle spans, short and silent recordings, any number of threads.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <span>

#include "audio_support.h"
#include "d2v/base/check.h"
#include "d2v/pipeline/audio_reader.h"
#include "d2v/pipeline/audio_source.h"
#include "d2v/pipeline/labelled_source.h"
#include "d2v/pipeline/masks.h"
#include "d2v/pipeline/sources.h"
#include "d2v/pipeline/spectrogram.h"
#include "loader_support.h"

#include "doctest.h"

using namespace d2v;
using test::contains;

namespace {

// 6 x 2 patches of 48 frames, half a second, and 16 bins.
const SpectrogramConfig kSmall{.bins = 16, .frames = 48, .patch = 8};

// Twenty recordings of 0.2 seconds to 2.1; the even ones are class a.
struct Clips {
  test::TemporaryFolder folder;
  FolderSource source;
  explicit Clips(int silent = 0) {
    for (int i = 0; i < 20; ++i) {
      std::string bytes = test::wav_bytes(test::tone(0.2 + 0.1 * i, 8000, 300 + 50 * i), 8000);
      if (i % 10 == 5 && i / 10 < silent) std::fill(bytes.begin() + 44, bytes.end(), '\0');
      test::write(folder.path() / fmt::format("{}/{:02}.wav", i % 2 == 0 ? "a" : "b", i), bytes);
    }
    source = scan_recordings(folder.path(), {}, RecordingLimits(kSmall), {});
  }
};

LoaderSettings spectrogram_settings() {
  LoaderSettings settings = test::small_settings();
  settings.spectrogram = kSmall;
  settings.mask = {.prob = 0.5, .adjust = 0.3, .block = 2, .clones = 3};
  return settings;
}

// What the model is to see of a recording from sample `first` on.
std::vector<float> expected(const FolderSource& source, uint32_t row, int64_t first) {
  const Spectrogram spectrogram(kSmall);
  std::vector<float> sound = AudioReader(16000).read_all(source.file(row), 1 << 30);
  sound.erase(sound.begin(), sound.begin() + first);
  sound.resize(std::min(sound.size(), static_cast<size_t>(spectrogram.samples())));
  std::vector<float> out(48 * 16);
  spectrogram(sound, out);
  return out;
}

std::span<const float> sample(const Batch& batch, int64_t i) {
  return batch.input.span().subspan(static_cast<size_t>(i * 48 * 16), 48 * 16);
}

}  // namespace

TEST_CASE("recordings of spectrogram models: one window is enough, and they are called recordings") {
  const test::TemporaryFolder folder;
  test::write(folder.path() / "a/long.wav", test::wav_bytes(test::tone(1, 8000), 8000));
  test::write(folder.path() / "b/window.wav", test::wav_bytes(test::tone(0.026, 8000), 8000));
  test::write(folder.path() / "b/short.wav", test::wav_bytes(test::tone(0.024, 8000), 8000));
  Config config;
  config.model.modality = Modality::spectrogram;
  config.data.path = folder.path().string();
  const DataSources sources = open_sources(config);
  CHECK(sources.train->modality() == Modality::spectrogram);
  CHECK(sources.train->size() == 2);
  CHECK(sources.train->length(0) == 16000);
  CHECK(contains(sources.train->left_out()[0].reason,
                 "0.02 s are shorter than 0.03 s (spectrogram.min_seconds"));
  CHECK(contains(source_identity(*sources.train), "2 recordings, "));
  config.spectrogram.min_seconds = 0.5;
  CHECK(open_sources(config).train->size() == 1);
  const FolderSource labelled = open_labelled(config);  // min_seconds is about training
  CHECK(labelled.size() == 2);
  CHECK(labelled.modality() == Modality::spectrogram);
  CHECK(labelled.classes == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a slice is (B, 1, frames, bins), its masks are those of the rectangular grid") {
  const Clips data;
  const LoaderSettings settings = spectrogram_settings();
  const MaskPlan plan = plan_masks(settings.mask, {6, 2, false});
  Loader loader(data.source, settings);
  MaskScratch scratch;
  int64_t slices = 0;
  while (const BatchPtr batch = loader.next()) {
    ++slices;
    CHECK(batch->input_shape == std::vector<int64_t>{8, 1, 48, 16});
    CHECK(batch->input.size() == 8 * 48 * 16);
    CHECK(batch->positions == 12);
    CHECK(batch->visible_count == 6);
    CHECK(batch->lengths.size() == 0);
    CHECK(batch->tokens.size() == 0);
    CHECK(batch->update_sample_size == 8 * 3 * 6);
    for (int64_t b = 0; b < 8; ++b) {
      CHECK(batch->labels[b] == data.source.label(batch->rows[b]));
      for (int64_t m = 0; m < 3; ++m) {
        std::vector<int64_t> visible(6), masked(6);
        draw_mask(plan,
                  {.seed = settings.seed,
                   .stream = Stream::mask,
                   .step = static_cast<uint64_t>(batch->epoch),
                   .sample = batch->refs[b].id,
                   .occurrence = batch->refs[b].occurrence,
                   .clone = static_cast<uint32_t>(m)},
                  scratch, visible, masked);
        CHECK(std::equal(visible.begin(), visible.end(), batch->visible.data() + (b * 3 + m) * 6));
        CHECK(std::equal(masked.begin(), masked.end(), batch->masked.data() + (b * 3 + m) * 6));
      }
    }
  }
  CHECK(slices == 12);
}

TEST_CASE("blocks are rectangles of (row, column) where position = row · columns + column") {
  // One block of 3 x 3 somewhere on 7 x 4 positions, before the count is corrected.
  const MaskPlan plan =
      plan_masks({.kind = MaskKind::block, .prob = 0.33, .adjust = 0, .block = 3}, {7, 4, false});
  REQUIRE(plan.starts == 1);
  MaskScratch scratch;
  for (uint64_t id = 0; id < 100; ++id) {
    std::set<int64_t> rows, columns;
    const std::vector<int64_t> hidden = draw_uncorrected(plan, {.sample = id}, scratch);
    for (const int64_t at : hidden) rows.insert(at / 4), columns.insert(at % 4);
    CHECK(hidden.size() == rows.size() * columns.size());
    CHECK(rows.size() >= 2);
    CHECK(rows.size() <= 3);
    CHECK(*rows.rbegin() - *rows.begin() == static_cast<int64_t>(rows.size()) - 1);
    CHECK(*columns.rbegin() - *columns.begin() == static_cast<int64_t>(columns.size()) - 1);
  }
}

TEST_CASE("training takes another span of a long recording in every epoch, the same one for the same seed") {
  const Clips data;
  LoaderSettings settings = spectrogram_settings();
  settings.last_update = 20;
  std::map<uint64_t, std::set<std::vector<float>>> seen;
  Loader loader(data.source, settings);
  while (const BatchPtr batch = loader.next())
    for (int64_t b = 0; b < batch->samples; ++b)
      seen[batch->refs[b].id].insert({sample(*batch, b).begin(), sample(*batch, b).end()});
  const int64_t longest = spectrogram_samples(kSmall, 48);
  for (uint32_t row = 0; row < data.source.size(); ++row) {
    const auto& spans = seen.at(data.source.id(row));
    if (data.source.length(row) <= longest)
      CHECK(*spans.begin() == expected(data.source, row, 0));
    else if (data.source.length(row) > 2 * longest)
      CHECK(spans.size() > 2);
    if (data.source.length(row) <= longest) CHECK(spans.size() == 1);
  }
  const auto one = test::read_all(data.source, settings);
  settings.threads = 4;
  CHECK(test::read_all(data.source, settings) == one);
  settings.first_update = 7;
  const auto late = test::read_all(data.source, settings);
  CHECK(std::equal(late.rbegin(), late.rend(), one.rbegin()));
}

TEST_CASE("evaluation and embeddings take the middle, and a short recording's later rows are one value") {
  const Clips data;
  LoaderSettings settings = spectrogram_settings();
  const int64_t longest = spectrogram_samples(kSmall, 48);
  for (const LoaderMode mode : {LoaderMode::evaluate, LoaderMode::embed}) {
    settings.mode = mode;
    Loader loader(data.source, settings);
    int64_t row = 0, padded = 0;
    while (const BatchPtr batch = loader.next()) {
      for (int64_t b = 0; b < batch->samples; ++b, ++row) {
        REQUIRE(batch->rows[b] == row);
        const int64_t all = data.source.length(static_cast<uint32_t>(row));
        const auto middle = expected(data.source, batch->rows[b], std::max<int64_t>(all - longest, 0) / 2);
        const auto have = sample(*batch, b);
        CHECK(std::equal(have.begin(), have.end(), middle.begin()));
        const int64_t filled = spectrogram_frames(kSmall, all) * 16;
        padded += filled < 48 * 16;
        for (int64_t i = filled; i < 48 * 16; ++i) CHECK(have[i] == doctest::Approx(4.268 / (2 * 4.569)));
      }
    }
    CHECK(row == 20);
    CHECK(padded == 3);
  }
}

TEST_CASE("a silent recording is named and replaced") {
  const Clips data(2);
  LoaderSettings settings = spectrogram_settings();
  Loader loader(data.source, settings);
  while (const BatchPtr batch = loader.next()) {
    CHECK(batch->samples == 8);
    for (const float x : batch->input.span()) CHECK(std::isfinite(x));
  }
  REQUIRE(loader.bad_files().size() == 2);
  CHECK(loader.bad_files()[0].path == "b/05.wav");
  CHECK(contains(loader.bad_files()[0].reason, "silent"));
}

TEST_CASE("spectrogram settings that do not fit are refused before anything is read") {
  const Clips data;
  const auto refused = [&](auto change) {
    LoaderSettings settings = spectrogram_settings();
    change(settings);
    return test::message_of<UsageError>([&] { Loader loader(data.source, settings); });
  };
  CHECK(contains(refused([](auto& s) { s.spectrogram.patch = 5; }), "spectrogram.patch: 5 does not divide"));
  CHECK(contains(refused([](auto& s) { s.spectrogram.low_hertz = 8000; }), "the band from"));
  CHECK(contains(refused([](auto& s) { s.mask.kind = MaskKind::spans; }), "draws runs"));
  CHECK(contains(refused([](auto& s) { s.mask.prob = 1; }), "keeps none of the 12 positions"));
}
