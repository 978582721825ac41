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

// Trains a unigram model of `size` ids (special ones included) on lines that `next` gives until it returns false; returns
// the bytes of a model file. The same lines give the same model. Throws DataError with the trainer's reason.
std::string train_sentencepiece(int64_t size, const std::function<bool(std::string&)>& next);

}  // namespace d2v
