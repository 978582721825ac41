// A loader can be dropped at any moment, whatever it reads: made, advanced and dropped many times at moments drawn by key, with
// changing numbers of threads. They end within a second, and the next one gives the same stream as the first. Under
// ThreadSanitizer this is also the test of what the threads share.
#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "audio_support.h"
#include "d2v/base/philox.h"
#include "d2v/pipeline/audio_source.h"
#include "d2v/pipeline/open_samples.h"
#include "d2v/pipeline/shard_source.h"
#include "d2v/pipeline/text_source.h"
#include "loader_support.h"
#include "tar_support.h"

#include "doctest.h"

using namespace d2v;

namespace {

constexpr int kRounds = 30;

void churn(const Source& source, LoaderSettings settings) {
  settings.threads = 1;
  settings.last_update = 6;
  const auto expected = test::read_all(source, settings);
  REQUIRE(!expected.empty());

  settings.last_update = int64_t{1} << 40;
  settings.data.prefetch = 2;
  Philox random({.seed = 11});
  std::vector<double> seconds;
  for (int i = 0; i < kRounds; ++i) {
    settings.threads = 1 + random.below(8);
    settings.first_update = random.below(100);
    auto loader = std::make_unique<Loader>(source, settings);
    const int64_t batches = random.below(5);
    for (int64_t k = 0; k < batches; ++k) {
      BatchPtr batch = loader->next();
      CHECK(batch);
      if (random.below(2) == 0) loader->recycle(std::move(batch));
    }
    if (random.below(2) == 0) std::this_thread::sleep_for(std::chrono::microseconds(random.below(10000)));
    const auto before = std::chrono::steady_clock::now();
    loader.reset();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count());
  }
  // Half of them: on a machine that has much else to do, one may wait long for its turn.
  std::nth_element(seconds.begin(), seconds.begin() + kRounds / 2, seconds.end());
  CHECK(seconds[kRounds / 2] < 1);

  settings.threads = 4;
  settings.first_update = 0;
  settings.last_update = 6;
  CHECK(test::read_all(source, settings) == expected);
}

LoaderSettings speech_settings() {
  LoaderSettings settings = test::small_settings();
  settings.speech = {.min_seconds = 0.1, .max_seconds = 1, .batch_seconds = 3, .padding = Padding::crop};
  settings.mask = {.kind = MaskKind::random, .prob = 0.5, .clones = 2};
  return settings;
}

}  // namespace

TEST_CASE("pictures, two of them broken") {
  const test::Folder data(20, 2);
  churn(data.source, test::small_settings());
}

TEST_CASE("recordings in batches by length, resampled, one of them silent") {
  const test::TemporaryFolder folder;
  for (int i = 0; i < 12; ++i) {
    std::string bytes = test::wav_bytes(test::tone(0.3 + 0.05 * i, 8000, 300 + 20 * i), 8000);
    if (i == 5) std::fill(bytes.begin() + 44, bytes.end(), '\0');
    test::write(folder.path() / fmt::format("{:02}.wav", i), bytes);
  }
  const LoaderSettings settings = speech_settings();
  churn(scan_recordings(folder.path(), {}, settings.speech, {}), settings);
}

TEST_CASE("blocks of text, with and without document boundaries") {
  const test::TemporaryFolder folder;
  TokenWriter writer(folder.path() / "t.d2vtok", {.size = 500, .mask = 499});
  for (uint32_t d = 0; d < 20; ++d) {
    std::vector<uint32_t> document(10 + 7 * d);
    for (uint32_t k = 0; k < document.size(); ++k) document[k] = 4 + (31 * d + k) % 400;
    writer.add(document);
  }
  writer.commit();
  for (const bool boundaries : {false, true}) {
    LoaderSettings settings = test::small_settings();
    settings.text.block = 32;
    settings.text.document_boundaries = boundaries;
    settings.mask = {.kind = MaskKind::random, .prob = 0.5, .clones = 2};
    settings.data.batch = 4;
    churn(open_text(folder.path() / "t.d2vtok", settings.text), settings);
  }
}

TEST_CASE("tar shards of pictures, plain and packed, and of recordings") {
  const test::TemporaryFolder folder;
  for (int s = 0; s < 2; ++s) {
    std::string pictures, recordings;
    for (int i = 10 * s; i < 10 * s + 10; ++i) {
      pictures +=
          test::tar_entry(fmt::format("{:02}.ppm", i), test::pnm_bytes(test::formula_image(20, 24, i)));
      recordings += test::tar_entry(fmt::format("{:02}.wav", i),
                                    test::wav_bytes(test::tone(0.3 + 0.02 * i, 16000), 16000));
    }
    pictures += test::tar_end();
    test::write(folder.path() / fmt::format("pictures/{}.tar{}", s, s > 0 ? ".gz" : ""),
                s > 0 ? test::gzip_bytes(pictures) : pictures);
    test::write(folder.path() / fmt::format("recordings/{}.tar", s), recordings + test::tar_end());
  }
  const ShardScan scan{.cache = folder.path() / "cache", .threads = 1};
  churn(scan_shards(folder.path() / "pictures", {}, pictures_kind(), scan), test::small_settings());
  FolderSource recordings = scan_shards(folder.path() / "recordings", {}, recordings_kind(), scan);
  const LoaderSettings settings = speech_settings();
  keep_usable_recordings(recordings, {}, RecordingLimits(settings.speech), {});
  churn(recordings, settings);
}
