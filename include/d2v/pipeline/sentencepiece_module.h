// What the pipeline needs of SentencePiece, behind a shared object that is loaded when a vocabulary is first opened.
//
// The library may not be linked: its global FLAGS_minloglevel has the name of another type of variable in LibTorch's c10,
// and where both are linked it writes 28 bytes past that one.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace d2v {

// A model. Safe to use from several threads.
class SentencePieceModel {
 public:
  virtual ~SentencePieceModel() = default;
  virtual int pieces() const = 0;
  virtual bool is_unknown_or_control(int piece) const = 0;
  // The pieces of a text, and back. Return the library's reason, empty when all went well.
  virtual std::string encode(std::string_view text, std::vector<int>& pieces) const = 0;
  virtual std::string decode(const std::vector<int>& pieces, std::string& text) const = 0;
};

// What the shared object gives.
struct SentencePieceModule {
  // Of a model file's bytes; null, and the library's reason in `error`, where they are none.
  std::unique_ptr<SentencePieceModel> (*open)(const std::string& bytes, std::string& error);
  // Trains with the library's options on lines that `next` gives until it returns false; `model` gets the bytes of a
  // model file. Returns the library's reason, empty when all went well.
  std::string (*train)(const std::map<std::string, std::string>& options,
                       const std::function<bool(std::string&)>& next, std::string& model);
};

// Loads the shared object, once, from the folder of the running program. Throws Error where it is not there.
const SentencePieceModule& sentencepiece_module();

}  // namespace d2v
