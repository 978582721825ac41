#include "d2v/eval/knn.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "random_features.h"

#include "doctest.h"

using namespace d2v;

namespace {

using Rows = std::vector<std::vector<double>>;

Rows rows_of(const at::Tensor& t) {
  Rows rows(t.size(0), std::vector<double>(t.size(1)));
  for (int64_t i = 0; i < t.size(0); ++i)
    for (int64_t j = 0; j < t.size(1); ++j) rows[i][j] = t[i][j].item<float>();
  return rows;
}

// The definition, one number at a time in double.
std::vector<int64_t> brute_force(Rows bank, const std::vector<int64_t>& labels, Rows queries, int k,
                                 int classes, double temperature) {
  const size_t width = bank[0].size();
  for (size_t j = 0; j < width; ++j) {
    double mean = 0, square = 0;
    for (auto& row : bank) mean += row[j] / bank.size();
    for (auto& row : bank) square += (row[j] - mean) * (row[j] - mean) / bank.size();
    for (Rows* rows : {&bank, &queries})
      for (auto& row : *rows) row[j] = (row[j] - mean) / std::sqrt(square);
  }
  const auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  std::vector<int64_t> result;
  for (const auto& query : queries) {
    std::vector<std::pair<double, size_t>> order;
    for (size_t i = 0; i < bank.size(); ++i)
      order.emplace_back(-dot(query, bank[i]) / std::sqrt(dot(query, query) * dot(bank[i], bank[i])), i);
    std::sort(order.begin(), order.end());
    std::vector<double> votes(classes);
    for (int i = 0; i < k; ++i) votes[labels[order[i].second]] += std::exp(-order[i].first / temperature);
    result.push_back(std::max_element(votes.begin(), votes.end()) - votes.begin());
  }
  return result;
}

}  // namespace

TEST_CASE("kNN gives the classes of the definition") {
  const int64_t n = 200, m = 150, classes = 5;
  const at::Tensor bank_labels = test::random_labels(n, classes, 1),
                   labels = test::random_labels(m, classes, 2);
  const at::Tensor bank = test::clouds(bank_labels, 6, 0.6, 3) + 4,
                   queries = test::clouds(labels, 6, 0.6, 4) + 4;
  const at::Tensor found = knn_vote(KnnIndex(bank).nearest(queries, 20), bank_labels, classes, 0.07);

  const std::vector<int64_t> truth(bank_labels.data_ptr<int64_t>(), bank_labels.data_ptr<int64_t>() + n);
  const std::vector<int64_t> expected =
      brute_force(rows_of(bank), truth, rows_of(queries), 20, classes, 0.07);
  CHECK(std::vector<int64_t>(found.data_ptr<int64_t>(), found.data_ptr<int64_t>() + m) == expected);
}

TEST_CASE("neighbours come most similar first, and a row of the bank finds itself") {
  const at::Tensor bank = test::random_features(50, 8, 5);
  const Neighbours found = KnnIndex(bank).nearest(bank, 4);
  CHECK(at::equal(found.index.select(1, 0), at::arange(50)));
  CHECK((found.similarity.select(1, 0) - 1).abs().max().item<float>() < 1e-5f);
  CHECK(found.similarity.diff(1, 1).max().item<float>() <= 0);
}

TEST_CASE("blocks of queries do not change the result") {
  // 64 MiB of similarities to 40,000 rows are 419 queries, so 1,000 queries take three blocks.
  const at::Tensor bank = test::random_features(40000, 4, 6), queries = test::random_features(1000, 4, 7);
  const KnnIndex index(bank);
  const Neighbours all = index.nearest(queries, 3);
  for (const int64_t row : {0, 418, 419, 999})
    CHECK(at::equal(all.index[row], index.nearest(queries.slice(0, row, row + 1), 3).index[0]));
}

TEST_CASE("a vote weighs exp(similarity / temperature)") {
  const Neighbours neighbours{at::tensor({0, 1, 2}, at::kLong).view({1, 3}),
                              at::tensor({0.90f, 0.86f, 0.85f}).view({1, 3})};
  const at::Tensor labels = at::tensor({0, 1, 1}, at::kLong);
  // exp(.9/.07) = 3.8e5 against exp(.86/.07) + exp(.85/.07) = 4.0e5; at .02 the first one wins.
  CHECK(knn_vote(neighbours, labels, 2, 0.07).item<int64_t>() == 1);
  CHECK(knn_vote(neighbours, labels, 2, 0.02).item<int64_t>() == 0);
}

TEST_CASE("the lowest class wins a tie, and tiny temperatures do not overflow") {
  const Neighbours neighbours{at::tensor({0, 1}, at::kLong).view({1, 2}),
                              at::tensor({0.5f, 0.5f}).view({1, 2})};
  CHECK(knn_vote(neighbours, at::tensor({2, 1}, at::kLong), 3, 1e-3).item<int64_t>() == 1);
}

TEST_CASE("fewer pictures than k is an error that says both numbers") {
  const KnnIndex index(test::random_features(7, 3, 8));
  CHECK_THROWS_WITH_AS(index.nearest(test::random_features(1, 3, 9), 20), doctest::Contains("k = 20"),
                       DataError);
  CHECK_THROWS_WITH_AS(index.nearest(test::random_features(1, 3, 9), 20), doctest::Contains("there are 7"),
                       DataError);
  CHECK_THROWS_AS(index.nearest(test::random_features(1, 4, 9), 2), Error);
}
