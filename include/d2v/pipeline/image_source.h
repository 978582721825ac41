// An image folder as a list of samples.
#pragma once

#include <filesystem>
#include <string_view>

#include "d2v/pipeline/folder_source.h"

namespace d2v {

using ImageSource = FolderSource;
using ImageSample = FolderSample;

inline uint64_t image_id(std::string_view path) { return path_id(path); }

FolderKind pictures_kind();

// scan_folder for pictures.
ImageSource scan_images(const std::filesystem::path& folder, const DataConfig& config);

}  // namespace d2v
