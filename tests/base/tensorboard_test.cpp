#include "d2v/base/tensorboard.h"

#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "d2v/base/check.h"
#include "d2v/base/crc32c.h"
#include "d2v/base/file.h"
#include "temporary_folder.h"

#include "doctest.h"

using namespace d2v;

namespace {

template <class T>
T take(std::string_view& from) {
  REQUIRE(from.size() >= sizeof(T));
  T value;
  std::memcpy(&value, from.data(), sizeof value);
  from.remove_prefix(sizeof value);
  return value;
}

uint64_t take_varint(std::string_view& from) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = take<unsigned char>(from);
    value |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
}

// A protobuf message as field number -> values; numbers as their raw bytes.
std::multimap<int, std::string> fields(std::string_view message) {
  std::multimap<int, std::string> result;
  while (!message.empty()) {
    const uint64_t tag = take_varint(message);
    size_t length = 0;
    switch (tag & 7) {
      case 0: {
        const uint64_t value = take_varint(message);
        result.emplace(tag >> 3, std::string(reinterpret_cast<const char*>(&value), sizeof value));
        continue;
      }
      case 1:
        length = 8;
        break;
      case 5:
        length = 4;
        break;
      case 2:
        length = take_varint(message);
        break;
      default:
        FAIL("unknown wire type");
    }
    REQUIRE(message.size() >= length);
    result.emplace(tag >> 3, std::string(message.substr(0, length)));
    message.remove_prefix(length);
  }
  return result;
}

template <class T>
T number(const std::multimap<int, std::string>& message, int field) {
  REQUIRE(message.count(field) == 1);
  std::string_view bytes = message.find(field)->second;
  return take<T>(bytes);
}

// The payloads of a TFRecord file, checksums verified.
std::vector<std::string> records(const std::filesystem::path& path) {
  const std::string contents = read_file(path, 1 << 20);
  std::vector<std::string> result;
  for (std::string_view rest = contents; !rest.empty();) {
    const std::string_view length_bytes = rest.substr(0, 8);
    const auto length = take<uint64_t>(rest);
    REQUIRE(take<uint32_t>(rest) == masked_crc32c(length_bytes));
    REQUIRE(rest.size() >= length);
    result.emplace_back(rest.substr(0, length));
    rest.remove_prefix(length);
    REQUIRE(take<uint32_t>(rest) == masked_crc32c(result.back()));
  }
  return result;
}

}  // namespace

TEST_CASE("crc32c gives the values of RFC 3720") {
  CHECK(crc32c("") == 0);
  CHECK(crc32c("123456789") == 0xe3069283);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aa);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43);
  std::string up, down;
  for (char i = 0; i < 32; ++i) up += i, down += static_cast<char>(31 - i);
  CHECK(crc32c(up) == 0x46dd794e);
  CHECK(crc32c(down) == 0x113fdb5c);
}

TEST_CASE("masking rotates and adds") {
  const uint32_t crc = crc32c("foo"), masked = masked_crc32c("foo");
  const uint32_t rotated = masked - 0xa282ead8u;
  CHECK((rotated >> 17 | rotated << 15) == crc);
  CHECK(masked != crc);
}

TEST_CASE("an event file holds its version, then one event per write, at once on disk") {
  test::TemporaryFolder folder;
  TensorboardWriter writer(folder.path());
  CHECK(writer.path().filename().string().starts_with("events.out.tfevents."));
  writer.write(1, std::vector<Scalar>{{"train/loss", 0.5}, {"train/lr", 1e-3}});
  writer.write(int64_t{1} << 40, std::vector<Scalar>{{"train/loss", NAN}});

  const auto events = records(writer.path());  // the writer is still open
  REQUIRE(events.size() == 3);
  const auto version = fields(events[0]);
  CHECK(version.find(3)->second == "brain.Event:2");
  CHECK(number<double>(version, 1) > 1.6e9);

  const auto first = fields(events[1]);
  CHECK(number<int64_t>(first, 2) == 1);
  std::map<std::string, float> values;
  for (const auto& [field, value] : fields(first.find(5)->second)) {
    REQUIRE(field == 1);
    const auto scalar = fields(value);
    values[scalar.find(1)->second] = number<float>(scalar, 2);
  }
  CHECK(values == std::map<std::string, float>{{"train/loss", 0.5f}, {"train/lr", 1e-3f}});

  const auto second = fields(events[2]);
  CHECK(number<int64_t>(second, 2) == int64_t{1} << 40);
  CHECK(std::isnan(number<float>(fields(fields(second.find(5)->second).find(1)->second), 2)));
}

TEST_CASE("a resumed run tells TensorBoard to forget later steps") {
  test::TemporaryFolder folder;
  TensorboardWriter first(folder.path()), second(folder.path(), 120);
  CHECK(first.path() != second.path());
  const auto events = records(second.path());
  REQUIRE(events.size() == 2);
  const auto restart = fields(events[1]);
  CHECK(number<int64_t>(restart, 2) == 120);
  CHECK(number<int64_t>(fields(restart.find(7)->second), 1) == 1);  // SessionLog.START
}

TEST_CASE("a folder that is not there is a storage error") {
  CHECK_THROWS_AS(TensorboardWriter("/nowhere/at/all"), StorageError);
}
