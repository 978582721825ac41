#include "jpeg.h"

// jpeglib.h needs size_t and FILE first.
#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <jerror.h>
#include <jpeglib.h>
#include <string>
#include <vector>

#include "d2v/base/check.h"

namespace d2v {
namespace {

// More passes than any camera writes; a crafted file can hold thousands over the whole picture.
constexpr int kMaxScans = 200;

// libjpeg reports errors by a callback that must not return: longjmp to the call, which throws.
struct Decoder {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_source_mgr source{};
  jpeg_progress_mgr progress{};
  std::jmp_buf failed{};
  char message[JMSG_LENGTH_MAX] = {};
  bool ended = false;  // the file's bytes ran out
};

Decoder& decoder_of(j_common_ptr jpeg) { return *static_cast<Decoder*>(jpeg->client_data); }

void on_error(j_common_ptr jpeg) {
  Decoder& decoder = decoder_of(jpeg);
  jpeg->err->format_message(jpeg, decoder.message);
  std::longjmp(decoder.failed, 1);
}

void on_warning(j_common_ptr, int) {}

void on_progress(j_common_ptr jpeg) {
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= kMaxScans) return;
  Decoder& decoder = decoder_of(jpeg);
  std::snprintf(decoder.message, sizeof decoder.message, "more than %d scans", kMaxScans);
  std::longjmp(decoder.failed, 1);
}

constexpr JOCTET kEndOfImage[] = {0xff, JPEG_EOI};

boolean on_empty(j_decompress_ptr jpeg) {
  decoder_of(reinterpret_cast<j_common_ptr>(jpeg)).ended = true;
  jpeg->src->next_input_byte = kEndOfImage;
  jpeg->src->bytes_in_buffer = sizeof kEndOfImage;
  return TRUE;
}

void on_skip(j_decompress_ptr jpeg, long count) {
  if (count <= 0) return;
  const size_t step = std::min(static_cast<size_t>(count), jpeg->src->bytes_in_buffer);
  if (step < static_cast<size_t>(count)) decoder_of(reinterpret_cast<j_common_ptr>(jpeg)).ended = true;
  jpeg->src->next_input_byte += step;
  jpeg->src->bytes_in_buffer -= step;
}

void do_nothing(j_decompress_ptr) {}

void start(Decoder& decoder, std::span<const uint8_t> file) {
  decoder.jpeg.err = jpeg_std_error(&decoder.errors);
  decoder.errors.error_exit = on_error;
  decoder.errors.emit_message = on_warning;
  decoder.jpeg.client_data = &decoder;
  jpeg_create_decompress(&decoder.jpeg);
  decoder.progress.progress_monitor = on_progress;
  decoder.jpeg.progress = &decoder.progress;
  decoder.source.init_source = do_nothing;
  decoder.source.fill_input_buffer = on_empty;
  decoder.source.skip_input_data = on_skip;
  decoder.source.resync_to_restart = jpeg_resync_to_restart;
  decoder.source.term_source = do_nothing;
  decoder.source.next_input_byte = file.data();
  decoder.source.bytes_in_buffer = file.size();
  decoder.jpeg.src = &decoder.source;
  jpeg_read_header(&decoder.jpeg, TRUE);
}

// The inks are stored inverted (Adobe's convention, which Pillow assumes for all). Pillow's arithmetic.
void cmyk_to_rgb(const uint8_t* in, uint8_t* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i, in += 4, out += 3) {
    const int light = in[3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - in[c]) * light + 128;
      out[c] = static_cast<uint8_t>(std::max(light - (((product >> 8) + product) >> 8), 0));
    }
  }
}

// Whether the file has an end-of-image marker in its second half: what is cut off has none there, except by chance.
bool has_end(std::span<const uint8_t> file) {
  for (size_t i = file.size(); i-- > file.size() / 2 + 1;) {
    if (file[i] == JPEG_EOI && file[i - 1] == 0xff) return true;
  }
  return false;
}

