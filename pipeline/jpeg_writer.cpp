#include "d2v/pipeline/jpeg_writer.h"

// jpeglib.h needs size_t and FILE first.
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <jpeglib.h>

#include "d2v/base/check.h"

namespace d2v {
namespace {

// libjpeg reports errors by a callback that must not return: longjmp to the call, which throws.
struct Encoder {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  std::jmp_buf failed{};
  char message[JMSG_LENGTH_MAX] = {};
  unsigned char* data = nullptr;
  unsigned long size = 0;

  ~Encoder() {
    jpeg_destroy_compress(&jpeg);
    std::free(data);
  }
};

void on_write_error(j_common_ptr jpeg) {
  Encoder& encoder = *static_cast<Encoder*>(jpeg->client_data);
  jpeg->err->format_message(jpeg, encoder.message);
  std::longjmp(encoder.failed, 1);
}

// No object here has a destructor: longjmp would skip it. Returns false after an error.
bool run(Encoder& encoder, const Image& image, int quality) {
  jpeg_compress_struct& jpeg = encoder.jpeg;
  jpeg.err = jpeg_std_error(&encoder.errors);
  encoder.errors.error_exit = on_write_error;
  jpeg.client_data = &encoder;
  if (setjmp(encoder.failed) != 0) return false;
  jpeg_create_compress(&jpeg);
  jpeg_mem_dest(&jpeg, &encoder.data, &encoder.size);
  jpeg.image_width = static_cast<JDIMENSION>(image.width);
  jpeg.image_height = static_cast<JDIMENSION>(image.height);
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, quality, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  for (int64_t y = 0; y < image.height; ++y) {
    auto* row = const_cast<JSAMPROW>(image.row(y));
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  return true;
}

}  // namespace

std::vector<uint8_t> encode_jpeg(const Image& image, int quality) {
  Encoder encoder;
  check<DataError>(run(encoder, image, quality), "cannot encode a JPEG of {}x{} pixels: {}", image.width,
                   image.height, encoder.message);
  return {encoder.data, encoder.data + encoder.size};
}

}  // namespace d2v
