#include "d2v/base/tensorboard.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <unistd.h>

#include "d2v/base/check.h"
#include "d2v/base/crc32c.h"
#include "system_error.h"

namespace d2v {
namespace {

// The little of protobuf's encoding that events need. Field numbers are those of event.proto and
// summary.proto.
template <class T>
void append_raw(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

enum Wire { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

void append_tag(std::string& out, int field, Wire wire) {
  append_varint(out, static_cast<uint64_t>(field << 3 | wire));
}

void append_bytes(std::string& out, int field, const std::string& value) {
  append_tag(out, field, Wire::bytes);
  append_varint(out, value.size());
  out += value;
}

// Event { double wall_time = 1; int64 step = 2; … }
std::string event_head(int64_t step) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  std::string out;
  append_tag(out, 1, Wire::fixed64);
  append_raw(out, std::chrono::duration<double>(now).count());
  append_tag(out, 2, Wire::varint);
  append_varint(out, static_cast<uint64_t>(step));
  return out;
}

// Summary { repeated Value value = 1 }, Value { string tag = 1; float simple_value = 2 }
std::string summary(std::span<const Scalar> scalars) {
  std::string out;
  for (const Scalar& scalar : scalars) {
    std::string value;
    append_bytes(value, 1, scalar.name);
    append_tag(value, 2, Wire::fixed32);
    append_raw(value, static_cast<float>(scalar.value));
    append_bytes(out, 1, value);
  }
  return out;
}

}  // namespace

TensorboardWriter::TensorboardWriter(const std::filesystem::path& folder, int64_t purge_step) {
  static std::atomic<int> count{0};  // two writers within one second
  char host[256] = "host";
  ::gethostname(host, sizeof host - 1);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  path_ = folder / fmt::format("events.out.tfevents.{:010}.{}.{}.{}",
                               std::chrono::duration_cast<std::chrono::seconds>(now).count(), host,
                               ::getpid(), count++);
  file_.reset(std::fopen(path_.c_str(), "wbe"));
  if (!file_) storage_failure("create", path_, errno);
  std::string event = event_head(0);
  append_bytes(event, 3, "brain.Event:2");  // file_version
  write_record(event);
  if (purge_step < 0) return;
  event = event_head(purge_step);
  append_bytes(event, 7, std::string("\x08\x01", 2));  // session_log { status: START }
  write_record(event);
}

void TensorboardWriter::write(int64_t step, std::span<const Scalar> scalars) {
  std::string event = event_head(step);
  append_bytes(event, 5, summary(scalars));
  write_record(event);
}

void TensorboardWriter::write_record(const std::string& event) {
  std::string length;
  append_raw(length, static_cast<uint64_t>(event.size()));
  std::string record = length;
  append_raw(record, masked_crc32c(length));
  record += event;
  append_raw(record, masked_crc32c(event));
  if (std::fwrite(record.data(), 1, record.size(), file_.get()) != record.size() ||
      std::fflush(file_.get()) != 0)
    storage_failure("write", path_, errno);
}

}  // namespace d2v
