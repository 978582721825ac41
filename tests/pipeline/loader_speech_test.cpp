// Speech through the loader: shapes, crops, padding, normalisation, replacements, the same stream for any threads.
#include <map>
#include <set>

#include "audio_support.h"
#include "d2v/base/check.h"
#include "d2v/base/conv_layers.h"
#include "d2v/pipeline/audio_reader.h"
#include "d2v/pipeline/audio_source.h"
#include "loader_support.h"

#include "doctest.h"

using namespace d2v;
using test::contains;

namespace {

// Thirty recordings of one second to nearly four, in two classes.
struct Utterances {
  test::TemporaryFolder folder;
  FolderSource source;
  explicit Utterances(int broken = 0) {
    for (int i = 0; i < 30; ++i) {
      const std::string name = fmt::format("{}/{:02}.wav", i % 2 == 0 ? "a" : "b", i);
      std::string bytes = test::wav_bytes(test::tone(1 + 0.1 * i, 8000, 300 + 20 * i), 8000);
      // Broken in its sound, not in its header: silence.
      if (i % 10 == 5 && i / 10 < broken) std::fill(bytes.begin() + 44, bytes.end(), '\0');
      test::write(folder.path() / name, bytes);
    }
    source = scan_recordings(folder.path(), {}, {.min_seconds = 0.5}, {});
  }
};

LoaderSettings speech_settings(Padding padding, double batch_seconds = 12) {
  LoaderSettings settings = test::small_settings();
  settings.speech = {
      .min_seconds = 0.5, .max_seconds = 3, .batch_seconds = batch_seconds, .padding = padding};
  settings.mask = {.kind = MaskKind::block, .prob = 0.5, .adjust = 0.05, .block = 5, .clones = 3};
  return settings;
}

}  // namespace

TEST_CASE("a slice is cut to its shortest recording before the masks are drawn") {
  const Utterances data;
  const LoaderSettings settings = speech_settings(Padding::crop);
  const auto layers = parse_conv_layers(settings.speech.conv_layers);
  Loader loader(data.source, settings);
  int slices = 0;
  while (const BatchPtr batch = loader.next()) {
    ++slices;
    const int64_t samples = batch->input_shape.at(1);
    CHECK(batch->input_shape == std::vector<int64_t>{batch->samples, samples});
    CHECK(batch->input.size() == static_cast<size_t>(batch->samples * samples));
    CHECK(batch->samples * samples <= 12 * 16000);
    CHECK(batch->positions == conv_frames(layers, samples));
    CHECK(batch->lengths.size() == 0);
    CHECK(batch->tokens.size() == 0);
    const int64_t masked = batch->positions - batch->visible_count;
    CHECK(masked == batch->positions / 2);
    CHECK(batch->masked.size() == static_cast<size_t>(batch->samples * 3 * masked));
    CHECK(batch->update_sample_size == batch->samples * 3 * masked);
    int64_t shortest = 3 * 16000;
    for (int64_t b = 0; b < batch->samples; ++b) {
      shortest = std::min(shortest, data.source.length(batch->rows[b]));
      CHECK(batch->labels[b] == data.source.label(batch->rows[b]));
      double mean = 0, variance = 0;
      for (int64_t i = 0; i < samples; ++i) mean += batch->input.data()[b * samples + i];
      mean /= static_cast<double>(samples);
      for (int64_t i = 0; i < samples; ++i)
        variance += std::pow(batch->input.data()[b * samples + i] - mean, 2);
      CHECK(std::abs(mean) < 1e-5);
      CHECK(variance / static_cast<double>(samples) == doctest::Approx(1).epsilon(1e-3));
    }
    CHECK(samples == shortest);
  }
  CHECK(slices == 12);
}

TEST_CASE("a crop is the span of the recording that the reader gives, another one in every epoch") {
  const Utterances data;
  LoaderSettings settings = speech_settings(Padding::crop);
  settings.speech.normalize = false;
  settings.last_update = 40;
  std::map<uint64_t, std::set<int64_t>> starts;
  const AudioReader reader(16000);
  Loader loader(data.source, settings);
  while (const BatchPtr batch = loader.next()) {
    const int64_t samples = batch->input_shape.at(1);
    for (int64_t b = 0; b < batch->samples; ++b) {
      const std::vector<float> whole = reader.read_all(data.source.file(batch->rows[b]), 1 << 30);
      const float* crop = batch->input.data() + b * samples;
      const auto at = std::search(whole.begin(), whole.end(), crop, crop + samples);
      CHECK(at != whole.end());
      starts[batch->refs[b].id].insert(at - whole.begin());
    }
  }
  size_t several = 0;
  for (const auto& [id, seen] : starts) several += seen.size() > 1;
  CHECK(several > 20);
}

