// Any bytes as a WAV file: not cut, or cut where the bytes end.
#include "cut_wav.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const d2v::OpenBytes file(d2v::ByteSource({data, size}, "fuzz"));
  const auto cut = d2v::cut_wav(file);
  if (cut && (cut->found >= cut->promised || cut->found > size)) std::abort();
  return 0;
}
