#include "prepare_shards.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include <nlohmann/json.hpp>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/pipeline/tar_writer.h"
#include "folder_walk.h"
#include "picture_copy.h"
#include "tsan.h"

namespace fs = std::filesystem;
using nlohmann::json;

namespace d2v {
namespace {

// A shard to be: its file within the output and its samples.
struct Shard {
  std::string path;
  std::vector<uint32_t> rows;
};

std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::vector<Shard> divide(const FolderSource& source, int64_t samples) {
  std::map<std::string, std::vector<uint32_t>> folders;  // of splits; "" without
  for (uint32_t row = 0; row < source.size(); ++row)
    folders[source.split_folders ? std::string(first_folder(source.name(row))) : ""].push_back(row);
  std::vector<Shard> shards;
  for (auto& [folder, rows] : folders) {
    std::sort(rows.begin(), rows.end(), [&](uint32_t a, uint32_t b) { return source.id(a) < source.id(b); });
    for (size_t first = 0, number = 0; first < rows.size(); first += static_cast<size_t>(samples), ++number) {
      const size_t last = std::min(rows.size(), first + static_cast<size_t>(samples));
      shards.push_back({fmt::format("{}{}shard-{:06}.tar", folder, folder.empty() ? "" : "/", number),
                        {rows.begin() + static_cast<std::ptrdiff_t>(first),
                         rows.begin() + static_cast<std::ptrdiff_t>(last)}});
    }
  }
  return shards;
}

std::string label_of(const FolderSource& source, uint32_t row) {
  const int32_t label = source.label(row);
  return label < 0 ? std::string() : source.classes[static_cast<size_t>(label)];
}

// All that the bytes of a shard depend on, beside the settings.
uint64_t inputs_of(const FolderSource& source, const Shard& shard) {
  std::string text;
  for (const uint32_t row : shard.rows) {
    const ByteStamp stamp = source.stamp(row);
    text +=
        fmt::format("{}\t{}\t{}\t{}\n", source.name(row), label_of(source, row), stamp.bytes, stamp.changed);
  }
  return path_id(text);
}

// A key of WebDataset: no dot behind the last '/', no part that starts with one.
std::string key_of(std::string_view path, bool has_ending) {
  std::string name(path);
  const size_t slash = name.rfind('/'), begin = slash == name.npos ? 0 : slash + 1;
  const size_t dot = name.rfind('.');
  if (has_ending && dot != name.npos && dot > begin) name.resize(dot);
  std::replace(name.begin() + static_cast<std::ptrdiff_t>(begin), name.end(), '.', '_');
  std::string key;
  for (size_t at = 0; at < name.size();) {
    const size_t end = std::min(name.find('/', at), name.size());
    std::string part = name.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == "." || part == "..") continue;
    if (part.front() == '.') part.front() = '_';
    key += (key.empty() ? "" : "/") + part;
  }
  return key;
}

// Beside shard.tar, its name with a dot in front: what it was made of, and what came of that.
struct Record {
  uint64_t inputs = 0;
  uint64_t bytes = 0;                                        // of the tar; 0: no sample could be read
  std::vector<std::pair<uint64_t, std::string>> left_out{};  // place in the shard, reason
};

fs::path record_file(const fs::path& tar) {
  return tar.parent_path() / fmt::format(".{}.inputs", tar.filename().string());
}

void write_record(const fs::path& tar, const Record& record) {
  json left_out = json::array();
  for (const auto& [place, reason] : record.left_out) left_out.push_back({place, reason});
  write_file(record_file(tar),
             text_of({{"inputs", record.inputs}, {"bytes", record.bytes}, {"left_out", left_out}}) + "\n");
}

// Empty where there is no shard of these inputs.
std::optional<Record> read_record(const fs::path& tar, uint64_t inputs, size_t samples) {
  std::error_code error;
  if (!fs::exists(record_file(tar), error)) return std::nullopt;
  constexpr uint64_t most = uint64_t{1} << 30;
  Record record;
  try {
    const json found = json::parse(read_file(record_file(tar), most));
    record.inputs = found.at("inputs").get<uint64_t>();
    record.bytes = found.at("bytes").get<uint64_t>();
    for (const json& one : found.at("left_out"))
      record.left_out.emplace_back(one.at(0).get<uint64_t>(), one.at(1).get<std::string>());
  } catch (const json::exception&) {
    return std::nullopt;
  }
  const uint64_t size = fs::exists(tar, error) ? fs::file_size(tar, error) : 0;
  const bool fits = std::all_of(record.left_out.begin(), record.left_out.end(),
                                [&](const auto& one) { return one.first < samples; });
  if (record.inputs != inputs || size != record.bytes || !fits) return std::nullopt;
  return record;
}

// A copy, or why there is none.
struct Copy {
  std::vector<uint8_t> bytes;
  std::string reason;
};

std::vector<Copy> make_copies(const FolderSource& source, const Shard& shard, const PrepareImages& settings) {
  std::vector<Copy> copies(shard.rows.size());
  const auto make = [&](size_t i) {
    try {
      std::vector<uint8_t> file;
      source.read(shard.rows[i], file);
      copies[i].bytes = picture_copy(file, settings);
    } catch (const DataError& error) {
      copies[i].reason = error.what();
    }
  };
  tbb::parallel_for(size_t{0}, copies.size(), tsan::Task(make));
  tsan::received(&make);
  return copies;
}

Record write_shard(const FolderSource& source, const Shard& shard, const fs::path& file,
                   const PrepareImages& settings) {
  Record record{.inputs = inputs_of(source, shard)};  // before they are read
  const std::vector<Copy> copies = make_copies(source, shard, settings);
  TarWriter tar(file);
  std::set<std::string> taken;
  for (size_t i = 0; i < copies.size(); ++i) {
    const uint32_t row = shard.rows[i];
    if (copies[i].bytes.empty()) {
      record.left_out.emplace_back(i, copies[i].reason);
      continue;
    }
    std::string path = source.name(row);
    if (source.split_folders) path.erase(0, first_folder(path).size() + 1);
    const std::string label = label_of(source, row);
    if (label.empty()) std::replace(path.begin(), path.end(), '/', '_');  // folders would be read as classes
    const std::string plain = key_of(path, !source.shards && !source.made);
    std::string key = plain;
    for (int number = 2; !taken.insert(key).second; ++number) key = fmt::format("{}-{}", plain, number);
    json about{{"path", source.name(row)}};
    if (!label.empty()) about["label"] = label;
    const std::string text = text_of(about) + "\n";
    tar.add(fmt::format("{}.{}", key, copy_ending(settings)), copies[i].bytes);
    tar.add(key + ".json", {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
  std::error_code error;
  fs::remove(record_file(file), error);  // it must never stand beside a shard that it does not describe
  if (taken.empty()) {
    fs::remove(file, error);
  } else {
    tar.commit();
    record.bytes = tar.bytes();
  }
  write_record(file, record);
  return record;
}

// Shards of an earlier call with more samples.
void remove_others(const fs::path& output, const std::vector<Shard>& shards) {
  std::set<fs::path> wanted;
  for (const Shard& shard : shards) wanted.insert((output / shard.path).lexically_normal());
  for (const char* part : {"", "train", "val", "valid", "validation", "test"}) {
    std::error_code error;
    std::vector<fs::path> found;
    for (fs::directory_iterator it(output / part, error), end; !error && it != end; it.increment(error))
      found.push_back(it->path().lexically_normal());
    for (const fs::path& file : found) {
      const std::string name = file.filename().string();
      if (!name.starts_with("shard-") || !name.ends_with(".tar") || wanted.contains(file)) continue;
      fs::remove(file, error);
      fs::remove(record_file(file), error);
    }
  }
}

}  // namespace

PreparedImages prepare_shards(const PrepareImages& settings, const FolderSource& source) {
  const std::vector<Shard> shards = divide(source, settings.shard_samples);
  remove_others(settings.output, shards);
  BadFileList bad(source, settings.data.max_bad_fraction);
  PreparedImages result;
  tbb::task_arena arena(settings.data.threads > 0 ? static_cast<int>(settings.data.threads)
                                                  : tbb::task_arena::automatic);
  std::set<fs::path> folders;
  for (const Shard& shard : shards) {
    const fs::path file = settings.output / shard.path;
    if (folders.insert(file.parent_path()).second) {
      fs::create_directories(file.parent_path());
      remove_temporaries(file.parent_path());
    }
    std::optional<Record> record = read_record(file, inputs_of(source, shard), shard.rows.size());
    int64_t& count = record ? result.kept : result.written;
    if (!record) record = arena.execute([&] { return write_shard(source, shard, file, settings); });
    for (const auto& [place, reason] : record->left_out) bad.add(shard.rows[place], reason);
    count += static_cast<int64_t>(shard.rows.size() - record->left_out.size());
  }
  std::string classes;
  for (const std::string& name : source.classes) classes += name + "\n";
  if (!classes.empty()) write_file(settings.output / "classes.txt", classes);
  result.left_out = bad.all();
  return result;
}

}  // namespace d2v
