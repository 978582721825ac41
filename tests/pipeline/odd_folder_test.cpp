// The odd pictures, recordings and texts in one folder beside good ones: a training epoch of each modality ends, and every file was
// used, replaced by name and reason, or named as one of another kind.
#include <map>
#include <set>

#include "audio_support.h"
#include "d2v/base/check.h"
#include "d2v/pipeline/audio_source.h"
#include "d2v/pipeline/open_samples.h"
#include "d2v/pipeline/prepare_text.h"
#include "d2v/pipeline/text_source.h"
#include "loader_support.h"
#include "odd_files.h"

#include "doctest.h"

using namespace d2v;
using test::contains;
namespace fs = std::filesystem;

namespace {

constexpr int kGood = 20;

struct OddFolder {
  test::TemporaryFolder folder;
  std::set<std::string> all;  // paths within the folder
  OddFolder() {
    for (const char* name : {"images", "speech", "text"})
      fs::create_directory_symlink(test::test_data() / "datasets" / name / "odd", folder.path() / name);
    for (int i = 0; i < kGood; ++i) {
      test::write(good("ppm", i), test::pnm_bytes(test::formula_image(20, 24, i)));
      test::write(good("wav", i), test::wav_bytes(test::tone(1 + 0.1 * i, 16000), 16000));
      test::write(good("txt", i), fmt::format("The text with the number {} is a good one.\n", i));
    }
    for (const char* name : {"images", "speech", "text", "good"})
      for (const auto& entry : fs::directory_iterator(folder.path() / name))
        all.insert(entry.path().lexically_relative(folder.path()).generic_string());
  }
  fs::path good(const char* ending, int i) const {
    return folder.path() / fmt::format("good/{:02}.{}", i, ending);
  }
};

DataConfig lenient() {
  DataConfig data;
  data.batch = 8;
  data.drop_last = false;
  data.max_bad_fraction = 0.5;
  return data;
}

// What became of the files in one epoch of training; each is in one of the three.
struct Outcome {
  std::set<std::string> used;
  std::map<std::string, std::string> skipped, others;  // with the reason
};

Outcome epoch_of(const FolderSource& source, LoaderSettings settings) {
  settings.threads = 2;
  settings.last_update = make_plan(source, settings).updates_per_epoch();
  Outcome outcome;
  Loader loader(source, settings);
  int64_t samples = 0;
  while (const BatchPtr batch = loader.next()) {
    samples += batch->samples;
    for (const uint32_t row : batch->rows) outcome.used.insert(source.name(row));
  }
  CHECK(samples == static_cast<int64_t>(source.size()));
  for (const BadFile& file : loader.bad_files())
    CHECK(outcome.skipped.emplace(file.path, file.reason).second);
  for (const BadFile& file : source.others()) CHECK(outcome.others.emplace(file.path, file.reason).second);
  return outcome;
}

void check_complete(const Outcome& outcome, const OddFolder& data) {
  std::multiset<std::string> seen(outcome.used.begin(), outcome.used.end());
  for (const auto& files : {outcome.skipped, outcome.others}) {
    for (const auto& [path, reason] : files) {
      seen.insert(path);
      CHECK(!reason.empty());
    }
  }
  CHECK(seen == std::multiset<std::string>(data.all.begin(), data.all.end()));
}

// The reason for which a file was skipped; empty where it was not.
std::string reason_of(const Outcome& outcome, const std::string& path) {
  const auto found = outcome.skipped.find(path);
  return found == outcome.skipped.end() ? "" : found->second;
}

}  // namespace

TEST_CASE("pictures: used where Pillow reads them, else replaced and named, but for the listed exceptions") {
  D2V_NEED_TEST_DATA("datasets/images/odd/MANIFEST.tsv");
  D2V_NEED_TEST_DATA("datasets/speech/odd/MANIFEST.tsv");
  const OddFolder data;
  LoaderSettings settings = test::small_settings();
  settings.data = lenient();
  const Outcome outcome = epoch_of(open_pictures(data.folder.path(), lenient()), settings);
  check_complete(outcome, data);
  for (const test::OddFile& file : test::odd_pictures()) {
    INFO(file.name);
    CHECK(outcome.used.contains("images/" + file.name) == file.usable);
  }
  CHECK(outcome.used.contains("good/07.ppm"));
  CHECK(contains(outcome.others.at("speech/tt_adpcm.wav"), "tt_adpcm.wav: not a picture by its name"));
  CHECK(outcome.others.contains("images/MANIFEST.tsv"));
}

