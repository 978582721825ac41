// The loader's end: within a second whatever is being read, and errors by the sample's name.
#include <atomic>
#include <chrono>
#include <thread>

#include "d2v/base/check.h"
#include "d2v/pipeline/audio_reader.h"
#include "d2v/pipeline/read_stop.h"
#include "loader_support.h"
#include "watched_source.h"

#include "doctest.h"

using namespace d2v;
using namespace std::chrono_literals;
using test::contains;

namespace {

using Clock = std::chrono::steady_clock;

// Starts a loader, waits until `moment`, drops it; how long dropping took.
template <class Moment>
Clock::duration time_of_drop(const Source& source, const LoaderSettings& settings, Moment&& moment) {
  auto loader = std::make_unique<Loader>(source, settings);
  moment(*loader);
  const Clock::time_point start = Clock::now();
  loader.reset();
  return Clock::now() - start;
}

// A WAV file of IMA ADPCM, which has no index: every span is decoded from the beginning.
std::vector<uint8_t> adpcm_file(uint32_t blocks) {
  constexpr uint32_t kBlock = 1024, kRate = 16000, kSamples = (kBlock - 4) * 2 + 1;
  std::string bytes;
  const auto text = [&](std::string_view word) { bytes += word; };
  const auto number = [&](uint32_t value, int size) {
    for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
  };
  text("RIFF");
  number(52 + blocks * kBlock, 4);
  text("WAVEfmt ");
  number(20, 4);
  number(0x11, 2);
  number(1, 2);
  number(kRate, 4);
  number(static_cast<uint32_t>(uint64_t{kRate} * kBlock / kSamples), 4);
  number(kBlock, 2);
  number(4, 2);
  number(2, 2);
  number(kSamples, 2);
  text("fact");
  number(4, 4);
  number(blocks * kSamples, 4);
  text("data");
  number(blocks * kBlock, 4);
  std::string block(kBlock, '\0');
  for (size_t i = 4; i < kBlock; ++i) block[i] = static_cast<char>(i * 37 % 256);
  for (uint32_t b = 0; b < blocks; ++b) text(block);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("slow samples: a loader is gone within a second, from its start or in the middle of a slice") {
  std::atomic<int64_t> reads = 0;
  const auto source = test::watched_pictures("synthetic:samples=200/side=24", [&](size_t) {
    ++reads;
    std::this_thread::sleep_for(50ms);
  });
  LoaderSettings settings = test::small_settings();
  settings.data.batch = 100;  // 5 s of one thread
  for (const int64_t threads : {1, 16}) {
    settings.threads = threads;
    CHECK(time_of_drop(*source, settings, [](Loader&) {}) < 1s);
    for (const int64_t begun : {1, 3}) {
      reads = 0;
      CHECK(time_of_drop(*source, settings, [&](Loader&) {
              while (reads < begun) std::this_thread::sleep_for(1ms);
            }) < 1s);
    }
  }
}

TEST_CASE("a full queue: a loader whose batches nobody takes is gone within a second") {
  std::atomic<int64_t> reads = 0;
  const auto source = test::watched_pictures("synthetic:samples=200/side=24", [&](size_t) { ++reads; });
  LoaderSettings settings = test::small_settings();
  settings.last_update = int64_t{1} << 40;
  settings.data.prefetch = 1;
  CHECK(time_of_drop(*source, settings, [&](Loader&) {
          while (reads < 2 * settings.data.batch) std::this_thread::sleep_for(1ms);
        }) < 1s);
}

TEST_CASE("the search for a replacement ends with the loader") {
  std::atomic<int64_t> reads = 0;
  const auto source = test::watched_pictures("synthetic:samples=200/side=24", [&](size_t row) {
    ++reads;
    std::this_thread::sleep_for(5ms);  // 5 s until all 1000 are drawn
    fail<DataError>("row {} is broken", row);
  });
  LoaderSettings settings = test::small_settings();
  settings.data.max_bad_fraction = 1;
  CHECK(time_of_drop(*source, settings, [&](Loader&) {
          while (reads < 20) std::this_thread::sleep_for(1ms);
        }) < 1s);
  CHECK(reads < 1000);
}

TEST_CASE("a long recording without an index: decoding up to the span ends when the read is stopped") {
  const std::vector<uint8_t> bytes = adpcm_file(60'000);  // two hours
  const ByteSource file(bytes, "long.wav");
  std::atomic<bool> stop = false;
  AudioScratch scratch;
  scratch.stop = &stop;
  std::vector<float> out(1000);
  const AudioReader reader(16000);
  reader.read(file, 5000, out, scratch);
  const int64_t last = reader.length(read_audio_info(file)) - 2000;
  REQUIRE(last > 100'000'000);
  Clock::time_point stopped;
  std::thread other([&] {
    std::this_thread::sleep_for(20ms);
    stopped = Clock::now();
    stop = true;
  });
  CHECK_THROWS_AS(reader.read(file, last, out, scratch), ReadStopped);
  const Clock::time_point ended = Clock::now();
  other.join();
  CHECK(ended - stopped < 1s);
}

TEST_CASE("a loader stops in the middle of a long recording, and names no file as broken for it") {
  const test::TemporaryFolder folder;
  const std::vector<uint8_t> bytes = adpcm_file(60'000);
  test::write(folder.path() / "long.wav", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  std::atomic<int64_t> reads = 0;
  const test::WatchedFolder source(
      open_recordings(folder.path(), {}, RecordingLimits(SpeechConfig{.min_seconds = 0.5}), {}),
      [&](size_t) { ++reads; });
  LoaderSettings settings = test::small_settings();
  settings.speech = {.min_seconds = 0.5, .max_seconds = 1, .batch_seconds = 8};
  settings.mask = {.kind = MaskKind::block, .prob = 0.5, .adjust = 0.05, .block = 5, .clones = 3};
  settings.last_update = int64_t{1} << 40;
  CHECK(time_of_drop(source, settings, [&](Loader& loader) {
          while (reads < 1) std::this_thread::sleep_for(1ms);
          CHECK(loader.bad_files().empty());
        }) < 1s);
}

TEST_CASE(
    "an exception of a read reaches next() with the sample's name, after the slices before it, and stays") {
  std::atomic<int64_t> reads = 0;
  const auto source = test::watched_pictures("synthetic:samples=40/side=24", [&](size_t row) {
    ++reads;
    if (row == 17) throw std::runtime_error("the cable is out");
  });
  LoaderSettings settings = test::small_settings();
  for (const int64_t threads : {1, 4}) {
    settings.threads = threads;
    Plan plan = make_plan(*source, settings);
    int64_t before = 0;  // updates without row 17
    for (bool found = false; !found; before += !found)
      for (const uint32_t row : plan.slice(before, 0).rows) found |= row == 17;
    Loader loader(*source, settings);
    for (int64_t update = 0; update < before; ++update) {
      const BatchPtr batch = loader.next();
      REQUIRE(batch);
      CHECK(batch->update == update);
    }
    for (int i = 0; i < 2; ++i) {
      const std::string error = test::message_of<Error>([&] { loader.next(); });
      CHECK(contains(error, source->name(17)));
      CHECK(contains(error, "the cable is out"));
    }
    CHECK(loader.bad_files().empty());  // no fault of the file's
  }
}
