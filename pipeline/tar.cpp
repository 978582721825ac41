#include "d2v/pipeline/tar.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "d2v/base/check.h"

namespace d2v {
namespace {

constexpr uint64_t kBlock = 512;
constexpr uint64_t kMostName = 1 << 20;  // bytes of a long name or a pax header

// Where a tar cannot be followed any further.
struct Damage {
  std::string what;
};

using Block = std::array<uint8_t, kBlock>;

std::span<const uint8_t> raw_field(const Block& block, size_t at, size_t size) {
  return std::span(block).subspan(at, size);
}

// Up to the first NUL.
std::string_view text_field(const Block& block, size_t at, size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(block.data()) + at, size);
  return all.substr(0, all.find('\0'));
}

// Octal digits with spaces around them, or GNU's big-endian binary; nothing where it is neither or above 2^63 - 1.
std::optional<uint64_t> number(std::span<const uint8_t> field) {
  uint64_t value = 0;
  if (field[0] & 0x80) {
    value = field[0] & 0x7f;  // 0xff, a negative number, grows too large below
    for (const uint8_t byte : field.subspan(1)) {
      if (value >> 55 != 0) return std::nullopt;
      value = value << 8 | byte;
    }
    return value;
  }
  size_t i = 0;
  while (i < field.size() && field[i] == ' ') ++i;
  for (; i < field.size() && field[i] >= '0' && field[i] <= '7'; ++i) value = value << 3 | (field[i] - '0');
  if (i < field.size() && field[i] != ' ' && field[i] != 0) return std::nullopt;
  return value;
}

// The sum of all bytes, the checksum's own taken as spaces. Old programs added signed bytes.
bool checksum_holds(const Block& block) {
  const auto stored = number(raw_field(block, 148, 8));
  int64_t plain = 0, with_sign = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    const uint8_t byte = i >= 148 && i < 156 ? ' ' : block[i];
    plain += byte;
    with_sign += static_cast<int8_t>(byte);
  }
  return stored && (static_cast<int64_t>(*stored) == plain || static_cast<int64_t>(*stored) == with_sign);
}

std::string header_name(const Block& block) {
  std::string name(text_field(block, 0, 100));
  // GNU's own magic ends in spaces and keeps other things where ustar has the prefix.
  const bool ustar = text_field(block, 257, 6) == "ustar";
  const std::string_view prefix = text_field(block, 345, 155);
  return ustar && !prefix.empty() ? fmt::format("{}/{}", prefix, name) : name;
}

// What headers before an entry's own say about it.
struct Extras {
  std::optional<std::string> name;
  std::optional<uint64_t> size;
  bool sparse = false;
};

std::optional<uint64_t> decimal(std::string_view text) {
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || value > (std::numeric_limits<int64_t>::max() - 9) / 10) return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

// Records "LENGTH KEY=VALUE\n", where LENGTH counts all of the record.
void read_pax(std::string_view text, Extras& extras) {
  while (!text.empty() && text.front() != '\0') {
    const size_t space = text.find(' ');
    const auto length = decimal(text.substr(0, std::min(space, size_t{20})));
    if (space == text.npos || !length || *length > text.size() || *length < space + 3 ||
        text[*length - 1] != '\n')
      throw Damage{"a pax header with a record of a wrong length"};
    const std::string_view record = text.substr(space + 1, *length - space - 2);
    text.remove_prefix(*length);
    const size_t equals = record.find('=');
    if (equals == record.npos) throw Damage{"a pax header with a record without '='"};
    const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
    if (key == "path") extras.name = std::string(value.substr(0, value.find('\0')));
    if (key == "size" && !value.empty()) {
      extras.size = decimal(value);
      if (!extras.size) throw Damage{fmt::format("a pax header with the size '{}'", value.substr(0, 40))};
    }
    extras.sparse = extras.sparse || key.starts_with("GNU.sparse.");
  }
}

// Without "./" and "/" in front; empty for a name with a part that starts with a dot, or that ends like a folder.
std::string file_name(std::string_view name) {
  while (name.starts_with("./") || name.starts_with('/')) name.remove_prefix(name.starts_with('/') ? 1 : 2);
  if (name.empty() || name.ends_with('/') || name.starts_with('.') || name.find("/.") != name.npos) return {};
  return std::string(name);
}

class Lister {
 public:
  explicit Lister(const OpenBytes& tar) : tar_(tar) {}

