#include "d2v/pipeline/shard_index.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include <nlohmann/json.hpp>

#include "d2v/base/check.h"
#include "d2v/base/log.h"
#include "d2v/pipeline/folder_source.h"
#include "gzip.h"
#include "record_cache.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

constexpr std::string_view kVersion = "d2vshrd1";
constexpr uint64_t kMostCls = 4096;
constexpr uint64_t kMostJson = 1 << 20;
constexpr size_t kMostLabel = 256;

void put(std::string& out, uint64_t value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void put(std::string& out, std::string_view text) {
  put(out, uint64_t{text.size()});
  out.append(text);
}

// Reads a payload; after the first number that does not fit, `good` is false and all else is zero.
struct Cursor {
  std::string_view left;
  bool good = true;

  uint64_t number() {
    uint64_t value = 0;
    if (left.size() < sizeof value) {
      good = false;
      return 0;
    }
    std::memcpy(&value, left.data(), sizeof value);
    left.remove_prefix(sizeof value);
    return value;
  }
  std::string text() {
    const uint64_t size = number();
    if (size > left.size()) {
      good = false;
      return {};
    }
    std::string text(left.substr(0, static_cast<size_t>(size)));
    left.remove_prefix(static_cast<size_t>(size));
    return text;
  }
  // How many records follow, each of at least so many bytes: what does not fit is refused before memory is taken.
  size_t count(size_t least) {
    const uint64_t count = number();
    if (count > left.size() / least) good = false;
    return good ? static_cast<size_t>(count) : 0;
  }
};

std::string checked_label(std::string text) {
  const auto space = [](unsigned char c) { return std::isspace(c) != 0; };
  text.erase(std::find_if_not(text.rbegin(), text.rend(), space).base(), text.end());
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), space));
  check<DataError>(!text.empty(), "no label in it");
  check<DataError>(text.size() <= kMostLabel, "a label of {} bytes, expected at most {}", text.size(),
                   kMostLabel);
  check<DataError>(std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' '; }),
                   "a label with control characters");
  return text;
}

// The entry's label into the index; what is wrong with it into the list of bad ones.
void read_label(const OpenBytes& tar, uint64_t number, ShardIndex& index) {
  const TarEntry& entry = index.listing.entries[number];
  const std::string extension = sample_key(entry.name).extension;
  const bool cls = extension == "cls";
  if (!cls && extension != "json") return;
  const uint64_t most = cls ? kMostCls : kMostJson;
  try {
    check<DataError>(entry.bytes <= most, "{} bytes, expected at most {}", entry.bytes, most);
    std::string text(static_cast<size_t>(entry.bytes), '\0');
    const size_t got = tar.read_at(entry.first, {reinterpret_cast<uint8_t*>(text.data()), text.size()});
    check<DataError>(got == text.size(), "it ends too early");
    std::optional<std::string> label = cls ? parse_cls(text) : parse_json_label(text);
    if (label) index.labels.push_back({number, std::move(*label)});
  } catch (const DataError& error) {
    // The sample itself may be whole.
    index.listing.bad.push_back(
        {entry.name, fmt::format("{}: {}: no label: {}", tar.name(), entry.name, error.what()), 1, false});
  }
}

bool is_packed(const fs::path& shard) { return shard.extension() == ".gz" || shard.extension() == ".tgz"; }

ByteStamp stamp_of(const fs::path& file) {
  std::error_code error;
  return {fs::file_size(file, error), fs::last_write_time(file, error).time_since_epoch().count()};
}

ShardIndex list_shard(const fs::path& shard, const fs::path& tar) {
  const ByteStamp stamp = stamp_of(shard);
  ByteSource source(tar);
  source.shown = shard.string();
  const OpenBytes bytes(source);
  ShardIndex index{stamp.bytes, stamp.changed, bytes.size(), list_tar(bytes), {}};
  for (uint64_t i = 0; i < index.listing.entries.size(); ++i) read_label(bytes, i, index);
  return index;
}

}  // namespace

