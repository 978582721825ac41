// Made-up data of every modality whose reads a test watches, delays or breaks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "d2v/pipeline/audio_source.h"
#include "d2v/pipeline/mixed_source.h"
#include "d2v/pipeline/open_samples.h"
#include "d2v/pipeline/text_source.h"
#include "loader_support.h"

namespace d2v::test {

// Called before every read, on the loader's thread. What it throws, the read throws.
using Hook = std::function<void(size_t row)>;

struct WatchedFolder : FolderSource {
  WatchedFolder(FolderSource source, Hook hook) : FolderSource(std::move(source)), before(std::move(hook)) {}
  ByteSource bytes_of(size_t row, std::vector<uint8_t>& memory) const override {
    before(row);
    return FolderSource::bytes_of(row, memory);
  }
  void read(size_t row, std::vector<uint8_t>& bytes) const override {
    if (made) before(row);  // else through bytes_of
    FolderSource::read(row, bytes);
  }
  Hook before;
};

struct WatchedText : TextSource {
  WatchedText(TextSource source, Hook hook) : TextSource(std::move(source)), before(std::move(hook)) {}
  void read(const TextBlock& block, std::span<int64_t> out) const override {
    before(static_cast<size_t>(&block - blocks.data()));
    TextSource::read(block, out);
  }
  Hook before;
};

inline std::shared_ptr<const Source> watched_pictures(const std::string& spec, const Hook& hook) {
  return std::make_shared<WatchedFolder>(open_pictures(spec, {}), hook);
}

// A data set and settings that suit it.
struct WatchedSet {
  std::string name;
  std::shared_ptr<const Source> source;
  LoaderSettings settings;
};

// One of every modality and a mix. No size is a multiple of a batch.
inline std::vector<WatchedSet> watched_sets(const Hook& hook = [](size_t) {}) {
  std::vector<WatchedSet> sets;
  LoaderSettings settings = small_settings();
  settings.data.drop_last = false;
  settings.data.max_bad_fraction = 0.5;
  sets.push_back({"pictures", watched_pictures("synthetic:samples=41/side=24", hook), settings});

  std::vector<MixPart> parts{{watched_pictures("synthetic:samples=21/side=24", hook), 1},
                             {watched_pictures("synthetic:samples=20/side=20/seed=1", hook), 3}};
  sets.push_back({"a mix", std::make_shared<MixedSource>(std::move(parts)), settings});

  LoaderSettings speech = settings;
  speech.speech = {.min_seconds = 0.5, .max_seconds = 1.5, .batch_seconds = 8};
  speech.mask = {.kind = MaskKind::block, .prob = 0.5, .adjust = 0.05, .block = 5, .clones = 3};
  FolderSource recordings = open_recordings("synthetic:samples=41/seconds=0.6-2", {},
                                            RecordingLimits(SpeechConfig{.min_seconds = 0.5}), {});
  sets.push_back({"speech", std::make_shared<WatchedFolder>(std::move(recordings), hook), speech});
  // Counts that depend on what all masks of a slice drew.
  speech.mask = {.kind = MaskKind::spans, .prob = 0.5, .block = 5, .clones = 1};
  sets.push_back({"speech with spans", sets.back().source, speech});

  LoaderSettings spectrograms = settings;
  spectrograms.spectrogram = {.bins = 16, .frames = 48, .patch = 8};
  recordings = open_recordings("synthetic:samples=41/seconds=0.2-1", {},
                               RecordingLimits(spectrograms.spectrogram), {});
  sets.push_back(
      {"spectrograms", std::make_shared<WatchedFolder>(std::move(recordings), hook), spectrograms});

  LoaderSettings text = settings;
  text.text.block = 32;
  text.mask = {.kind = MaskKind::random, .prob = 0.5, .clones = 2};
  sets.push_back(
      {"text",
       std::make_shared<WatchedText>(open_text("synthetic:samples=41/vocabulary=100", text.text), hook),
       text});
  return sets;
}

}  // namespace d2v::test
