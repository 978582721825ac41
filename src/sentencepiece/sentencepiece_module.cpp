// libd2v_sentencepiece.so: the only code that is linked with SentencePiece.
#include "d2v/pipeline/sentencepiece_module.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>
#include <unordered_map>

namespace d2v {
namespace {

std::string reason(const sentencepiece::util::Status& status) {
  return status.ok() ? std::string() : status.ToString();
}

class Model : public SentencePieceModel {
 public:
  std::string load(const std::string& bytes) {
    processor_.SetEncodeExtraOptions("").IgnoreError();
    return reason(processor_.LoadFromSerializedProto(bytes));
  }
  int pieces() const override { return processor_.GetPieceSize(); }
  bool is_unknown_or_control(int piece) const override {
    return processor_.IsUnknown(piece) || processor_.IsControl(piece);
  }
  std::string encode(std::string_view text, std::vector<int>& pieces) const override {
    return reason(processor_.Encode(text, &pieces));
  }
  std::string decode(const std::vector<int>& pieces, std::string& text) const override {
    return reason(processor_.Decode(pieces, &text));
  }

 private:
  sentencepiece::SentencePieceProcessor processor_;
};

class Lines : public sentencepiece::SentenceIterator {
 public:
  explicit Lines(const std::function<bool(std::string&)>& next) : next_(next) { Next(); }
  bool done() const override { return done_; }
  void Next() override { done_ = !next_(line_); }
  const std::string& value() const override { return line_; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::function<bool(std::string&)>& next_;
  std::string line_;
  bool done_ = false;
};

std::unique_ptr<SentencePieceModel> open(const std::string& bytes, std::string& error) {
  auto model = std::make_unique<Model>();
  error = model->load(bytes);
  if (error.empty() && model->pieces() == 0) error = "no pieces";
  if (!error.empty()) return nullptr;
  return model;
}

std::string train(const std::map<std::string, std::string>& options,
                  const std::function<bool(std::string&)>& next, std::string& model) {
  Lines lines(next);
  const std::unordered_map<std::string, std::string> arguments(options.begin(), options.end());
  return reason(sentencepiece::SentencePieceTrainer::Train(arguments, &lines, &model));
}

}  // namespace
}  // namespace d2v

extern "C" __attribute__((visibility("default"))) const d2v::SentencePieceModule* d2v_sentencepiece() {
  static const d2v::SentencePieceModule module{d2v::open, d2v::train};
  return &module;
}
