// Pictures and folders for the tests of the pipeline.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "d2v/pipeline/image.h"

namespace d2v::test {

// A folder that is removed at the end of the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Writes bytes to a file, making its folders.
void write(const std::filesystem::path& path, std::string_view bytes);

// pixel(y, x, c) = (7x² + 13y(c+1) + 3xy + 50c + variant) mod 256: no two rows or columns alike.
Image formula_image(int64_t height, int64_t width, int variant = 0);

// The pixels of a box.
Image crop(const Image& image, const Box& box);

// A binary PNM: the simplest file that the readers know.
std::string pnm_bytes(const Image& image);

// A baseline JPEG with 4:2:0 chroma, as cameras write.
std::string jpeg_bytes(const Image& image);

// `count` distinct small pictures in each of the classes "a", "b", … below `root`.
void write_classes(const std::filesystem::path& root, int classes, int count);

// Runs `call` and returns what() of the error of type E; fails the test, by a text that matches nothing, without one.
template <class E, class F>
std::string message_of(F&& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  }
  return "(no error)";
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace d2v::test