// How a box is decoded: the columns and rows that are asked of libjpeg, and where the box lies in them. Blocks of 16
// around the box, since upsampling treats the sides of what is decoded like sides of the picture.
struct Window {
  int64_t x, y, width, height;
};
Window around(const Box& box, int64_t width, int64_t height) {
  constexpr int64_t kMargin = 16;
  const int64_t left = std::max<int64_t>(box.x - kMargin, 0), top = std::max<int64_t>(box.y - kMargin, 0);
  return {left, top, std::min(box.x + box.width + kMargin, width) - left,
          std::min(box.y + box.height + kMargin, height) - top};
}

// Everything between setjmp and the end of decoding. No object here has a destructor: longjmp would skip it.
// Returns false after an error.
bool run(Decoder& decoder, std::span<const uint8_t> file, const Box& box, bool partial, int eighths,
         Image& image, std::vector<uint8_t>& line) {
  if (setjmp(decoder.failed) != 0) return false;
  start(decoder, file);
  jpeg_decompress_struct& jpeg = decoder.jpeg;
  const bool cmyk = jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK;
  jpeg.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  jpeg.scale_num = static_cast<unsigned>(eighths);
  jpeg.scale_denom = 8;
  jpeg_start_decompress(&jpeg);

  Window window{0, 0, jpeg.output_width, jpeg.output_height};
  if (partial) {
    window = around(box, jpeg.output_width, jpeg.output_height);
    auto x = static_cast<JDIMENSION>(window.x);
    auto width = static_cast<JDIMENSION>(window.width);
    jpeg_crop_scanline(&jpeg, &x, &width);
    window.x = x;
    window.width = width;
    jpeg_skip_scanlines(&jpeg, static_cast<JDIMENSION>(window.y));
  }
  line.resize(static_cast<size_t>(window.width * jpeg.output_components));
  const int64_t left = box.x - window.x;
  // The whole picture is read to its last row, to see whether that is there.
  const int64_t last = partial ? box.y + box.height : window.height;
  for (int64_t y = window.y; y < last; ++y) {
    const bool inside = y >= box.y && y < box.y + box.height;
    const bool direct = !cmyk && inside && box.width == window.width;
    JSAMPROW target = direct ? image.row(y - box.y) : line.data();
    jpeg_read_scanlines(&jpeg, &target, 1);
    if (direct || !inside) continue;
    if (cmyk) {
      cmyk_to_rgb(line.data() + left * 4, image.row(y - box.y), box.width);
    } else {
      std::memcpy(image.row(y - box.y), line.data() + left * 3, static_cast<size_t>(box.width * 3));
    }
  }
  return true;
}

bool run_header(Decoder& decoder, std::span<const uint8_t> file) {
  if (setjmp(decoder.failed) != 0) return false;
  start(decoder, file);
  return true;
}

struct Destroy {
  Decoder& decoder;
  ~Destroy() { jpeg_destroy_decompress(&decoder.jpeg); }
};

}  // namespace

ImageInfo read_jpeg_info(std::span<const uint8_t> file) {
  Decoder decoder;
  const Destroy destroy{decoder};
  check<DataError>(run_header(decoder, file), "broken JPEG header ({})", decoder.message);
  return {ImageFormat::jpeg, decoder.jpeg.image_width, decoder.jpeg.image_height, 1};
}

Image decode_jpeg(std::span<const uint8_t> file, const Box& box, bool whole, int eighths) {
  Decoder decoder;
  const Destroy destroy{decoder};
  Image image;
  std::vector<uint8_t> line;
  image.resize(box.height, box.width);
  // A file that was cut off is refused whichever box is asked for.
  const bool partial = !whole && has_end(file);
  check<DataError>(run(decoder, file, box, partial, eighths, image, line), "broken JPEG ({})",
                   decoder.message);
  check<DataError>(!decoder.ended, "truncated JPEG ({} bytes)", file.size());
  return image;
}

}  // namespace d2v
