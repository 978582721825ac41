// A smaller copy of a set of pictures: decoded and reduced once, so that training does not do it every epoch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "d2v/base/config/data.h"
#include "d2v/pipeline/bad_files.h"

namespace d2v {

struct PrepareImages {
  std::filesystem::path input;
  std::filesystem::path output;
  int64_t side = 0;          // the shorter side of larger pictures becomes this; smaller ones keep their size
  int64_t jpeg_quality = 0;  // 0: PNG
  int64_t shard_samples = 0;  // of a tar shard; 0: loose files
  DataConfig data;            // deduplicate, min_class_files, max_pixels and threads hold as in training
};

struct PreparedImages {
  int64_t written = 0;
  int64_t kept = 0;  // there from an earlier call
  std::vector<BadFile> left_out;
};

// Loose files lie below the same folders as in the input: a/b.jpg becomes a/b.jpg.png, or a/b.jpg.jpg.
//
// Shards are shard-000000.tar, … in the WebDataset convention (shard_source.h), in folders train, val, … where the input has
// them: a/b.png or .jpg, and a/b.json with the fields "path" (in the input) and, where there is one, "label"; classes.txt
// lists the labels. Dots and leading dots in names become '_', and a name that is taken gets "-2", so that keys differ. Their
// order is by a hash of the path, so that neighbours are of any class. A JPEG that needs no reducing is copied byte by byte
// where JPEGs are written. The input may be anything that open_pictures takes; of loose files, a folder.
//
// The same input gives the same bytes for any number of threads. A call that was cut goes on where it stopped; a file is
// complete or absent. What was made of inputs that have another size, time of change, name or label now is made again; shards
// beyond the last are removed, loose copies of files that are gone are not.
//
// Throws DataError as the scan does and where more than data.max_bad_fraction of the files cannot be read; UsageError where
// the output holds copies of other settings or lies within the input; StorageError where it cannot be written, or another
// process writes there.
PreparedImages prepare_images(const PrepareImages& settings);

}  // namespace d2v
