#include "d2v/pipeline/token_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string_view>

#include "d2v/base/check.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

constexpr std::string_view kMagic = "d2vtok1\n";
constexpr std::string_view kFairseqMagic{"MMIDIDX\0\0", 9};

struct Header {
  std::array<char, 8> magic{};
  uint32_t bytes = 0;
  uint32_t size = 0, bos = 0, pad = 0, eos = 0, unk = 0, mask = 0, zero = 0;
  uint64_t hash = 0;
  std::array<uint64_t, 2> zeros{};
};
static_assert(sizeof(Header) == 64);

struct Trailer {
  uint64_t tokens = 0, documents = 0, starts = 0;
  std::array<char, 8> magic{};
};
static_assert(sizeof(Trailer) == 32);

std::string_view text(const std::array<char, 8>& magic) { return {magic.data(), magic.size()}; }

template <class T>
std::span<const std::byte> bytes_of(const T& record) {
  return std::as_bytes(std::span(&record, 1));
}

template <class T>
T number_at(std::span<const std::byte> bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// path.bin for path, path.idx or path.bin, where that and its index exist; else path itself.
fs::path data_file(const fs::path& path) {
  std::error_code error;
  const std::string ending = path.extension().string();
  if (ending == ".idx") return fs::path(path).replace_extension(".bin");
  if (!fs::exists(path, error) && fs::exists(path.string() + ".idx", error)) return path.string() + ".bin";
  return path;
}

// Bytes of fairseq's type codes, 0: not whole numbers.
int fairseq_bytes(uint8_t code) {
  constexpr std::array<int, 11> bytes{0, 1, 1, 2, 4, 8, 0, 0, 2, 4, 8};
  return code < bytes.size() ? bytes[code] : 0;
}

}  // namespace

TokenFile::TokenFile(const fs::path& path) : path_(data_file(path)), file_(path_) {
  const std::span<const std::byte> bytes = file_.bytes();
  if (bytes.size() >= kMagic.size() && std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0) {
    open_ours();
    return;
  }
  const fs::path index = fs::path(path_).replace_extension(".idx");
  std::error_code error;
  check<DataError>(
      path_.extension() == ".bin" && fs::exists(index, error),
      "{}: not a token file; make one with `d2v prepare text`, or give fairseq's .bin with its .idx "
      "beside it",
      path_.string());
  open_fairseq(index);
}

void TokenFile::open_ours() {
  const std::span<const std::byte> bytes = file_.bytes();
  check<DataError>(bytes.size() >= sizeof(Header) + sizeof(Trailer), "{}: the token file was cut",
                   path_.string());
  const auto header = number_at<Header>(bytes, 0);
  const auto trailer = number_at<Trailer>(bytes, bytes.size() - sizeof(Trailer));
  check<DataError>(text(trailer.magic) == kMagic,
                   "{}: the token file was cut; make it again with `d2v prepare text`", path_.string());
  const uint64_t room = bytes.size() - sizeof(Header) - sizeof(Trailer);
  const bool fits = (header.bytes == 2 || header.bytes == 4) && trailer.tokens <= room / header.bytes &&
                    trailer.documents < room / 8 && trailer.starts % 8 == 0 &&
                    trailer.starts >= sizeof(Header) + trailer.tokens * header.bytes &&
                    trailer.starts + (trailer.documents + 1) * 8 + sizeof(Trailer) == bytes.size();
  check<DataError>(
      fits && header.size > header.mask && header.size > header.eos && header.size > header.pad &&
          header.size > header.bos && header.size > header.unk,
      "{}: broken token file: its numbers do not fit its {} bytes; make it again with `d2v prepare text`",
      path_.string(), bytes.size());
  vocabulary_ = {.hash = header.hash,
                 .size = header.size,
                 .bos = header.bos,
                 .pad = header.pad,
                 .eos = header.eos,
                 .unk = header.unk,
                 .mask = header.mask};
  bytes_ = static_cast<int>(header.bytes);
  data_ = bytes.data() + sizeof(Header);
  starts_ = {reinterpret_cast<const uint64_t*>(bytes.data() + trailer.starts), trailer.documents + 1};
  check<DataError>(
      starts_.front() == 0 && starts_.back() == trailer.tokens &&
          std::is_sorted(starts_.begin(), starts_.end()),
      "{}: broken token file: its documents are out of order; make it again with `d2v prepare text`",
      path_.string());
}

