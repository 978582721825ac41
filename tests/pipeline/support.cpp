#include "support.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <jpeglib.h>
#include <stdexcept>
#include <unistd.h>

namespace fs = std::filesystem;

namespace d2v::test {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (fs::temp_directory_path() / "d2v_test_XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void write(const fs::path& path, std::string_view bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

Image formula_image(int64_t height, int64_t width, int variant) {
  Image image;
  image.resize(height, width);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < 3; ++c) {
        image.row(y)[x * 3 + c] =
            static_cast<uint8_t>(7 * x * x + 13 * y * (c + 1) + 3 * x * y + 50 * c + variant);
      }
    }
  }
  return image;
}

Image crop(const Image& image, const Box& box) {
  Image part;
  part.resize(box.height, box.width);
  for (int64_t y = 0; y < box.height; ++y) {
    std::copy_n(image.row(box.y + y) + box.x * 3, box.width * 3, part.row(y));
  }
  return part;
}

std::string pnm_bytes(const Image& image) {
  std::string bytes = "P6\n" + std::to_string(image.width) + " " + std::to_string(image.height) + "\n255\n";
  bytes.append(image.pixels.begin(), image.pixels.end());
  return bytes;
}

std::string jpeg_bytes(const Image& image) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &data, &size);
  jpeg.image_width = static_cast<JDIMENSION>(image.width);
  jpeg.image_height = static_cast<JDIMENSION>(image.height);
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  for (int64_t y = 0; y < image.height; ++y) {
    auto* row = const_cast<JSAMPROW>(image.row(y));
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  std::string bytes(reinterpret_cast<char*>(data), size);
  jpeg_destroy_compress(&jpeg);
  std::free(data);
  return bytes;
}

void write_classes(const fs::path& root, int classes, int count) {
  for (int label = 0; label < classes; ++label) {
    for (int i = 0; i < count; ++i) {
      const Image image = formula_image(20 + i % 7, 24 + label, label * 100 + i);
      write(root / std::string(1, static_cast<char>('a' + label)) / (std::to_string(i) + ".ppm"),
            pnm_bytes(image));
    }
  }
}

}  // namespace d2v::test
