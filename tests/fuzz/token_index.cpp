// Any bytes are an index of fairseq's token files, for data of 64 KiB: sentences within it, or a DataError.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "d2v/base/check.h"
#include "d2v/pipeline/token_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string folder = [] {
    std::string pattern = "/tmp/d2v_fuzz_XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    std::ofstream(pattern + "/f.bin", std::ios::binary) << std::string(1 << 16, '\5');
    return pattern;
  }();
  std::ofstream(folder + "/f.idx", std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    const d2v::TokenFile file(folder + "/f.bin");
    if (file.tokens() > 1 << 16) std::abort();
    for (int64_t d = 0; d < file.documents(); ++d) {
      if (file.start(d) < 0 || file.start(d) > file.start(d + 1)) std::abort();
      std::vector<int64_t> tokens(static_cast<size_t>(file.start(d + 1) - file.start(d)));
      file.read(file.start(d), tokens);
    }
  } catch (const d2v::DataError&) {
  }
  return 0;
}
