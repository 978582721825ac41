#include "d2v/pipeline/prepare_images.h"

#include <algorithm>
#include <atomic>
#include <set>

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/base/folder_lock.h"
#include "d2v/pipeline/image_reader.h"
#include "d2v/pipeline/image_source.h"
#include "d2v/pipeline/open_samples.h"
#include "picture_copy.h"
#include "prepare_shards.h"
#include "tsan.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

constexpr const char* marker_name = ".d2v-prepared";  // starts with a dot: no picture, no class

// What the copies of a folder were made with.
std::string marker_text(const PrepareImages& settings) {
  std::string text =
      fmt::format("shorter side {}\ninput {}\n", settings.side, fs::absolute(settings.input).string());
  if (settings.jpeg_quality > 0) text += fmt::format("JPEG quality {}\n", settings.jpeg_quality);
  if (settings.shard_samples > 0) text += fmt::format("samples of a shard {}\n", settings.shard_samples);
  return text;
}

void check_output(const PrepareImages& settings) {
  const fs::path input = fs::weakly_canonical(settings.input), output = fs::weakly_canonical(settings.output);
  const auto [in, out] = std::mismatch(input.begin(), input.end(), output.begin(), output.end());
  check<UsageError>(in != input.end(), "{}: expected a folder outside of the input {}",
                    settings.output.string(), settings.input.string());
  const fs::path marker = settings.output / marker_name;
  if (!fs::exists(marker)) {
    check<UsageError>(!fs::exists(output) || fs::is_empty(output),
                      "{}: expected an empty folder or one made by this command, found other files in it",
                      settings.output.string());
    return;
  }
  constexpr uint64_t limit = 1 << 16;
  const std::string found = read_file(marker, limit);
  check<UsageError>(
      found == marker_text(settings),
      "{} holds copies made with other settings:\n{}expected:\n{}choose another folder, or remove it",
      settings.output.string(), found, marker_text(settings));
}

// The copy has its picture's time of change, by which a later call sees that it still holds.
bool up_to_date(const fs::path& copy, const fs::path& picture) {
  std::error_code none, gone;
  const auto made = fs::last_write_time(copy, none), changed = fs::last_write_time(picture, gone);
  return !none && (gone || made == changed);
}

void write_copy(const fs::path& file, const fs::path& picture, const PrepareImages& settings) {
  std::error_code error;
  const auto changed = fs::last_write_time(picture, error);  // before it is read
  std::vector<uint8_t> bytes;
  read_file(picture, bytes);
  const std::vector<uint8_t> copy = picture_copy(bytes, settings);
  AtomicFile out(file);
  out.write(std::as_bytes(std::span(copy)));
  out.commit();
  if (!error) fs::last_write_time(file, changed, error);
}

PreparedImages prepare_files(const PrepareImages& settings, const FolderSource& source) {
  std::set<fs::path> folders;
  for (const FolderSample& sample : source.samples)
    folders.insert(settings.output / fs::path(sample.path).parent_path());
  for (const fs::path& folder : folders) {
    fs::create_directories(folder);
    remove_temporaries(folder);
  }
  BadFileList bad(source, settings.data.max_bad_fraction);
  std::atomic<int64_t> written = 0, kept = 0;
  const auto copy = [&](uint32_t row) {
    const fs::path file =
        settings.output / fmt::format("{}.{}", source.samples[row].path, copy_ending(settings));
    if (up_to_date(file, source.file(row))) {
      ++kept;
    } else {
      try {
        write_copy(file, source.file(row), settings);
        ++written;
      } catch (const DataError& error) {
        bad.add(row, error.what());
      }
    }
  };
  oneapi::tbb::task_arena arena(settings.data.threads > 0 ? static_cast<int>(settings.data.threads)
                                                          : oneapi::tbb::task_arena::automatic);
  arena.execute([&] {
    oneapi::tbb::parallel_for(uint32_t{0}, static_cast<uint32_t>(source.size()), tsan::Task(copy));
  });
  tsan::received(&copy);
  return {written, kept, bad.all()};
}

}  // namespace

PreparedImages prepare_images(const PrepareImages& settings) {
  check<UsageError>(settings.side > 0, "expected a side of at least 1 pixel, found {}", settings.side);
  check<UsageError>(settings.jpeg_quality >= 0 && settings.jpeg_quality <= 100,
                    "expected a JPEG quality from 1 to 100, or 0 for PNG, found {}", settings.jpeg_quality);
  check<UsageError>(settings.shard_samples >= 0, "expected at least 1 sample in a shard, found {}",
                    settings.shard_samples);
  check_output(settings);
  const bool shards = settings.shard_samples > 0;
  const FolderSource source =
      shards ? open_pictures(settings.input, settings.data) : scan_images(settings.input, settings.data);
  const FolderLock lock(settings.output);
  write_file(settings.output / marker_name, marker_text(settings));
  remove_temporaries(settings.output);
  return shards ? prepare_shards(settings, source) : prepare_files(settings, source);
}

}  // namespace d2v
