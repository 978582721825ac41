// Tar files for the tests of the pipeline, header by header.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <zlib.h>

namespace d2v::test {

// Sets the checksum of a header of 512 bytes.
inline void seal(std::string& header) {
  std::memset(header.data() + 148, ' ', 8);
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(header.data() + 148, 8, "%06o", sum);
}

// A ustar header; `size` may be a lie.
inline std::string tar_header(std::string_view name, uint64_t size, char type = '0') {
  std::string header(512, '\0');
  name.copy(header.data(), 100);
  std::snprintf(header.data() + 100, 8, "%07o", 0644u);
  std::snprintf(header.data() + 124, 12, "%011llo", static_cast<unsigned long long>(size));
  header[156] = type;
  std::memcpy(header.data() + 257, "ustar\00000", 8);
  seal(header);
  return header;
}

inline std::string padded(std::string_view bytes) {
  std::string text(bytes);
  text.resize((bytes.size() + 511) / 512 * 512, '\0');
  return text;
}

inline std::string tar_entry(std::string_view name, std::string_view bytes, char type = '0') {
  return tar_header(name, bytes.size(), type) + padded(bytes);
}

inline std::string pax_record(const std::string& key, const std::string& value) {
  const std::string rest = " " + key + "=" + value + "\n";
  size_t length = rest.size() + 1;
  while (std::to_string(length).size() + rest.size() != length) ++length;
  return std::to_string(length) + rest;
}

inline std::string tar_end() { return std::string(1024, '\0'); }

// One gzip member.
inline std::string gzip_bytes(std::string_view bytes) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace d2v::test
