#include "d2v/eval/probe.h"

#include <algorithm>
#include <chrono>

#include <ATen/ATen.h>

#include "d2v/base/check.h"
#include "d2v/eval/knn.h"
#include "d2v/eval/ridge.h"

namespace d2v {

namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Features of one source for all parts, (n, layers, d) each.
struct Parts {
  at::Tensor train, valid, test;
  ChannelScale scale = ChannelScale::each;
  double seconds = 0;
};

// A choice of layers: indices into the second dimension of the features, and what they are called.
struct Candidate {
  std::vector<int64_t> index;
  std::string name;
};

at::Tensor chosen(const at::Tensor& features, const Candidate& candidate) {
  if (candidate.index.size() == static_cast<size_t>(features.size(1))) return features.flatten(1);
  return features.index_select(1, at::tensor(candidate.index, at::kLong)).flatten(1);
}

struct Labels {
  at::Tensor train, valid, test;
  int64_t classes = 0;
};

struct Choice {
  size_t candidate = 0;
  double lambda = 0;
  double valid_accuracy = -1;
};

at::Tensor knn_predict(const at::Tensor& bank, const at::Tensor& labels, const at::Tensor& queries,
                       int64_t classes, const ProbeConfig& config, ChannelScale scale) {
  return knn_vote(KnnIndex(bank, scale).nearest(queries, config.k), labels, classes, config.temperature);
}

ProbeRow knn_row(const Parts& parts, const Labels& labels, const std::vector<Candidate>& candidates,
                 const ProbeConfig& config) {
  const double start = seconds_now();
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
  const at::Tensor found = knn_predict(bank, at::cat({labels.train, labels.valid}),
                                       chosen(parts.test, candidate), labels.classes, config, parts.scale);
  ProbeRow row{
      "", "kNN", accuracy(found, labels.test, labels.classes), best.valid_accuracy, candidate.name, "",
      {}, 0};
  row.seconds = parts.seconds + seconds_now() - start;
  return row;
}

ProbeRow linear_row(const Parts& parts, const Labels& labels, const std::vector<Candidate>& candidates) {
  const double start = seconds_now();
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
  const at::Tensor found = problem.predict(problem.solve(best.lambda), chosen(parts.test, candidate));
  ProbeRow row{"",
               "linear",
               accuracy(found, labels.test, labels.classes),
               best.valid_accuracy,
               candidate.name,
               "",
               best.lambda,
               0};
  row.seconds = parts.seconds + seconds_now() - start;
  return row;
}

void check_splits(const ProbeSplits& splits, int64_t classes, const ProbeConfig& config) {
  check<DataError>(classes >= 2, "a probe needs {} of at least two classes, one sub-folder each; found {}",
                   splits.train.word, classes);
  for (const auto& [part, name] :
       {std::pair{&splits.train, "training"}, {&splits.valid, "validation"}, {&splits.test, "test"}})
    check<DataError>(part->size() > 0, "the {} part has no {}", name, part->word);
  check<DataError>(splits.train.size() >= config.k,
                   "kNN with k = {} needs at least as many training {}, there are {}: give more data or a "
                   "smaller --probe.k",
                   config.k, splits.train.word, splits.train.size());
}

}  // namespace

ProbeResult run_probe(const ProbeSplits& splits, const ProbeNetworks& networks, const ProbeConfig& config) {
  const int64_t classes = static_cast<int64_t>(splits.classes.size());
  check_splits(splits, classes, config);

  // The blocks whose features are kept, and the ways to put them together.
  std::vector<int64_t> layers =
      parse_layers(networks.layer == "best" ? "middle+last" : networks.layer, networks.blocks);
  std::vector<Candidate> candidates;
  if (networks.layer == "best") {
    const std::vector<int64_t> both = layers;
    layers.clear();
    for (int64_t block = 1; block <= networks.blocks; ++block) {
      layers.push_back(block);
      candidates.push_back({{block - 1}, std::to_string(block)});
    }
    candidates.push_back({{both[0] - 1, both[1] - 1}, layers_text(both)});
  } else {
    std::vector<int64_t> all(layers.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
    candidates.push_back({all, layers_text(layers)});
  }

  std::vector<FeatureSource> sources;
  if (networks.has_teacher)
    sources.push_back(
        network_features("trained teacher", *networks.trained, Network::teacher, layers, networks.pooling));
  sources.push_back(
      network_features("trained student", *networks.trained, Network::student, layers, networks.pooling));
  sources.push_back(
      network_features("untrained", *networks.untrained, Network::student, layers, networks.pooling));
  const size_t networks_rows = sources.size();
  for (const SimpleFeatures& simple : splits.simple) sources.push_back(simple.source);
  ExtractedFeatures train = extract(splits.train, sources), valid = extract(splits.valid, sources),
                    test = extract(splits.test, sources);
  const Labels labels{splits.train.labels.index({train.rows}), splits.valid.labels.index({valid.rows}),
                      splits.test.labels.index({test.rows}), classes};

  ProbeResult result;
  std::vector<ProbeRow> linear;
  for (size_t s = 0; s < sources.size(); ++s) {
    // Taken out of the lists, so that a network's features are freed before the next one's are worked on.
    const Parts parts{std::move(train.sources[s].values), std::move(valid.sources[s].values),
                      std::move(test.sources[s].values), sources[s].scale,
                      train.sources[s].seconds + valid.sources[s].seconds + test.sources[s].seconds};
    const SimpleFeatures* simple = s < networks_rows ? nullptr : &splits.simple[s - networks_rows];
    const std::vector<Candidate> ways = simple ? std::vector<Candidate>{{{0}, simple->layer}} : candidates;
    for (ProbeRow row : {knn_row(parts, labels, ways, config), linear_row(parts, labels, ways)}) {
      row.network = sources[s].name;
      row.pooling = simple ? simple->pooling : networks.pooling == Pooling::cls ? "cls" : "mean";
      (row.probe == "kNN" ? result.rows : linear).push_back(std::move(row));
    }
  }
  result.rows.insert(result.rows.end(), linear.begin(), linear.end());
  result.samples = splits.train.word;
  result.train = labels.train.size(0);
  result.valid = labels.valid.size(0);
  result.test = labels.test.size(0);
  result.classes = classes;
  result.largest_class = at::bincount(labels.test).max().item<double>() / static_cast<double>(result.test);
  return result;
}

}  // namespace d2v
