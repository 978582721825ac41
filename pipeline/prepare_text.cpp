#include "d2v/pipeline/prepare_text.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/base/log.h"
#include "d2v/base/mapped_file.h"
#include "d2v/pipeline/token_file.h"
#include "d2v/pipeline/utf8.h"
#include "folder_walk.h"
#include "sentencepiece_tokenizer.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

std::vector<fs::path> find_files(const std::vector<fs::path>& inputs, std::vector<BadFile>& others) {
  constexpr std::array<std::string_view, 1> kEndings{".txt"};
  std::vector<fs::path> files;
  for (const fs::path& input : inputs) {
    std::error_code error;
    check<DataError>(fs::exists(input, error), "{}: no such file or folder", input.string());
    if (!fs::is_directory(input, error)) {
      files.push_back(input);
      continue;
    }
    const WalkedFolder walked =
        walk_folder(input, false, [&](const fs::path& path) { return has_ending(path, kEndings); });
    check<DataError>(!walked.found.empty(), "{}: no file ending in .txt in it", input.string());
    const auto before = static_cast<std::ptrdiff_t>(files.size());
    for (const std::string& path : walked.found) files.push_back(input / path);
    std::sort(files.begin() + before, files.end());
    for (BadFile& other :
         name_others(input, walked, "not text by its name (looked for names ending in .txt)")) {
      other.path = (input / other.path).string();
      others.push_back(std::move(other));
    }
  }
  check<UsageError>(!files.empty(), "prepare text: give files or folders of text");
  return files;
}

// The clean text of a file. Throws DataError with the reason where it is left out.
CleanCount read_text(const fs::path& file, std::string& text) {
  text.clear();
  std::error_code error;
  check<DataError>(fs::exists(file, error), "{}: No such file or directory", file.string());
  check<DataError>(fs::is_regular_file(file, error), "{}: not a regular file", file.string());
  check<DataError>(fs::file_size(file) > 0, "{}: the file is empty", file.string());
  const MappedFile mapped(file);
  const std::string_view raw(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size());
  const size_t nul = raw.find('\0');
  check<DataError>(
      nul == std::string_view::npos,
      "{}: has a NUL at byte {}, so it is not UTF-8 text; convert it (from UTF-16: iconv -f UTF-16)",
      file.string(), nul);
  const CleanCount count = append_clean(raw, true, text);
  check<DataError>(text.find_first_not_of(" \t\n\v\f") != std::string::npos,
                   "{}: holds no text but white space", file.string());
  return count;
}

// Calls use(document) for each part of the text.
template <class F>
void each_document(std::string_view text, TextDocuments kind, F&& use) {
  const std::string_view separator = kind == TextDocuments::paragraphs ? "\n\n" : "\n";
  if (kind == TextDocuments::files) return use(text);
  for (size_t at = 0; at < text.size();) {
    at = std::min(text.find_first_not_of('\n', at), text.size());
    const size_t end = std::min(text.find(separator, at), text.size());
    if (end > at) use(text.substr(at, end - at));
    at = end;
  }
}

// Lines of all files, one after the other, for the trainer of a vocabulary.
class LinesOfFiles {
 public:
  explicit LinesOfFiles(const std::vector<fs::path>& files) : files_(files) {}
  bool operator()(std::string& line) {
    for (;;) {
      while (at_ >= text_.size()) {
        if (next_ == files_.size()) return false;
        read_text(files_[next_++], text_);
        at_ = 0;
      }
      const size_t end = std::min(text_.find('\n', at_), text_.size());
      line = text_.substr(at_, end - at_);
      at_ = end + 1;
      if (!line.empty()) return true;
    }
  }

 private:
  const std::vector<fs::path>& files_;
  size_t next_ = 0, at_ = 0;
  std::string text_;
};

// Sorts files into those that can be used and those that cannot.
std::vector<fs::path> usable_files(const std::vector<fs::path>& files, double max_bad_fraction,
                                   PreparedText& result) {
  std::vector<fs::path> usable;
  std::string text;
  for (const fs::path& file : files) {
    try {
      const CleanCount count = read_text(file, text);
      usable.push_back(file);
      if (count.invalid > 0)
        result.mended.push_back({file.string(), "invalid UTF-8, replaced by U+FFFD", count.invalid});
    } catch (const DataError& error) {
      result.left_out.push_back({file.string(), error.what(), 1});
    }
  }
  const auto bad = static_cast<double>(result.left_out.size());
  check<DataError>(
      bad <= max_bad_fraction * static_cast<double>(files.size()),
      "{} of {} files cannot be used, more than data.max_bad_fraction {} allows; mend or remove them, or "
      "raise that option. The first: {}",
      result.left_out.size(), files.size(), max_bad_fraction,
      result.left_out.empty() ? "" : result.left_out.front().reason);
  check<DataError>(!usable.empty(), "no file with text. The first: {}",
                   result.left_out.empty() ? "" : result.left_out.front().reason);
  return usable;
}

}  // namespace

PreparedText prepare_text(const PrepareText& settings) {
  check<UsageError>(settings.vocabulary.empty() != (settings.train_vocabulary == 0),
                    "prepare text: give either a vocabulary (text.vocabulary) or the size of one to train "
                    "(--train-vocab N)");
  PreparedText result;
  const std::vector<fs::path> files =
      usable_files(find_files(settings.inputs, result.others), settings.max_bad_fraction, result);
  result.vocabulary = settings.vocabulary;
  if (settings.train_vocabulary > 0) {
    result.vocabulary = fs::path(settings.output).replace_extension(".model");
    const TrainedSentencePiece trained =
        train_sentencepiece(settings.train_vocabulary, LinesOfFiles(files), settings.vocabulary_lines);
    result.all_lines = trained.all_lines;
    if (!trained.all_lines)
      log_warning(
          "the vocabulary is trained on the first {} lines, in the order of the files; where later ones are "
          "of "
          "another kind, train it on a mixture and give it with --text.vocabulary",
          settings.vocabulary_lines);
    write_file(result.vocabulary, trained.model);
  }
  const std::unique_ptr<Tokenizer> tokenizer = open_tokenizer(result.vocabulary);
  TokenWriter writer(settings.output, tokenizer->vocabulary());
  std::string text;
  std::vector<uint32_t> ids;
  for (const fs::path& file : files) {
    read_text(file, text);
    result.bytes += static_cast<int64_t>(text.size());
    each_document(text, settings.documents, [&](std::string_view document) {
      ids.clear();
      tokenizer->encode(document, ids);
      if (!ids.empty()) writer.add(ids);
    });
  }
  check<DataError>(writer.tokens() > 0, "{}: the text gives no tokens", settings.output.string());
  writer.commit();
  result.files = static_cast<int64_t>(files.size());
  result.documents = writer.documents();
  result.tokens = writer.tokens();
  return result;
}

}  // namespace d2v
