// Options of probes, embeddings and reports.
#pragma once

#include <cstdint>
#include <string>

#include "d2v/base/options.h"

namespace d2v {

struct ProbeConfig {
  int64_t k = 20;
  double temperature = 0.07;
  double valid_share = 0.15;
  double test_share = 0.15;
  int64_t batch = 128;
  int64_t max_train = 0;

  template <class V>
  void visit(V& v) {
    v("k", k, Range{1, 100000}, "neighbours of the kNN probe");
    v("temperature", temperature, Range{1e-3, 100},
      "kNN: a neighbour's weight is exp(similarity / temperature)");
    v("valid_share", valid_share, Range{0.01, 0.5},
      "share of the training samples that settings are chosen on");
    v("test_share", test_share, Range{0.01, 0.9},
      "share of the samples kept for the test, where folders do not say");
    v("batch", batch, Range{1, 1 << 20}, "samples per forward pass; of long recordings and texts fewer");
    v("max_train", max_train, Range{0, 1e12}, "use at most so many training samples; 0: all");
  }
};

}  // namespace d2v
