#include "d2v/pipeline/tar_writer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "d2v/base/check.h"

namespace d2v {
namespace {

constexpr size_t kTarBlock = 512;
constexpr size_t kNameField = 100;
constexpr uint64_t kLargestSize = (uint64_t{1} << 33) - 1;  // 11 octal digits

using TarBlock = std::array<char, kTarBlock>;

// Octal digits and a NUL.
void put_octal(TarBlock& block, size_t at, size_t size, uint64_t value) {
  const std::string digits = fmt::format("{:0{}o}", value, size - 1);
  std::memcpy(block.data() + at, digits.data(), size - 1);
}

TarBlock header(std::string_view name, char type, uint64_t bytes) {
  TarBlock block{};
  name.copy(block.data(), kNameField);
  put_octal(block, 100, 8, 0644);
  put_octal(block, 108, 8, 0);
  put_octal(block, 116, 8, 0);
  put_octal(block, 124, 12, bytes);
  put_octal(block, 136, 12, 0);
  block[156] = type;
  std::memcpy(block.data() + 257, "ustar\00000", 8);
  std::memset(block.data() + 148, ' ', 8);
  uint64_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put_octal(block, 148, 7, sum);
  return block;
}

// "LENGTH KEY=VALUE\n", where LENGTH counts all of it, its own digits too.
std::string pax_record(std::string_view key, std::string_view value) {
  const size_t rest = key.size() + value.size() + 3;
  size_t length = rest + 1;
  while (fmt::formatted_size("{}", length) + rest != length) ++length;
  return fmt::format("{} {}={}\n", length, key, value);
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

void TarWriter::put(std::span<const std::byte> bytes) {
  file_.write(bytes);
  bytes_ += bytes.size();
}

void TarWriter::put_entry(std::string_view name, char type, std::span<const std::byte> contents) {
  const uint64_t size = contents.size();
  const TarBlock block = header(name, type, size <= kLargestSize ? size : 0);
  put(std::as_bytes(std::span(block)));
  put(contents);
  static constexpr TarBlock zeros{};
  put(std::as_bytes(std::span(zeros)).first((kTarBlock - size % kTarBlock) % kTarBlock));
}

void TarWriter::add(std::string_view name, std::span<const uint8_t> bytes) {
  check(!name.empty() && name.find('\0') == name.npos,
        "a tar entry: expected a name without NUL, found one of {} bytes", name.size());
  std::string extras;
  if (name.size() > kNameField) extras += pax_record("path", name);
  if (bytes.size() > kLargestSize) extras += pax_record("size", fmt::format("{}", bytes.size()));
  if (!extras.empty()) put_entry("PaxHeader", 'x', bytes_of(extras));
  put_entry(name, '0', std::as_bytes(bytes));
}

void TarWriter::commit() {
  static constexpr std::array<char, 2 * kTarBlock> end{};
  put(std::as_bytes(std::span(end)));
  file_.commit();
}

}  // namespace d2v