  TarListing list() {
    check<DataError>(tar_.size() > 0, "{}: the file is empty", tar_.name());
    try {
      while (next()) {
      }
    } catch (const Damage& damage) {
      check<DataError>(header_ > 0, "{}: not a tar file, or damaged at its beginning: {}", tar_.name(),
                       damage.what);
      listing_.lost = tar_.size() - header_;
      listing_.bad.push_back(
          {entry_.empty() ? fmt::format("byte {}", header_) : entry_,
           fmt::format("{}: damaged at byte {}: {}; the {} bytes from there on are not used", tar_.name(),
                       header_, damage.what, listing_.lost),
           1, true});
    }
    return std::move(listing_);
  }

 private:
  // One header and what belongs to it; false at the end.
  bool next() {
    header_ = at_;
    entry_.clear();
    if (at_ == tar_.size()) {
      if (extras_.name || extras_.size) throw Damage{"it ends after the long name of an entry"};
      return false;
    }
    const Block block = read_block("a header");
    if (std::all_of(block.begin(), block.end(), [](uint8_t byte) { return byte == 0; })) return false;
    if (!checksum_holds(block)) throw Damage{"the checksum of a header is wrong"};
    const auto stored = number(raw_field(block, 124, 12));
    if (!stored) throw Damage{"a size that is no number"};
    const char type = static_cast<char>(block[156]);
    switch (type) {
      case 'L':  // GNU: the name of the next entry
        extras_.name = read_data(*stored);
        extras_.name->resize(std::min(extras_.name->find('\0'), extras_.name->size()));
        return true;
      case 'x':
      case 'X':
        read_pax(read_data(*stored), extras_);
        return true;
      case 'g':  // of all entries that follow: dates, comments
      case 'K':  // GNU: the target of a link
        read_data(*stored);
        return true;
      default:
        break;
    }
    const Extras extras = std::exchange(extras_, {});
    add(extras.name.value_or(header_name(block)), type, extras.size.value_or(*stored),
        extras.sparse || type == 'S', block);
    return true;
  }

  void add(const std::string& name, char type, uint64_t bytes, bool sparse, const Block& block) {
    entry_ = name;
    if (type >= '1' && type <= '6') {  // links, devices, folders: no bytes follow
      ++listing_.others;
      return;
    }
    if (type == 'S') skip_sparse_map(block);
    const uint64_t first = at_;
    pass(bytes);
    const bool ordinary = type == '0' || type == '\0' || type == '7';
    const std::string file = file_name(name);
    if (sparse) {
      listing_.bad.push_back(
          {name, fmt::format("{}: {}: a sparse file; pack it again without --sparse", tar_.name(), name), 1,
           true});
    } else if (!ordinary || file.empty()) {
      ++listing_.others;
    } else {
      listing_.entries.push_back({file, first, bytes});
    }
  }

  // GNU's sparse files go on in blocks of their own.
  void skip_sparse_map(const Block& block) {
    uint8_t more = block[482];
    while (more != 0) more = read_block("the map of a sparse file")[504];
  }

  Block read_block(std::string_view of) {
    Block block;
    if (tar_.size() - at_ < kBlock || tar_.read_at(at_, block) < kBlock)
      throw Damage{fmt::format("it ends within {}", of)};
    at_ += kBlock;
    return block;
  }

  std::string read_data(uint64_t bytes) {
    if (bytes > kMostName) throw Damage{fmt::format("a name or pax header of {} bytes", bytes)};
    std::string text(static_cast<size_t>(bytes), '\0');
    const uint64_t first = at_;
    pass(bytes);
    if (tar_.read_at(first, {reinterpret_cast<uint8_t*>(text.data()), text.size()}) < text.size())
      throw Damage{"it ends within a name"};
    return text;
  }

  // Over the bytes of an entry and what fills up its last block. The very last one may lack that.
  void pass(uint64_t bytes) {
    const uint64_t left = tar_.size() - at_;
    if (bytes > left)
      throw Damage{
          fmt::format("it was cut, or an entry's size is wrong: expected {} bytes, found {}", bytes, left)};
    const uint64_t rest = bytes % kBlock == 0 ? 0 : kBlock - bytes % kBlock;
    at_ += bytes;
    at_ += std::min(rest, tar_.size() - at_);
  }

  const OpenBytes& tar_;
  TarListing listing_;
  Extras extras_;
  uint64_t at_ = 0;
  uint64_t header_ = 0;  // where the last one begins
  std::string entry_;    // whose
};

}  // namespace

TarListing list_tar(const OpenBytes& tar) { return Lister(tar).list(); }

}  // namespace d2v
