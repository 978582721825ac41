#include "gzip.h"

#include <vector>
#include <zlib.h>

#include "d2v/base/check.h"
#include "d2v/base/file.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

constexpr uint64_t kKeepFree = uint64_t{1} << 30;
constexpr uint64_t kLookEvery = uint64_t{64} << 20;  // bytes between two looks at the free room
constexpr int kGzipOnly = 15 + 16;                   // window bits, and zlib's flag

struct Inflater {
  z_stream stream{};
  Inflater() { check(inflateInit2(&stream, kGzipOnly) == Z_OK, "zlib: no memory"); }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

void check_room(const fs::path& packed, const fs::path& out, uint64_t written) {
  std::error_code error;
  const fs::space_info space = fs::space(out.parent_path(), error);
  check<StorageError>(
      error || space.available > kKeepFree,
      "{}: more than {} MB unpacked, and less than a gigabyte is left beside {}; point D2V_CACHE "
      "to a larger disk, or unpack the shards yourself",
      packed.string(), written >> 20, out.string());
}

}  // namespace

uint64_t inflate_gzip(const OpenBytes& packed, const std::function<void(std::span<const uint8_t>)>& take,
                      size_t chunk) {
  Inflater inflater;
  z_stream& z = inflater.stream;
  std::vector<uint8_t> input(chunk), output(chunk);
  uint64_t read = 0, written = 0;
  bool in_member = false, more_inside = false;  // more_inside: zlib has output that it had no room for
  for (;;) {
    if (z.avail_in == 0 && !more_inside) {
      const size_t got = packed.read_at(read, input);
      if (got == 0) break;
      read += got;
      z.next_in = input.data();
      z.avail_in = static_cast<uInt>(got);
    }
    if (!in_member && *z.next_in == 0) {  // zeros may fill up the space behind a member
      ++z.next_in;
      --z.avail_in;
      continue;
    }
    in_member = true;
    z.next_out = output.data();
    z.avail_out = static_cast<uInt>(output.size());
    const int result = inflate(&z, Z_NO_FLUSH);
    check<DataError>(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR,
                     "{}: broken gzip data near byte {} ({})", packed.name(), read - z.avail_in,
                     z.msg != nullptr ? z.msg : "zlib gives no reason");
    const size_t made = output.size() - z.avail_out;
    if (made > 0) take(std::span(output).first(made));
    written += made;
    more_inside = z.avail_out == 0;
    if (result == Z_STREAM_END) {
      in_member = more_inside = false;
      check(inflateReset(&z) == Z_OK, "zlib: cannot start the next member of {}", packed.name());
    }
  }
  check<DataError>(!in_member, "{}: the gzip file was cut: it ends after {} bytes without its end mark",
                   packed.name(), read);
  return written;
}

uint64_t unpack_gzip(const fs::path& packed, const fs::path& out) {
  const OpenBytes in{ByteSource(packed)};
  AtomicFile file(out);
  uint64_t written = 0, looked = 0;
  check_room(packed, out, 0);
  inflate_gzip(in, [&](std::span<const uint8_t> piece) {
    file.write(std::as_bytes(piece));
    written += piece.size();
    if (written - looked > kLookEvery) {
      check_room(packed, out, written);
      looked = written;
    }
  });
  file.commit();
  return written;
}

}  // namespace d2v