TEST_CASE("recordings: used where FFmpeg reads them whole, else named, but for the listed exceptions") {
  D2V_NEED_TEST_DATA("datasets/images/odd/MANIFEST.tsv");
  D2V_NEED_TEST_DATA("datasets/speech/odd/MANIFEST.tsv");
  const OddFolder data;
  LoaderSettings settings = test::small_settings();
  settings.data = lenient();
  // Whole recordings: a random crop of a broken one may be whole.
  settings.speech = {.min_seconds = 0.1, .max_seconds = 60, .batch_seconds = 0, .padding = Padding::exact};
  settings.mask = {.kind = MaskKind::random, .prob = 0.5, .clones = 1};
  const FolderSource source =
      open_recordings(data.folder.path(), lenient(), RecordingLimits(settings.speech), {});
  const Outcome outcome = epoch_of(source, settings);
  check_complete(outcome, data);
  for (const test::OddFile& file : test::odd_recordings()) {
    INFO(file.name);
    const std::string path = "speech/" + file.name;
    const auto useless = test::kOddUselessRecordings.find(file.name);
    CHECK(outcome.used.contains(path) == (file.usable && useless == test::kOddUselessRecordings.end()));
    if (useless != test::kOddUselessRecordings.end())
      CHECK(contains(reason_of(outcome, path), useless->second));
    if (file.ok && !file.usable)
      CHECK(contains(reason_of(outcome, path), test::kOddRecordings.at(file.name)));
  }
  CHECK(outcome.used.contains("good/07.wav"));
  CHECK(contains(outcome.others.at("images/gen_1x1.png"), "gen_1x1.png: not a recording by its name"));
}

TEST_CASE("texts: tokens of all usable files are trained on; the others are named") {
  D2V_NEED_TEST_DATA("datasets/images/odd/MANIFEST.tsv");
  D2V_NEED_TEST_DATA("datasets/text/odd");
  const OddFolder data;
  const test::TemporaryFolder made;
  const PreparedText prepared =
      prepare_text({.inputs = {data.folder.path()},
                    .output = made.path() / "t.d2vtok",
                    .vocabulary = (test::test_data() / "datasets/text/gpt2_bpe").string(),
                    .max_bad_fraction = 0.5});
  std::multiset<std::string> named;
  for (const auto& files : {prepared.left_out, prepared.others}) {
    for (const BadFile& file : files) {
      named.insert(fs::path(file.path).lexically_relative(data.folder.path()).generic_string());
      CHECK(contains(file.reason, file.path));
    }
  }
  REQUIRE(prepared.left_out.size() == test::kOddTexts.size());
  for (const BadFile& file : prepared.left_out)
    CHECK(contains(file.reason, test::kOddTexts.at(fs::path(file.path).filename().string())));
  for (const std::string& path : data.all) {
    INFO(path);
    const bool used = path.ends_with(".txt") && !test::kOddTexts.contains(fs::path(path).filename().string());
    CHECK(named.count(path) == (used ? 0 : 1));
  }
  CHECK(named.size() + static_cast<size_t>(prepared.files) == data.all.size());

  LoaderSettings settings = test::small_settings();
  settings.data = lenient();
  settings.text.block = 64;
  settings.mask = {.kind = MaskKind::random, .prob = 0.5, .clones = 1};
  const TextSource source = open_text(made.path() / "t.d2vtok", settings.text);
  settings.last_update = make_plan(source, settings).updates_per_epoch();
  int64_t samples = 0;
  for (const test::Seen& batch : test::read_all(source, settings)) samples += batch.samples;
  CHECK(samples == static_cast<int64_t>(source.size()));
}

TEST_CASE("of many files of other kinds the first thousand are named, the rest are counted") {
  const test::TemporaryFolder folder;
  test::write(folder.path() / "a.ppm", test::pnm_bytes(test::formula_image(9, 9)));
  for (int i = 0; i < 1234; ++i) test::write(folder.path() / fmt::format("{:04}.json", i), "{}");
  const FolderSource source = open_pictures(folder.path(), {});
  CHECK(source.report.other_files == 1234);
  REQUIRE(source.others().size() == 1001);
  CHECK(source.others()[0].path == "0000.json");
  CHECK(source.others()[999].path == "0999.json");
  CHECK(source.others()[1000].path == "…");
  CHECK(source.others()[1000].count == 234);
  CHECK(contains(source.others()[1000].reason, "234 more files"));
}
