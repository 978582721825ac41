// Rice codes of FLAC (RFC 9639, section 9.2.7). Private to the pipeline.
#pragma once

#include "flac_bits.h"

namespace d2v {

// `count` numbers of a parameter from 0 to 30.
void take_rice(FlacBits& bits, int parameter, int32_t* out, int64_t count);

}  // namespace d2v
