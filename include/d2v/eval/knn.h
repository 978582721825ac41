// The kNN probe: cosine similarity on standardised features, a neighbour's vote weighs exp(similarity / temperature)
// (as in Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", arXiv 1805.01978).
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "d2v/eval/standardize.h"

namespace d2v {

struct Neighbours {
  at::Tensor index;       // (m, k) int64 rows of the bank, most similar first
  at::Tensor similarity;  // (m, k) float32 cosine
};

class KnnIndex {
 public:
  // bank: (n, d) float32; it is standardised with its own mean and deviation and kept as unit vectors (n·d floats).
  explicit KnnIndex(const at::Tensor& bank, ChannelScale scale = ChannelScale::each);

  int64_t size() const;

  // The k nearest rows of the bank for each of the queries (m, d). Works in blocks of queries: beyond its result it
  // needs about 64 MiB plus a block of the queries, whatever n and m are.
  // Throws DataError when the bank has fewer than k rows, Error when the widths differ.
  Neighbours nearest(const at::Tensor& queries, int64_t k) const;

 private:
  Standardizer standardize_;
  at::Tensor bank_;  // (n, d) unit vectors
};

// Class of each row by weighted vote. labels: (n) int64 of the bank, in [0, classes). Returns (m) int64; of classes
// with equal votes the lowest wins.
at::Tensor knn_vote(const Neighbours& neighbours, const at::Tensor& labels, int64_t classes,
                    double temperature);

}  // namespace d2v
