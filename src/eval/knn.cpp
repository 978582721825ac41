#include "d2v/eval/knn.h"

#include <algorithm>
#include <tuple>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

namespace d2v {

namespace {

void to_unit_length(at::Tensor& rows) {
  rows.div_(at::linalg_vector_norm(rows, 2, 1, true).clamp_min_(1e-12));
}

}  // namespace

KnnIndex::KnnIndex(const at::Tensor& bank, ChannelScale scale)
    : standardize_(bank, scale), bank_(standardize_(bank)) {
  to_unit_length(bank_);
}

int64_t KnnIndex::size() const { return bank_.size(0); }

Neighbours KnnIndex::nearest(const at::Tensor& queries, int64_t k) const {
  check(queries.dim() == 2 && queries.size(1) == bank_.size(1),
        "kNN: queries of width {} for a bank of width {}", queries.dim() == 2 ? queries.size(1) : 0,
        bank_.size(1));
  check<DataError>(
      bank_.size(0) >= k,
      "kNN with k = {} needs at least as many training samples, there are {}: give more data or a "
      "smaller --probe.k",
      k, bank_.size(0));
  constexpr int64_t block_bytes = int64_t{64} << 20;
  const int64_t m = queries.size(0);
  const int64_t step = std::clamp<int64_t>(block_bytes / (4 * bank_.size(0)), 1, 4096);
  Neighbours result{at::empty({m, k}, at::kLong), at::empty({m, k}, at::kFloat)};
  const at::Tensor transposed = bank_.t();
  for (int64_t i = 0; i < m; i += step) {
    const int64_t end = std::min(m, i + step);
    at::Tensor block = standardize_(queries.slice(0, i, end));
    to_unit_length(block);
    auto [similarity, index] = at::topk(at::mm(block, transposed), k, 1);
    result.similarity.slice(0, i, end).copy_(similarity);
    result.index.slice(0, i, end).copy_(index);
  }
  return result;
}

at::Tensor knn_vote(const Neighbours& neighbours, const at::Tensor& labels, int64_t classes,
                    double temperature) {
  // The largest similarity is subtracted first: a factor common to a row's votes, so that exp cannot overflow.
  const at::Tensor best = std::get<0>(neighbours.similarity.max(1, true));
  const at::Tensor weight = ((neighbours.similarity - best).to(at::kDouble) / temperature).exp_();
  at::Tensor votes = at::zeros({neighbours.index.size(0), classes}, at::kDouble);
  votes.scatter_add_(1, labels.index({neighbours.index}), weight);
  return votes.argmax(1);
}

}  // namespace d2v
