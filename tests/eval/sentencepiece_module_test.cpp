// SentencePiece and LibTorch in one process: both have a variable FLAGS_minloglevel, of different size. Where one library
// wrote into the other's, LibTorch's allocator aborted the process instead of throwing.
#include "d2v/pipeline/sentencepiece_module.h"

#include "d2v/nn/aten.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("SentencePiece leaves LibTorch's variables alone: want of memory stays an exception") {
  int lines = 0;
  std::string model;
  const std::string reason = sentencepiece_module().train(
      {{"vocab_size", "40"}, {"model_type", "unigram"}, {"num_threads", "1"}, {"minloglevel", "2"}},
      [&](std::string& line) {
        line = "the quick brown fox jumps over the lazy dog " + std::to_string(lines % 10);
        return ++lines <= 200;
      },
      model);
  REQUIRE(reason == "");

  std::string error;
  const std::unique_ptr<SentencePieceModel> pieces = sentencepiece_module().open(model, error);
  REQUIRE(pieces != nullptr);
  CHECK(pieces->pieces() == 40);
  CHECK_THROWS_WITH(at::empty({int64_t{1} << 50}), doctest::Contains("can't allocate memory"));
}

TEST_CASE("bytes that are no model give the library's reason") {
  std::string error;
  CHECK(sentencepiece_module().open("no model", error) == nullptr);
  CHECK(error != "");
}
