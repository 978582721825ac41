// Text: blocks of token files, and their way through the loader.
#include <map>
#include <set>

#include "d2v/base/check.h"
#include "d2v/pipeline/masks.h"
#include "d2v/pipeline/text_source.h"
#include "loader_support.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;
using test::contains;
namespace fs = std::filesystem;

namespace {

// Ten documents of 5 to 230 tokens from a vocabulary of 500; token k of the file is 4 + k % 400.
struct Tokens {
  test::TemporaryFolder folder;
  fs::path path = folder.path() / "t.d2vtok";
  std::vector<int64_t> all;
  explicit Tokens(uint64_t hash = 0, uint32_t wrong = 0) {
    TokenWriter writer(path, {.hash = hash, .size = 500, .mask = 499});
    uint32_t next = 0;
    for (int d = 0; d < 10; ++d) {
      std::vector<uint32_t> document;
      for (int k = 0; k < 5 + 25 * d; ++k) {
        document.push_back(4 + (next + static_cast<uint32_t>(k)) % 400);
        all.push_back(document.back());
      }
      next += static_cast<uint32_t>(document.size());
      all.push_back(2);
      if (d == 7 && wrong > 0) document[10] = wrong;
      writer.add(document);
    }
    writer.commit();
  }
};

TextConfig blocks_of(int64_t block, bool boundaries = false) {
  TextConfig text;
  text.block = block;
  text.document_boundaries = boundaries;
  return text;
}

LoaderSettings text_settings(int64_t block, bool boundaries = false) {
  LoaderSettings settings = test::small_settings();
  settings.text = blocks_of(block, boundaries);
  settings.mask = {.kind = MaskKind::random, .prob = 0.5, .clones = 2};
  settings.data.batch = 4;
  return settings;
}

}  // namespace

TEST_CASE("blocks: <s>, then the next tokens of all documents; the last, shorter one is left out") {
  const Tokens data;
  const TextSource source = open_text(data.path, blocks_of(32));
  CHECK(source.size() == data.all.size() / 31);
  CHECK(source.modality() == Modality::text);
  CHECK(source.length(0) == 32);
  CHECK(source.name(1) == "tokens 31 to 61");
  CHECK(contains(describe(source), "blocks of text"));
  Loader loader(source, text_settings(32));
  const BatchPtr batch = loader.next();
  REQUIRE(batch);
  CHECK(batch->input_shape == std::vector<int64_t>{4, 32});
  CHECK(batch->tokens.size() == 4 * 32);
  CHECK(batch->input.size() == 0);
  CHECK(batch->lengths.size() == 0);
  CHECK(batch->positions == 32);
  CHECK(batch->visible_count == 16);
  for (int64_t b = 0; b < 4; ++b) {
    const int64_t* tokens = batch->tokens.data() + b * 32;
    const int64_t first = batch->rows[b] * 31;
    CHECK(tokens[0] == 0);
    CHECK(std::equal(tokens + 1, tokens + 32, data.all.begin() + first));
  }
}

TEST_CASE(
    "document boundaries: no sample crosses one; short ones are padded and masked on valid tokens only") {
  const Tokens data;
  const TextSource source = open_text(data.path, blocks_of(64, true));
  std::set<int64_t> ends;
  for (int64_t d = 1; d <= 10; ++d) ends.insert(source.file->start(d));
  size_t covered = 0;
  for (const TextBlock& block : source.blocks) {
    const auto end = ends.upper_bound(block.first);
    CHECK(block.first + block.length - 1 <= *end);
    CHECK(block.length >= 8);
    covered += static_cast<size_t>(block.length - 1);
  }
  CHECK(covered > data.all.size() - 70);
  LoaderSettings settings = text_settings(64, true);
  settings.last_update = 20;
  Loader loader(source, settings);
  int padded = 0;
  while (const BatchPtr batch = loader.next()) {
    const int64_t length = batch->input_shape[1], masked = batch->positions - batch->visible_count;
    CHECK(batch->samples * length <= 4 * 64);
    CHECK(batch->update_sample_size == batch->samples * 2 * masked);
    for (int64_t b = 0; b < batch->samples; ++b) {
      const int64_t valid = batch->lengths.size() > 0 ? batch->lengths.data()[b] : length;
      CHECK(valid == source.length(batch->rows[b]));
      padded += valid < length;
      for (int64_t t = valid; t < length; ++t) CHECK(batch->tokens.data()[b * length + t] == 1);
      for (int64_t k = 0; k < 2 * masked; ++k) CHECK(batch->masked.data()[b * 2 * masked + k] < valid);
    }
  }
  CHECK(padded > 5);
}

TEST_CASE("the stream of text is the same for any number of threads and any start") {
  const Tokens data;
  for (const bool boundaries : {false, true}) {
    const TextSource source = open_text(data.path, blocks_of(32, boundaries));
    LoaderSettings settings = text_settings(32, boundaries);
    const auto one = test::read_all(source, settings);
    settings.threads = 4;
    CHECK(test::read_all(source, settings) == one);
    settings.first_update = 5;
    CHECK(test::read_all(source, settings) == std::vector<test::Seen>(one.begin() + 5, one.end()));
  }
}

