// How many positions the masks of an update hide: the recorded masks of spans and runs, whatever the slices and threads.
#include "audio_support.h"
#include "d2v/base/check.h"
#include "d2v/pipeline/audio_source.h"
#include "d2v/pipeline/text_source.h"
#include "loader_support.h"

#include "doctest.h"

using namespace d2v;

namespace {

// Of all index lists of a stream, in order (FNV-1a).
uint64_t hash_of_masks(const Source& source, const LoaderSettings& settings) {
  uint64_t hash = 0xcbf29ce484222325u;
  const auto add = [&](int64_t value) { hash = (hash ^ static_cast<uint64_t>(value)) * 0x100000001b3u; };
  for (const test::Seen& slice : test::read_all(source, settings)) {
    for (const int64_t at : slice.visible) add(at);
    for (const int64_t at : slice.masked) add(at);
    add(slice.update_sample_size);
  }
  return hash;
}

LoaderSettings settings_of(MaskKind kind, double prob, int64_t block) {
  LoaderSettings settings = test::small_settings();
  settings.mask = {.kind = kind, .prob = prob, .block = block, .clones = 2};
  settings.accumulate = 3;
  settings.last_update = 9;
  return settings;
}

// Thirty recordings of one second to nearly four.
struct MaskedRecordings {
  test::TemporaryFolder folder;
  FolderSource source;
  MaskedRecordings() {
    for (int i = 0; i < 30; ++i)
      test::write(folder.path() / fmt::format("{:02}.wav", i),
                  test::wav_bytes(test::tone(1 + 0.1 * i, 8000, 300 + 20 * i), 8000));
    source = scan_recordings(folder.path(), {}, {.min_seconds = 0.5}, {});
  }
};

// Ten documents of 5 to 230 tokens.
struct MaskedDocuments {
  test::TemporaryFolder folder;
  TextSource source;
  MaskedDocuments() {
    TokenWriter writer(folder.path() / "t.d2vtok", {.size = 500, .mask = 499});
    for (uint32_t d = 0; d < 10; ++d) {
      std::vector<uint32_t> document;
      for (uint32_t k = 0; k < 5 + 25 * d; ++k) document.push_back(4 + (d + k) % 400);
      writer.add(document);
    }
    writer.commit();
    TextConfig text;
    text.block = 64;
    text.document_boundaries = true;
    source = open_text(folder.path() / "t.d2vtok", text);
  }
};

}  // namespace

TEST_CASE("spans: the masks of an update in three slices are the recorded ones") {
  const MaskedRecordings data;
  for (const Padding padding : {Padding::crop, Padding::exact}) {
    LoaderSettings settings = settings_of(MaskKind::spans, 0.65, 10);
    settings.speech = {.min_seconds = 0.5, .max_seconds = 3, .batch_seconds = 24, .padding = padding};
    const uint64_t recorded = padding == Padding::crop ? 13865213025057470941u : 4107736976305192641u;
    CHECK(hash_of_masks(data.source, settings) == recorded);
    settings.threads = 4;
    CHECK(hash_of_masks(data.source, settings) == recorded);
  }
}

TEST_CASE("bert: the masks of an update in three slices are the recorded ones") {
  const MaskedDocuments data;
  LoaderSettings settings = settings_of(MaskKind::bert, 0.35, 4);
  settings.text.block = 64;
  settings.text.document_boundaries = true;
  for (const double least : {0.0, 0.2}) {
    settings.mask.prob_min = least;
    const uint64_t recorded = least == 0 ? 14541323408736470855u : 2110067327843112393u;
    settings.threads = 1;
    CHECK(hash_of_masks(data.source, settings) == recorded);
    settings.threads = 4;
    CHECK(hash_of_masks(data.source, settings) == recorded);
  }
}
