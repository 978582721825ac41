// The table of contents of a tar file: V7, ustar (POSIX.1-1988), pax (POSIX.1-2001) and GNU's long names and numbers.
//
// Only headers are read. Nothing in a tar is trusted: checksums are compared, sizes must fit the file, long names are at
// most 1 MiB. A tar that is damaged at some place is used up to it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "d2v/pipeline/byte_source.h"
#include "d2v/pipeline/source.h"

namespace d2v {

struct TarEntry {
  std::string name;    // '/' between folders, no "./" in front
  uint64_t first = 0;  // its bytes within the tar
  uint64_t bytes = 0;
};

struct TarListing {
  std::vector<TarEntry> entries;  // ordinary files, in their order
  int64_t others = 0;             // folders, links, devices, names with a part that starts with a dot
  std::vector<BadFile>
      bad;  // what cannot be used: sparse files; a cut or damaged place, after which nothing was read
  uint64_t lost = 0;  // bytes from that place to the end
};

// Throws DataError where the tar cannot be read, is empty, or does not begin like one.
TarListing list_tar(const OpenBytes& tar);

}  // namespace d2v
