// SentencePiece models (Kudo and Richardson, 2018), through their library. Private to the pipeline.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "d2v/pipeline/tokenizer.h"

namespace d2v {

// Text is encoded line by line. The model's own control and unknown pieces get no id. Throws DataError.
std::unique_ptr<Tokenizer> open_sentencepiece(const std::filesystem::path& model);

struct TrainedSentencePiece {
  std::string model;      // the bytes of a model file
  bool all_lines = true;  // false: only the first `most_lines` were used
};

// Trains a unigram model of `size` ids (special ones included) on lines of UTF-8 that `next` gives until it returns false.
// Lines of more than 64 KiB are cut at spaces, and count as several. The same lines give the same model. Throws DataError
// with the trainer's reason.
TrainedSentencePiece train_sentencepiece(int64_t size, const std::function<bool(std::string&)>& next,
                                         int64_t most_lines);

}  // namespace d2v
