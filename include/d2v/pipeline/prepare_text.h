// Raw text → token file (`d2v prepare text`).
//
// Files are read as UTF-8: a byte order mark is dropped, CRLF and CR become LF, invalid bytes become U+FFFD (counted).
// Of folders all files ending in .txt are taken, also below; names that start with a dot are passed over.
// Left out by name are files that cannot be read, without text, and those with NUL bytes, which are no UTF-8 text but UTF-16 or binary.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "d2v/base/options.h"
#include "d2v/pipeline/source.h"

namespace d2v {

enum class TextDocuments { files, paragraphs, lines };
template <>
struct EnumNames<TextDocuments> {
  static constexpr std::array<std::string_view, 3> names{"files", "paragraphs", "lines"};
};

struct PrepareText {
  std::vector<std::filesystem::path> inputs{};  // files, and folders that are searched for .txt
  std::filesystem::path output{};               // the token file
  std::string vocabulary{};                     // as text.vocabulary; empty: one is trained
  int64_t train_vocabulary = 0;                 // its size; written beside the output, ending .model
  int64_t vocabulary_lines = 1'000'000;         // trained on at most so many; of lines above 64 KiB, pieces
  TextDocuments documents = TextDocuments::files;  // what a document is; paragraphs end at blank lines
  double max_bad_fraction = 0.01;                  // of the files, as data.max_bad_fraction
};

struct PreparedText {
  std::filesystem::path vocabulary;  // given or trained
  bool all_lines = true;  // false: it was trained on the first vocabulary_lines only (a warning says so)
  int64_t files = 0;      // used
  int64_t bytes = 0;      // after the clean-up
  int64_t documents = 0;
  int64_t tokens = 0;
  std::vector<BadFile> left_out;  // files, with the reason
  std::vector<BadFile> others;    // of given folders: files that are no .txt; many are named in part
  std::vector<BadFile> mended;    // files with invalid bytes; count: how many places
};

// Throws UsageError for settings that do not fit together; DataError where no text is left, too many files are left out,
// or the vocabulary cannot be used or trained; StorageError.
PreparedText prepare_text(const PrepareText& settings);

}  // namespace d2v
