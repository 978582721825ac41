#include "d2v/pipeline/prepare_images.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/pipeline/image_reader.h"
#include "d2v/pipeline/image_source.h"
#include "d2v/pipeline/png_writer.h"
#include "d2v/pipeline/resize.h"
#include "tsan.h"

namespace fs = std::filesystem;

namespace d2v {
namespace {

constexpr const char* marker_name = ".d2v-prepared";  // starts with a dot: no picture, no class

// What the copies of a folder were made with.
std::string marker_text(const PrepareImages& settings) {
  return fmt::format("shorter side {}\ninput {}\n", settings.side, fs::absolute(settings.input).string());
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

Image reduced(Image image, int64_t side) {
  const int64_t shorter = std::min(image.width, image.height);
  if (shorter <= side) return image;
  const double factor = static_cast<double>(side) / static_cast<double>(shorter);
  const auto scaled = [&](int64_t n) {
    return std::max<int64_t>(1, std::llround(static_cast<double>(n) * factor));
  };
  return resize_bicubic(image, scaled(image.height), scaled(image.width));
}

void write_copy(const fs::path& file, const Image& image) {
  const std::vector<uint8_t> bytes = encode_png(image);
  AtomicFile out(file);
  out.write(std::as_bytes(std::span(bytes)));
  out.commit();
}

}  // namespace

PreparedImages prepare_images(const PrepareImages& settings) {
  check<UsageError>(settings.side > 0, "expected a side of at least 1 pixel, found {}", settings.side);
  check_output(settings);
  const ImageSource source = scan_images(settings.input, settings.data);
  for (const ImageSample& sample : source.samples)
    fs::create_directories(settings.output / fs::path(sample.path).parent_path());
  write_file(settings.output / marker_name, marker_text(settings));

  BadFileList bad(source, settings.data.max_bad_fraction);
  std::atomic<int64_t> written = 0, kept = 0;
  const auto copy = [&](uint32_t row) {
    const fs::path file = settings.output / (source.samples[row].path + ".png");
    if (fs::exists(file)) {
      ++kept;
    } else {
      try {
        write_copy(file, reduced(read_image(source.file(row), settings.data.max_pixels), settings.side));
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
  tsan::received_by_task();
  return {written, kept, bad.all()};
}

}  // namespace d2v
