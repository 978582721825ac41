// What run_probe and run_probe_folds share: the rows' features, and the two classifiers on given parts. Private to eval.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "d2v/eval/probe.h"

namespace d2v {

// A choice of layers: indices into the second dimension of the features, and what they are called.
struct Candidate {
  std::vector<int64_t> index;
  std::string name;
};

// The networks' rows of the table, and the ways to put their blocks' features together.
struct NetworkRows {
  std::vector<FeatureSource> sources;
  std::vector<Candidate> candidates;
};
NetworkRows network_rows(const ProbeNetworks& networks);

// Features (n, layers, d) and classes (n) of the three parts.
struct Parts {
  at::Tensor train, valid, test;
  ChannelScale scale = ChannelScale::each;
};
struct Labels {
  at::Tensor train, valid, test;
  int64_t classes = 0;
};

// Classes (n) found for the test part, with what was chosen on the validation part.
struct Found {
  at::Tensor predicted;
  std::string layer;
  std::optional<double> lambda;  // linear
  double valid_accuracy = 0;
};
Found knn_found(const Parts& parts, const Labels& labels, const std::vector<Candidate>& candidates,
                const ProbeConfig& config);
Found linear_found(const Parts& parts, const Labels& labels, const std::vector<Candidate>& candidates);

// "mean", "cls", or what simple features say.
std::string pooling_text(const ProbeNetworks& networks, const SimpleFeatures* simple);

// Throws DataError where there are fewer than two classes or, with kNN's k above it, too few of `train` samples.
void check_probe(int64_t classes, int64_t train, const std::string& word, const ProbeConfig& config);

double probe_clock();  // seconds

}  // namespace d2v
