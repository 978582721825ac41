#include "d2v/pipeline/image_source.h"

#include <array>

namespace d2v {
namespace {

// Formats that are read, and those that are told to be unsupported rather than passed over in silence.
constexpr std::array<std::string_view, 21> kEndings{
    ".jpg", ".jpeg", ".jpe",  ".jfif", ".png",  ".bmp",  ".dib",  ".gif", ".tga", ".pnm", ".ppm",
    ".pgm", ".pbm",  ".webp", ".tif",  ".tiff", ".avif", ".heic", ".jp2", ".mpo", ".jxl"};

}  // namespace

FolderKind pictures_kind() {
  return {.modality = Modality::image,
          .one = "picture",
          .endings = kEndings,
          .shown_endings = ".jpg, .jpeg, .png, .webp, .bmp, .gif, .tga, .pnm, .ppm, .pgm"};
}

ImageSource scan_images(const std::filesystem::path& folder, const DataConfig& config) {
  return scan_folder(folder, config, pictures_kind());
}

}  // namespace d2v
