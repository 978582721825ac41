#include "sentencepiece_tokenizer.h"

#include <algorithm>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/pipeline/folder_source.h"
#include "d2v/pipeline/sentencepiece_module.h"

namespace d2v {
namespace {

constexpr uint64_t kMaxModel = 256u << 20;
constexpr size_t kMaxLine =
    64 << 10;  // bytes given to the library at once: it takes time quadratic in a line

struct Model {
  std::unique_ptr<SentencePieceModel> pieces;
  std::vector<uint32_t> out;  // id to give for a piece
  std::vector<int> back;      // piece of an id, -1 for special tokens
  Vocabulary vocabulary;
};

// The longest beginning of a line that is at most kMaxLine bytes and ends before a space, or at least between characters.
size_t piece_of_line(std::string_view line) {
  if (line.size() <= kMaxLine) return line.size();
  const size_t space = line.rfind(' ', kMaxLine);
  if (space != std::string_view::npos && space > 0) return space;
  size_t end = kMaxLine;
  while (end > 0 && (static_cast<uint8_t>(line[end]) & 0xc0) == 0x80) --end;
  return end;
}

class SentencePieceTokenizer : public Tokenizer {
 public:
  explicit SentencePieceTokenizer(std::shared_ptr<const Model> model) : model_(std::move(model)) {}
  const Vocabulary& vocabulary() const override { return model_->vocabulary; }
  std::unique_ptr<Tokenizer> copy() const override {
    return std::make_unique<SentencePieceTokenizer>(model_);
  }

  void encode(std::string_view text, std::vector<uint32_t>& ids) override {
    while (!text.empty()) {
      std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      while (!line.empty()) {
        const size_t size = piece_of_line(line);
        encode_piece(line.substr(0, size), ids);
        line.remove_prefix(size);
      }
    }
  }

  std::string decode(const std::vector<uint32_t>& ids) const override {
    std::vector<int> pieces;
    for (const uint32_t id : ids)
      if (id < model_->back.size() && model_->back[id] >= 0) pieces.push_back(model_->back[id]);
    std::string text;
    const std::string error = model_->pieces->decode(pieces, text);
    check(error.empty(), "sentencepiece: {}", error);
    return text;
  }

 private:
  void encode_piece(std::string_view line, std::vector<uint32_t>& ids) {
    const std::string error = model_->pieces->encode(line, pieces_);
    check(error.empty(), "sentencepiece: {}", error);
    for (const int piece : pieces_) ids.push_back(model_->out[static_cast<size_t>(piece)]);
  }

  std::shared_ptr<const Model> model_;
  std::vector<int> pieces_;
};

// Gives long lines in pieces: the trainer leaves out lines of more than max_sentence_length bytes without a word.
class CutLines {
 public:
  explicit CutLines(const std::function<bool(std::string&)>& next) : next_(next) {}
  bool next(std::string& piece) {
    if (rest_.empty()) {
      done_ = done_ || !next_(line_);
      if (done_) return false;
      rest_ = line_;
    }
    const size_t size = piece_of_line(rest_);
    piece.assign(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return true;
  }

 private:
  const std::function<bool(std::string&)>& next_;
  std::string line_;
  std::string_view rest_;  // of line_
  bool done_ = false;
};

}  // namespace

std::unique_ptr<Tokenizer> open_sentencepiece(const std::filesystem::path& file) {
  const std::string bytes = read_file(file, kMaxModel);
  auto model = std::make_shared<Model>();
  std::string error;
  model->pieces = sentencepiece_module().open(bytes, error);
  check<DataError>(
      model->pieces != nullptr,
      "{}: not a SentencePiece model ({}); expected one, or a folder with encoder.json, vocab.bpe and "
      "dict.txt",
      file.string(), error);
  const int pieces = model->pieces->pieces();
  model->out.assign(static_cast<size_t>(pieces), model->vocabulary.unk);
  model->back.assign(kFirstToken, -1);
  for (int piece = 0; piece < pieces; ++piece) {
    if (model->pieces->is_unknown_or_control(piece)) continue;
    model->out[static_cast<size_t>(piece)] = static_cast<uint32_t>(model->back.size());
    model->back.push_back(piece);
  }
  model->vocabulary.size = static_cast<uint32_t>(model->back.size()) + 1;
  model->vocabulary.mask = model->vocabulary.size - 1;
  model->vocabulary.hash = std::max<uint64_t>(path_id(bytes), 1);
  return std::make_unique<SentencePieceTokenizer>(std::move(model));
}

TrainedSentencePiece train_sentencepiece(int64_t size, const std::function<bool(std::string&)>& next,
                                         int64_t most_lines) {
  // The model counts <unk>, <s> and </s> of its own, for which our <s>, <pad>, </s>, <unk> and <mask> stand.
  const int64_t own = 3, ours = kFirstToken + 1;
  check<UsageError>(size > ours + 16, "--train-vocab: expected more than {} tokens, found {}", ours + 16,
                    size);
  CutLines lines(next);
  TrainedSentencePiece trained;
  const std::string error = sentencepiece_module().train(
      {{"vocab_size", std::to_string(size - ours + own)},
       {"model_type", "unigram"},
       {"character_coverage", "0.9995"},
       {"num_threads", "1"},
       {"input_sentence_size", std::to_string(most_lines)},
       {"shuffle_input_sentence", "false"},
       {"max_sentence_length", std::to_string(kMaxLine)},
       {"minloglevel", "2"}},
      [&](std::string& piece) { return lines.next(piece); }, trained.model);
  check<DataError>(error.empty(), "no vocabulary of {} tokens can be trained on this text: {}", size, error);
  std::string more;  // the trainer stops at the last line that it takes
  trained.all_lines = !lines.next(more);
  return trained;
}

}  // namespace d2v