TEST_CASE("padding: whole recordings, lengths in frames, masks on valid frames only and equal in number") {
  const Utterances data;
  LoaderSettings settings = speech_settings(Padding::exact, 0);
  settings.data.batch = 6;
  settings.accumulate = 2;
  settings.last_update = 5;
  const auto layers = parse_conv_layers(settings.speech.conv_layers);
  Loader loader(data.source, settings);
  std::map<int64_t, int64_t> promised, found;
  int padded = 0;
  while (const BatchPtr batch = loader.next()) {
    const int64_t samples = batch->input_shape.at(1), kept = batch->visible_count;
    const int64_t masked = batch->positions - kept;
    promised[batch->update] = batch->update_sample_size;
    found[batch->update] += batch->samples * 3 * masked;
    if (batch->lengths.size() == 0) continue;  // all of them longer than speech.max_seconds
    ++padded;
    REQUIRE(batch->lengths.size() == static_cast<size_t>(batch->samples));
    int64_t shortest = batch->positions;
    for (int64_t b = 0; b < batch->samples; ++b) {
      const int64_t used = std::min<int64_t>(data.source.length(batch->rows[b]), 3 * 16000);
      const int64_t valid = batch->lengths.data()[b];
      shortest = std::min(shortest, valid);
      CHECK(valid == conv_frames(layers, used));
      for (int64_t i = used; i < samples; ++i) CHECK(batch->input.data()[b * samples + i] == 0);
      for (int64_t m = 0; m < 3; ++m) {
        std::vector<int64_t> all(batch->visible.data() + (b * 3 + m) * kept,
                                 batch->visible.data() + (b * 3 + m + 1) * kept);
        CHECK(std::is_sorted(all.begin(), all.end()));
        const int64_t* hidden = batch->masked.data() + (b * 3 + m) * masked;
        CHECK(hidden[masked - 1] < valid);
        all.insert(all.end(), hidden, hidden + masked);
        std::sort(all.begin(), all.end());
        for (int64_t t = 0; t < batch->positions; ++t) CHECK(all[t] == t);
      }
    }
    CHECK(masked == shortest / 2);
  }
  CHECK(promised == found);
  CHECK(padded > 4);
}

TEST_CASE("the stream of speech is the same for any number of threads and any start, with silent files too") {
  for (const Padding padding : {Padding::crop, Padding::exact}) {
    const Utterances data(2);
    LoaderSettings settings = speech_settings(padding);
    settings.accumulate = 2;
    const auto one = test::read_all(data.source, settings);
    settings.threads = 4;
    CHECK(test::read_all(data.source, settings) == one);
    settings.first_update = 7;
    const auto late = test::read_all(data.source, settings);
    CHECK(std::equal(late.rbegin(), late.rend(), one.rbegin()));
    CHECK(late.front().update == 7);
  }
}

TEST_CASE("a silent recording is named and replaced by one that is long enough") {
  const Utterances data(3);
  LoaderSettings settings = speech_settings(Padding::crop);
  settings.last_update = 30;
  Loader loader(data.source, settings);
  while (const BatchPtr batch = loader.next()) {
    for (const uint32_t row : batch->rows)
      CHECK(std::min<int64_t>(data.source.length(row), 3 * 16000) >= batch->input_shape.at(1));
  }
  REQUIRE(loader.bad_files().size() == 3);
  CHECK(loader.bad_files()[0].path == "b/05.wav");
  CHECK(contains(loader.bad_files()[0].reason, "silent"));
}

TEST_CASE("embedding pads instead of cutting: a recording's numbers do not depend on its batch") {
  const Utterances data;
  LoaderSettings settings = speech_settings(Padding::crop);
  settings.mode = LoaderMode::embed;
  settings.data.batch = 30;
  const auto together = test::read_all(data.source, settings);
  settings.data.batch = 1;
  const auto alone = test::read_all(data.source, settings);
  REQUIRE(together.size() == 1);
  REQUIRE(alone.size() == 30);
  const size_t longest = together[0].input.size() / 30;
  for (size_t i = 0; i < 30; ++i) {
    CHECK(alone[i].refs[0] == together[0].refs[i]);
    CHECK(std::equal(alone[i].input.begin(), alone[i].input.end(), together[0].input.begin() + i * longest));
  }
}

TEST_CASE("speech settings that do not fit are refused before anything is read") {
  const Utterances data;
  CHECK(contains(
      test::message_of<UsageError>([&] { Loader loader(data.source, speech_settings(Padding::crop, 2)); }),
      "speech.batch_seconds"));
  LoaderSettings settings = speech_settings(Padding::crop);
  settings.mask.prob = 1;
  CHECK(contains(test::message_of<UsageError>([&] { Loader loader(data.source, settings); }), "keeps none"));
}
