// A small data2vec 2.0 model of 16-pixel pictures in 4 × 4 patches; a test changes what it is about.
#pragma once

#include "d2v/base/config.h"

namespace d2v::test {

inline Config small_pictures(int64_t dim = 16) {
  Config config;
  config.run.precision = Precision::fp32;
  config.image.size = 16;
  config.image.patch = 4;
  config.model.dim = dim;
  config.model.heads = dim / 8;
  config.model.prenet_depth = 1;
  config.model.depth = 2;
  config.target.layers = 2;
  config.decoder.dim = dim;
  config.decoder.groups = 4;
  config.decoder.layers = 2;
  config.mae.decoder_dim = dim;
  config.mae.decoder_heads = dim / 8;
  config.mae.decoder_depth = 1;
  return config;
}

}  // namespace d2v::test
