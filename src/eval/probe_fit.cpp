#include "probe_fit.h"

#include <chrono>

#include "d2v/base/check.h"
#include "d2v/eval/knn.h"
#include "d2v/eval/ridge.h"
#include "d2v/nn/aten.h"

namespace d2v {

namespace {

at::Tensor chosen(const at::Tensor& features, const Candidate& candidate) {
  if (candidate.index.size() == static_cast<size_t>(features.size(1))) return features.flatten(1);
  return features.index_select(1, at::tensor(candidate.index, at::kLong)).flatten(1);
}

struct Choice {
  size_t candidate = 0;
  double lambda = 0;
  double valid_accuracy = -1;
};

at::Tensor knn_predict(const at::Tensor& bank, const at::Tensor& labels, const at::Tensor& queries,
                       int64_t classes, const ProbeConfig& config, ChannelScale scale) {
  return knn_vote(KnnIndex(bank, scale).nearest(queries, config.k), labels, classes, config.temperature);
}

}  // namespace

double probe_clock() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

NetworkRows network_rows(const ProbeNetworks& networks) {
  std::vector<int64_t> layers =
      parse_layers(networks.layer == "best" ? "middle+last" : networks.layer, networks.blocks);
  NetworkRows rows;
  if (networks.layer == "best") {
    const std::vector<int64_t> both = layers;
    layers.clear();
    for (int64_t block = 1; block <= networks.blocks; ++block) {
      layers.push_back(block);
      rows.candidates.push_back({{block - 1}, std::to_string(block)});
    }
    rows.candidates.push_back({{both[0] - 1, both[1] - 1}, layers_text(both)});
  } else {
    std::vector<int64_t> all(layers.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
    rows.candidates.push_back({all, layers_text(layers)});
  }
  if (networks.has_teacher)
    rows.sources.push_back(
        network_features("trained teacher", *networks.trained, Network::teacher, layers, networks.pooling));
  rows.sources.push_back(
      network_features("trained student", *networks.trained, Network::student, layers, networks.pooling));
  rows.sources.push_back(
      network_features("untrained", *networks.untrained, Network::student, layers, networks.pooling));
  return rows;
}

Found knn_found(const Parts& parts, const Labels& labels, const std::vector<Candidate>& candidates,
                const ProbeConfig& config) {
  Choice best;
  for (size_t c = 0; c < candidates.size(); ++c) {
    const at::Tensor found =
        knn_predict(chosen(parts.train, candidates[c]), labels.train, chosen(parts.valid, candidates[c]),
                    labels.classes, config, parts.scale);
    const double value = accuracy(found, labels.valid, labels.classes).value;
    if (value > best.valid_accuracy) best = {c, 0, value};
  }
  const Candidate& candidate = candidates[best.candidate];
  const at::Tensor bank = at::cat({chosen(parts.train, candidate), chosen(parts.valid, candidate)});
  return {knn_predict(bank, at::cat({labels.train, labels.valid}), chosen(parts.test, candidate),
                      labels.classes, config, parts.scale),
          candidate.name,
          {},
          best.valid_accuracy};
}

Found linear_found(const Parts& parts, const Labels& labels, const std::vector<Candidate>& candidates) {
  Choice best;
  for (size_t c = 0; c < candidates.size(); ++c) {
    const RidgeProblem problem(chosen(parts.train, candidates[c]), labels.train, labels.classes, parts.scale);
    const at::Tensor valid = chosen(parts.valid, candidates[c]);
    for (const double lambda : ridge_grid()) {
      const at::Tensor found = problem.predict(problem.solve(lambda), valid);
      const double value = accuracy(found, labels.valid, labels.classes).value;
      if (value > best.valid_accuracy) best = {c, lambda, value};
    }
  }
  const Candidate& candidate = candidates[best.candidate];
  const RidgeProblem problem(at::cat({chosen(parts.train, candidate), chosen(parts.valid, candidate)}),
                             at::cat({labels.train, labels.valid}), labels.classes, parts.scale);
  return {problem.predict(problem.solve(best.lambda), chosen(parts.test, candidate)), candidate.name,
          best.lambda, best.valid_accuracy};
}

std::string pooling_text(const ProbeNetworks& networks, const SimpleFeatures* simple) {
  if (simple) return simple->pooling;
  return networks.pooling == Pooling::cls ? "cls" : "mean";
}

void check_probe(int64_t classes, int64_t train, const std::string& word, const ProbeConfig& config) {
  check<DataError>(classes >= 2, "a probe needs {} of at least two classes, one sub-folder each; found {}",
                   word, classes);
  check<DataError>(train >= config.k,
                   "kNN with k = {} needs at least as many training {}, there are {}: give more data or a "
                   "smaller --probe.k",
                   config.k, word, train);
}

}  // namespace d2v