TEST_CASE("a block with an id that the vocabulary lacks is named and replaced") {
  const Tokens data(0, 499);  // in the vocabulary: <mask>
  CHECK_NOTHROW(test::read_all(open_text(data.path, blocks_of(32)), text_settings(32)));
  const Tokens good;
  TextSource source = open_text(good.path, blocks_of(32));
  source.vocabulary.size = 300;  // as if a smaller one were told of a fairseq file
  LoaderSettings settings = text_settings(32);
  settings.data.max_bad_fraction = 0.9;
  Loader loader(source, settings);
  while (const BatchPtr batch = loader.next()) {
    for (const int64_t token : batch->tokens.span()) CHECK(token < 300);
  }
  REQUIRE(!loader.bad_files().empty());
  CHECK(contains(loader.bad_files()[0].reason, "the vocabulary has 300"));
}

TEST_CASE("held-out blocks: a share by key, or another file") {
  const Tokens data, other;
  DataConfig config;
  config.path = data.path.string();
  config.valid = "20%";
  const TextSources shares = open_texts(config, blocks_of(32), 3);
  CHECK(shares.valid.size() == 8);
  std::set<uint64_t> ids;
  for (const TextSource* part : {&shares.train, &shares.valid})
    for (uint32_t row = 0; row < part->size(); ++row) ids.insert(part->id(row));
  CHECK(ids.size() == shares.train.size() + shares.valid.size());
  config.valid = other.path.string();
  CHECK(open_texts(config, blocks_of(32), 3).valid.size() == open_text(data.path, blocks_of(32)).size());
}

TEST_CASE("foreign vocabularies and files that are too short are refused") {
  D2V_NEED_TEST_DATA("datasets/text/gpt2_bpe");
  const Tokens data(1234);
  TextConfig text = blocks_of(32);
  text.vocabulary = (test::test_data() / "datasets/text/gpt2_bpe").string();
  const auto error = [&] { return test::message_of<DataError>([&] { open_text(data.path, text); }); };
  CHECK(contains(error(), "was made with another vocabulary (500 tokens, 00000000000004d2)"));
  text.vocabulary.clear();
  text.vocabulary_size = 600;
  CHECK(contains(error(), "has a vocabulary of 500 tokens, text.vocabulary_size says 600"));
  text.vocabulary_size = 0;
  text.block = 60000;
  CHECK(contains(error(), "are fewer than one block"));
}

TEST_CASE("held-out text must be of the vocabulary that is trained on; fairseq's files do not tell theirs") {
  const Tokens train(1234), foreign(4321), same(1234), untold(0);
  DataConfig config;
  config.path = train.path.string();
  const auto open_with = [&](const Tokens& valid) {
    config.valid = valid.path.string();
    return open_texts(config, blocks_of(32), 3).valid.size();
  };
  CHECK(
      contains(test::message_of<DataError>([&] { open_with(foreign); }),
               "has another vocabulary (500 tokens, 00000000000010e1) than the text that is trained on (500 "
               "tokens, 00000000000004d2)"));
  CHECK(open_with(same) > 0);
  CHECK(open_with(untold) > 0);
  config.path = "synthetic:vocabulary=100";
  CHECK(
      contains(test::message_of<DataError>([&] { open_with(train); }), "has another vocabulary (500 tokens"));
}

TEST_CASE("bert: every row hides as many tokens as any other, as few as the least row drew") {
  const Tokens data;
  const TextSource source = open_text(data.path, blocks_of(64, true));
  LoaderSettings settings = text_settings(64, true);
  settings.mask = {.kind = MaskKind::bert, .prob = 0.35, .block = 4, .clones = 2};
  settings.accumulate = 2;
  settings.last_update = 20;
  const auto one = test::read_all(source, settings);
  settings.threads = 3;
  CHECK(test::read_all(source, settings) == one);
  Loader loader(source, settings);
  std::map<int64_t, int64_t> promised, found;
  while (const BatchPtr batch = loader.next()) {
    const int64_t length = batch->input_shape[1], masked = batch->positions - batch->visible_count;
    CHECK(masked > 0);
    promised[batch->update] = batch->update_sample_size;
    found[batch->update] += batch->samples * 2 * masked;
    MaskScratch scratch;
    int64_t least = length;
    for (int64_t row = 0; row < batch->samples * 2; ++row) {
      const MaskPlan plan =
          plan_masks(settings.mask, sequence_grid(source.length(batch->rows[row / 2])), settings.mask.prob);
      least = std::min(least, hidden_before_correction(plan,
                                                       {.seed = settings.seed,
                                                        .stream = Stream::mask,
                                                        .step = static_cast<uint64_t>(batch->epoch),
                                                        .sample = batch->refs[row / 2].id,
                                                        .clone = static_cast<uint32_t>(row % 2)},
                                                       scratch));
      for (int64_t k = 0; k < masked; ++k)
        CHECK(batch->tokens.data()[row / 2 * length + batch->masked.data()[row * masked + k]] != 1);
    }
    CHECK(masked == least);
  }
  CHECK(promised == found);
}