void TokenFile::open_fairseq(const fs::path& index) {
  const MappedFile mapped(index);
  const std::span<const std::byte> bytes = mapped.bytes();
  constexpr size_t kHeader = 9 + 8 + 1 + 8;
  check<DataError>(bytes.size() >= kHeader && std::memcmp(bytes.data(), kFairseqMagic.data(), 9) == 0,
                   "{}: not an index of fairseq's mmap format", index.string());
  const auto version = number_at<uint64_t>(bytes, 9);
  const auto code = number_at<uint8_t>(bytes, 17);
  const auto count = number_at<uint64_t>(bytes, 18);
  bytes_ = fairseq_bytes(code);
  check<DataError>(version == 1 && bytes_ > 0,
                   "{}: expected version 1 and whole numbers, found version {}, type {}", index.string(),
                   version, code);
  check<DataError>(
      count > 0 && count <= (bytes.size() - kHeader) / 12 && bytes.size() == kHeader + count * 12,
      "{}: broken index: {} sentences do not fit its {} bytes", index.string(), count, bytes.size());
  data_ = file_.bytes().data();
  made_starts_.reserve(count + 1);
  uint64_t at = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const auto size = number_at<int32_t>(bytes, kHeader + i * 4);
    const auto pointer = number_at<int64_t>(bytes, kHeader + count * 4 + i * 8);
    check<DataError>(size >= 0 && pointer == static_cast<int64_t>(at * static_cast<uint64_t>(bytes_)),
                     "{}: broken index: sentence {} is not behind the one before it", index.string(), i);
    made_starts_.push_back(at);
    at += static_cast<uint64_t>(size);
  }
  made_starts_.push_back(at);
  check<DataError>(at * static_cast<uint64_t>(bytes_) <= file_.bytes().size(),
                   "{}: the file was cut: {} tokens of {} bytes do not fit its {} bytes", path_.string(), at,
                   bytes_, file_.bytes().size());
  starts_ = made_starts_;
}

void TokenFile::read(int64_t first, std::span<int64_t> out) const {
  check(first >= 0 && first + static_cast<int64_t>(out.size()) <= tokens(),
        "{}: has {} tokens, asked for {} from {}", path_.string(), tokens(), out.size(), first);
  const std::byte* from = data_ + first * bytes_;
  const auto copy = [&]<class T>(T) {
    for (size_t i = 0; i < out.size(); ++i) {
      T value;
      std::memcpy(&value, from + i * sizeof(T), sizeof value);
      out[i] = static_cast<int64_t>(value);
    }
  };
  switch (bytes_) {
    case 1:
      return copy(uint8_t{});
    case 2:
      return copy(uint16_t{});
    case 4:
      return copy(uint32_t{});
    default:
      return copy(int64_t{});
  }
}

TokenWriter::TokenWriter(const fs::path& path, const Vocabulary& vocabulary)
    : file_(path), vocabulary_(vocabulary) {
  Header header{.bytes = vocabulary.size <= 65536 ? 2u : 4u,
                .size = vocabulary.size,
                .bos = vocabulary.bos,
                .pad = vocabulary.pad,
                .eos = vocabulary.eos,
                .unk = vocabulary.unk,
                .mask = vocabulary.mask,
                .hash = vocabulary.hash};
  std::copy(kMagic.begin(), kMagic.end(), header.magic.begin());
  file_.write(bytes_of(header));
}

void TokenWriter::put(std::span<const uint32_t> ids) {
  for (const uint32_t id : ids)
    check(id < vocabulary_.size, "token file: id {} in a vocabulary of {}", id, vocabulary_.size);
  tokens_ += static_cast<int64_t>(ids.size());
  if (vocabulary_.size > 65536) return file_.write(std::as_bytes(ids));
  narrow_.assign(ids.begin(), ids.end());
  file_.write(std::as_bytes(std::span<const uint16_t>(narrow_)));
}

void TokenWriter::add(std::span<const uint32_t> document) {
  starts_.push_back(static_cast<uint64_t>(tokens_));
  put(document);
  put({&vocabulary_.eos, 1});
}

void TokenWriter::commit() {
  const auto bytes = static_cast<uint64_t>(tokens_) * (vocabulary_.size <= 65536 ? 2 : 4) + sizeof(Header);
  constexpr std::array<char, 8> zeros{};
  file_.write(std::string_view(zeros.data(), (8 - bytes % 8) % 8));
  Trailer trailer{static_cast<uint64_t>(tokens_), starts_.size(), (bytes + 7) / 8 * 8};
  std::copy(kMagic.begin(), kMagic.end(), trailer.magic.begin());
  starts_.push_back(static_cast<uint64_t>(tokens_));
  file_.write(std::as_bytes(std::span<const uint64_t>(starts_)));
  starts_.pop_back();
  file_.write(bytes_of(trailer));
  file_.commit();
}

}  // namespace d2v
