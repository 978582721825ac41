// The demuxer of the usual containers by their first bytes: FFmpeg would try some three hundred on every file, which takes
// longer than decoding a second of sound. Private to the pipeline.
#pragma once

#include "d2v/pipeline/byte_source.h"

namespace d2v {

// FFmpeg's name of it; null: it has to try.
const char* known_format(const OpenBytes& bytes);

}  // namespace d2v
