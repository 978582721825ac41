// Readers: what each odd file of the data set gives, boxes, bombs, and errors in words.
#include "d2v/pipeline/image_reader.h"

#include <fstream>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"
#include "d2v/pipeline/png_writer.h"
#include "odd_files.h"
#include "support.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;
using test::contains;

namespace {

constexpr int64_t kAnySize = 178956970;

std::span<const uint8_t> view(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string image_error(std::string_view bytes, int64_t max_pixels = kAnySize) {
  return test::message_of<DataError>([&] { decode_image(view(bytes), max_pixels); });
}

}  // namespace

TEST_CASE("every odd file has Pillow's outcome and size, or a listed reason") {
  D2V_NEED_TEST_DATA("datasets/images/odd/MANIFEST.tsv");
  const auto folder = test::test_data() / "datasets/images/odd";
  int files = 0, read = 0;
  for (const test::OddFile& odd : test::odd_pictures()) {
    INFO(odd.name);
    ++files;
    try {
      const Image image = read_image(folder / odd.name, kAnySize);
      ++read;
      CHECK(odd.usable);
      if (odd.ok) {
        const bool turned = odd.fields[8] >= "5" && odd.fields[8] <= "8";  // the manifest has the stored size
        CHECK(image.width == std::stoll(odd.fields[turned ? 5 : 4]));
        CHECK(image.height == std::stoll(odd.fields[turned ? 4 : 5]));
      }
    } catch (const DataError& error) {
      INFO(error.what());
      CHECK(!odd.usable);
      CHECK(contains(error.what(), odd.name));
    }
  }
  CHECK(files == 118);
  CHECK(read > 80);
}

TEST_CASE("CMYK, gray, palette, alpha and 16 bits become the RGB that Pillow makes") {
  D2V_NEED_TEST_DATA("datasets/images/odd/MANIFEST.tsv");
  // The sums of the three channels over the picture, from Pillow 13.0: convert("RGB") after exif_transpose; alpha over
  // white by alpha_composite; of 16-bit gray the upper byte.
  struct Expected {
    const char* name;
    std::array<int64_t, 3> sums;
  };
  const Expected table[] = {
#include "odd_sums.inc"
  };
  for (const Expected& expected : table) {
    INFO(expected.name);
    const Image image = read_image(test::test_data() / "datasets/images/odd" / expected.name, kAnySize);
    std::array<int64_t, 3> sums{};
    for (size_t i = 0; i < image.pixels.size(); ++i) sums[i % 3] += image.pixels[i];
    CHECK(sums == expected.sums);
  }
}

TEST_CASE("a box holds exactly the pixels of the whole picture") {
  std::vector<std::string> files{test::jpeg_bytes(test::formula_image(83, 131)),
                                 test::pnm_bytes(test::formula_image(40, 31)),
                                 test::jpeg_bytes(test::formula_image(1, 1))};
  const auto odd = test::test_data() / "datasets/images/odd";
  for (const char* name :
       {"gen_422.jpg", "gen_444.jpg", "gen_progressive.jpg", "gen_cmyk.jpg", "gen_gray.jpg",
        "ljt_testimgari.jpg", "pil_hopper_orientation_6.jpg", "pil_hopper_orientation_7.jpg"}) {
    std::ifstream stream(odd / name, std::ios::binary);
    if (stream) files.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  Philox random({.seed = 4});
  for (const std::string& file : files) {
    const ImageInfo info = read_image_info(view(file), kAnySize);
    const Image whole = decode_image(view(file), info);
    for (int i = 0; i < 60; ++i) {
      Box box;
      box.width = 1 + random.below(static_cast<uint32_t>(info.width));
      box.height = 1 + random.below(static_cast<uint32_t>(info.height));
      box.x = random.below(static_cast<uint32_t>(info.width - box.width + 1));
      box.y = random.below(static_cast<uint32_t>(info.height - box.height + 1));
      CHECK(decode_box(view(file), info, box) == test::crop(whole, box));
    }
  }
}

TEST_CASE("pixels survive PNG and PNM") {
  const Image image = test::formula_image(19, 27);
  const auto png = encode_png(image);
  CHECK(decode_image(png, kAnySize) == image);
  CHECK(decode_image(view(test::pnm_bytes(image)), kAnySize) == image);
}

TEST_CASE("a JPEG that is cut off is refused, also where the box lies before the cut") {
  const std::string whole = test::jpeg_bytes(test::formula_image(200, 200));
  const std::string cut = whole.substr(0, whole.size() * 2 / 3);
  CHECK(contains(image_error(cut), "truncated JPEG"));
  const ImageInfo info = read_image_info(view(cut), kAnySize);
  CHECK(contains(test::message_of<DataError>([&] {
                   decode_box(view(cut), info, {0, 0, 16, 16});
                 }),
                 "truncated JPEG"));
}

TEST_CASE("a broken byte in a PNG is found by its checksum") {
  std::vector<uint8_t> png = encode_png(test::formula_image(30, 30));
  png[png.size() / 2] ^= 0x10;
  CHECK(contains(image_error({reinterpret_cast<const char*>(png.data()), png.size()}),
                 "checksum of chunk IDAT"));
}

TEST_CASE("a bomb is refused by its header") {
  const Image image = test::formula_image(40, 50);
  CHECK(contains(image_error(test::pnm_bytes(image), 1999), "50x40 is more than data.max_pixels 1999"));
  CHECK(image_error(test::pnm_bytes(image), 2000) == "(no error)");
  std::string header = "P6\n20000 20000\n255\n";
  CHECK(contains(image_error(header), "20000x20000 is more than data.max_pixels"));
}

TEST_CASE("what is no picture, or not one that is read, is told apart") {
  using namespace std::string_literals;
  CHECK(image_error("") == "empty file (0 bytes)");
  CHECK(contains(image_error("this is text, whatever its name says"), "not a picture"));
  CHECK(contains(image_error("<html><body>404</body></html>"), "not a picture"));
  CHECK(contains(image_error("RIFF\x10\0\0\0WEBPVP8 "s), "broken WebP header (it ends too early)"));
  CHECK(contains(image_error("II*\0"s + std::string(40, 'x')),
                 "TIFF is not supported; convert it to PNG or JPEG"));
  CHECK(contains(image_error("P3\n1 1\n255\n1 2 3\n"), "this kind of PNM is not supported"));
  CHECK(contains(image_error("\xff\xd8\xff\xe0"), "broken JPEG header"));
  CHECK(contains(image_error("\x89PNG\r\n\x1a\n"s), "broken header"));
  CHECK(contains(image_error("P6\n0 5\n255\n"), "0x5"));
  CHECK(contains(image_error("P6\n# size\n4444444444 5\n255\n"), "broken header (a number of 10 digits)"));
}

TEST_CASE("the content decides, not the name") {
  const test::TemporaryFolder folder;
  const Image image = test::formula_image(9, 9);
  test::write(folder.path() / "really_a_pnm.jpg", test::pnm_bytes(image));
  CHECK(read_image(folder.path() / "really_a_pnm.jpg", kAnySize) == image);
}

TEST_CASE("a file that cannot be opened is named with the system's reason") {
  const test::TemporaryFolder folder;
  const auto error = [&](const std::filesystem::path& path) {
    return test::message_of<DataError>([&] { read_image(path, kAnySize); });
  };
  CHECK(
      contains(error(folder.path() / "gone.png"), "gone.png: cannot be opened (No such file or directory)"));
  CHECK(contains(error(folder.path()), "not a regular file"));
}
