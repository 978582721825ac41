// Any bytes are a token file that is read to its end, or a DataError.
#include "d2v/pipeline/token_file.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "d2v/base/check.h"

namespace {

void write(const std::string& path, const uint8_t* data, size_t size) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
}

void read(const std::string& path) {
  try {
    const d2v::TokenFile file(path);
    std::vector<int64_t> tokens(1000);
    for (int64_t first = 0; first < file.tokens(); first += 1000)
      file.read(first,
                std::span(tokens).first(static_cast<size_t>(std::min<int64_t>(1000, file.tokens() - first))));
    for (int64_t d = 0; d < file.documents(); ++d)
      if (file.start(d) > file.start(d + 1)) std::abort();
  } catch (const d2v::DataError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string folder = [] {
    std::string pattern = "/tmp/d2v_fuzz_XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    return pattern;
  }();
  write(folder + "/t.d2vtok", data, size);
  read(folder + "/t.d2vtok");
  return 0;
}
