#include "d2v/pipeline/tokenizer.h"

#include "d2v/base/check.h"
#include "d2v/pipeline/bpe.h"
#include "sentencepiece_tokenizer.h"

namespace d2v {

std::unique_ptr<Tokenizer> open_tokenizer(const std::filesystem::path& vocabulary) {
  std::error_code error;
  check<DataError>(std::filesystem::exists(vocabulary, error),
                   "{}: no such vocabulary; check text.vocabulary", vocabulary.string());
  return std::filesystem::is_directory(vocabulary, error) ? open_bpe(vocabulary)
                                                          : open_sentencepiece(vocabulary);
}

}  // namespace d2v
