// Folds: every sample is tested once, groups stay whole, classes are spread evenly.
#include "d2v/pipeline/folds.h"

#include <algorithm>
#include <map>
#include <set>

#include "d2v/base/check.h"
#include "support.h"

#include "doctest.h"

using namespace d2v;
using test::contains;

namespace {

void add(FolderSource& source, const std::string& path, int32_t label) {
  FolderSample sample;
  sample.path = path;
  sample.id = sample.group = path_id(path);
  sample.label = label;
  source.samples.push_back(sample);
}

// Digits 0 to 4, each said `takes` times by each speaker: "digits/3_theo_7.wav".
FolderSource spoken_digits(const std::vector<std::string>& speakers, int takes) {
  FolderSource source;
  source.kind = Modality::speech;
  source.root = "recordings";
  for (int digit = 0; digit < 5; ++digit) {
    source.classes.push_back(std::to_string(digit));
    for (const std::string& speaker : speakers)
      for (int take = 0; take < takes; ++take)
        add(source, fmt::format("digits/{}_{}_{}.wav", digit, speaker, take), digit);
  }
  return source;
}

const std::vector<std::string> four{"theo", "jackson", "nicolas", "george"};

template <class E>
std::string leave_out_error(const FolderSource& source, const std::string& pattern) {
  return test::message_of<E>([&] { folds_by_name(source, pattern); });
}

}  // namespace

TEST_CASE("every sample is in one fold, and each fold has its share of every class") {
  const FolderSource source = spoken_digits(four, 13);  // 52 of each class
  const Folds folds = stratified_folds(source, 10, 0);
  CHECK(folds.names.front() == "1");
  CHECK(folds.names.back() == "10");
  REQUIRE(folds.of.size() == source.size());
  std::map<uint32_t, std::map<int32_t, int>> count;
  std::map<uint32_t, int> sizes;
  for (uint32_t row = 0; row < source.size(); ++row) {
    ++count[folds.of[row]][source.samples[row].label];
    ++sizes[folds.of[row]];
  }
  REQUIRE(count.size() == 10);
  for (const auto& [fold, of_class] : count) {
    REQUIRE(of_class.size() == 5);
    for (const auto& [label, n] : of_class) CHECK((n == 5 || n == 6));
    CHECK(sizes[fold] == 26);
  }
}

TEST_CASE("folds depend on the seed and the paths alone") {
  const FolderSource source = spoken_digits(four, 5);
  CHECK(stratified_folds(source, 4, 1).of == stratified_folds(source, 4, 1).of);
  CHECK(stratified_folds(source, 4, 1).of != stratified_folds(source, 4, 2).of);
}

TEST_CASE("near-duplicates lie in one fold") {
  FolderSource source = spoken_digits(four, 6);
  for (size_t row = 0; row < source.size(); ++row) source.samples[row].group = row / 3;
  const Folds folds = stratified_folds(source, 5, 0);
  for (size_t row = 0; row < source.size(); ++row) CHECK(folds.of[row] == folds.of[row / 3 * 3]);
}

TEST_CASE("tested parts partition the data; a fold's training, validation and test parts share nothing") {
  const FolderSource source = spoken_digits(four, 5);
  const Folds folds = stratified_folds(source, 4, 0);
  std::vector<uint32_t> tested;
  for (size_t f = 0; f < 4; ++f) {
    const ImageSplits split = fold_split(folds, f);
    std::vector<uint32_t> all;
    for (const auto* part : {&split.train, &split.valid, &split.test}) {
      CHECK_FALSE(part->empty());
      CHECK(std::is_sorted(part->begin(), part->end()));
      all.insert(all.end(), part->begin(), part->end());
    }
    CHECK(all.size() == source.size());
    CHECK(std::set<uint32_t>(all.begin(), all.end()).size() == source.size());
    for (const uint32_t row : split.valid) CHECK(folds.of[row] == (f + 1) % 4);
    tested.insert(tested.end(), split.test.begin(), split.test.end());
  }
  CHECK(std::set<uint32_t>(tested.begin(), tested.end()).size() == source.size());
  CHECK(tested.size() == source.size());
}

TEST_CASE("a pattern makes a fold of each speaker, who is in no other part when it is left out") {
  const FolderSource source = spoken_digits(four, 3);
  const Folds folds = folds_by_name(source, "_([a-z]+)_");
  CHECK(folds.names == std::vector<std::string>{"george", "jackson", "nicolas", "theo"});
  for (size_t f = 0; f < folds.names.size(); ++f) {
    const ImageSplits split = fold_split(folds, f);
    CHECK(split.test.size() == 15);
    for (const uint32_t row : split.test) CHECK(contains(source.samples[row].path, folds.names[f]));
    for (const auto* part : {&split.train, &split.valid})
      for (const uint32_t row : *part) CHECK_FALSE(contains(source.samples[row].path, folds.names[f]));
  }
}

TEST_CASE("where names have no group, paths are searched") {
  FolderSource source;
  source.classes = {"a", "b"};
  for (const char* room : {"room1", "room2", "room3"})
    for (int i = 0; i < 4; ++i) add(source, fmt::format("{}/{}.png", room, i), i % 2);
  CHECK(folds_by_name(source, "^(room[0-9])/").names == std::vector<std::string>{"room1", "room2", "room3"});
}

TEST_CASE("patterns that make no folds are errors that say why") {
  const FolderSource source = spoken_digits(four, 2);
  CHECK(contains(leave_out_error<UsageError>(source, "_([a-z"), "--leave-out '_([a-z': not a regular"));
  CHECK(contains(leave_out_error<UsageError>(source, "_[a-z]+_"), "exactly one group"));
  CHECK(contains(leave_out_error<DataError>(source, "([A-Z]+)"),
                 "finds no group in the path 'digits/0_theo_0.wav'"));
  CHECK(contains(leave_out_error<DataError>(source, "(digits)"), "found 1: digits"));
  CHECK(contains(leave_out_error<DataError>(spoken_digits({"theo", "george"}, 2), "_([a-z]+)_"),
                 "found 2: george, theo"));
  CHECK(contains(leave_out_error<DataError>(source, "^([0-9])_"), "groups that are not the classes"));
  FolderSource texts = source;
  texts.texts = std::make_shared<TextRows>();
  CHECK(contains(leave_out_error<UsageError>(texts, "_([a-z]+)_"), "--folds N"));
}

TEST_CASE("too few or too many folds are errors that say what would do") {
  FolderSource source = spoken_digits(four, 2);  // 8 of each class
  const auto message = [&](int64_t count) {
    return test::message_of<Error>([&] { stratified_folds(source, count, 0); });
  };
  CHECK(contains(message(2), "at least 3"));
  CHECK(contains(message(9), "the class '0' has only 8 recordings"));
  CHECK_NOTHROW(stratified_folds(source, 8, 0));
  for (int row = 0; row < 8; ++row) source.samples[static_cast<size_t>(row)].group = 7;  // one sample, copied
  CHECK(contains(message(3), "the class '0' has only 1 recordings"));
}