std::string encode_shard_index(const ShardIndex& index) {
  std::string out;
  put(out, index.bytes);
  put(out, static_cast<uint64_t>(index.changed));
  put(out, index.tar_bytes);
  put(out, static_cast<uint64_t>(index.listing.others));
  put(out, index.listing.lost);
  put(out, uint64_t{index.listing.entries.size()});
  for (const TarEntry& entry : index.listing.entries) {
    put(out, entry.first);
    put(out, entry.bytes);
    put(out, entry.name);
  }
  put(out, uint64_t{index.labels.size()});
  for (const ShardLabel& label : index.labels) {
    put(out, label.entry);
    put(out, label.text);
  }
  put(out, uint64_t{index.listing.bad.size()});
  for (const BadFile& bad : index.listing.bad) {
    put(out, bad.path);
    put(out, bad.reason);
    put(out, uint64_t{bad.broken});
  }
  return out;
}

std::optional<ShardIndex> decode_shard_index(std::string_view payload) {
  Cursor in{payload};
  ShardIndex index;
  index.bytes = in.number();
  index.changed = static_cast<int64_t>(in.number());
  index.tar_bytes = in.number();
  index.listing.others = static_cast<int64_t>(in.number());
  index.listing.lost = in.number();
  for (size_t left = in.count(24); left > 0 && in.good; --left) {
    TarEntry entry;
    entry.first = in.number();
    entry.bytes = in.number();
    entry.name = in.text();
    in.good = in.good && entry.first <= index.tar_bytes && entry.bytes <= index.tar_bytes - entry.first;
    index.listing.entries.push_back(std::move(entry));
  }
  for (size_t left = in.count(16); left > 0 && in.good; --left) {
    ShardLabel label;
    label.entry = in.number();
    label.text = in.text();
    in.good = in.good && label.entry < index.listing.entries.size();
    index.labels.push_back(std::move(label));
  }
  for (size_t left = in.count(24); left > 0 && in.good; --left) {
    BadFile bad{.path = in.text(), .reason = in.text(), .count = 1};
    bad.broken = in.number() != 0;
    index.listing.bad.push_back(std::move(bad));
  }
  if (!in.good || !in.left.empty() || index.listing.lost > index.tar_bytes || index.listing.others < 0)
    return std::nullopt;
  return index;
}

OpenShard open_shard(const fs::path& shard, const fs::path& cache) {
  const bool packed = is_packed(shard);
  check<DataError>(!packed || !cache.empty(), "{}: compressed shards need a cache to be unpacked into",
                   shard.string());
  std::error_code error;
  const std::string name = fmt::format("{:016x}", path_id(fs::weakly_canonical(shard, error).string()));
  const fs::path index_file = cache / (name + ".idx"), tar = packed ? cache / (name + ".tar") : shard;
  const ByteStamp stamp = stamp_of(shard);
  if (!cache.empty()) {
    auto index = decode_shard_index(read_cache_bytes(index_file, kVersion));
    if (index && index->bytes == stamp.bytes && index->changed == stamp.changed &&
        index->tar_bytes == stamp_of(tar).bytes)
      return {tar, std::move(*index)};
  }
  if (packed) {
    fs::create_directories(cache, error);  // what is missing, the write reports
    log_info("{}: unpacked into {}, once", shard.string(), tar.string());
    unpack_gzip(shard, tar);
  }
  OpenShard open{tar, {}};
  try {
    open.index = list_shard(shard, tar);
  } catch (const DataError&) {
    if (packed) fs::remove(tar, error);
    throw;
  }
  if (cache.empty()) return open;
  try {
    write_cache_bytes(index_file, kVersion, encode_shard_index(open.index));
  } catch (const StorageError& error) {
    log_warning("the index of {} is not kept for the next time: {}", shard.string(), error.what());
  }
  return open;
}

std::string parse_cls(std::string_view text) { return checked_label(std::string(text)); }

std::optional<std::string> parse_json_label(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  check<DataError>(json.is_object(), "not a JSON object");
  for (const char* field : {"label", "cls"}) {
    const auto found = json.find(field);
    if (found == json.end()) continue;
    if (found->is_string()) return checked_label(found->get<std::string>());
    if (found->is_number_integer()) return found->dump();
    fail<DataError>("its field '{}' is neither a text nor a whole number", field);
  }
  return std::nullopt;
}

SampleKey sample_key(std::string_view name) {
  const size_t slash = name.rfind('/');
  const size_t dot = name.find('.', slash == name.npos ? 0 : slash + 1);
  if (dot == name.npos) return {std::string(name), {}};
  std::string extension(name.substr(dot + 1));
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return {std::string(name.substr(0, dot)), std::move(extension)};
}

}  // namespace d2v
