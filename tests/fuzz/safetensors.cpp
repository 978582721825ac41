// Any bytes are a safetensors file that is read, or a DataError. What is read lies inside the file.
#include "d2v/base/safetensors.h"

#include <cstdlib>
#include <string>
#include <unistd.h>

#include <sys/mman.h>

#include "d2v/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const int file = ::memfd_create("fuzz", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  if (file < 0 || ::ftruncate(file, 0) != 0 || ::pwrite(file, data, size, 0) != static_cast<ssize_t>(size))
    std::abort();
  try {
    const d2v::SafetensorsReader reader(path);
    unsigned sum = 0;
    for (const d2v::StoredTensor& tensor : reader.tensors())
      for (const std::byte byte : tensor.bytes) sum += std::to_integer<unsigned>(byte);
    if (sum == 0xffffffffu) std::abort();  // the bytes are really read
  } catch (const d2v::DataError&) {
  }
  return 0;
}
