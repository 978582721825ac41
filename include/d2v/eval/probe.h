// How good are frozen features? kNN and linear probes of one run, always beside the same yardsticks.
//
// Everything that is chosen (layer, λ) is chosen on the validation part; the classifiers are then made again from
// training and validation part together, and the test part is read once per reported figure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "d2v/base/config/evaluation.h"
#include "d2v/eval/accuracy.h"
#include "d2v/eval/features.h"
#include "d2v/eval/simple_features.h"

namespace d2v {

struct ProbeSplits {
  Samples train, valid, test;
  std::vector<std::string> classes;
  std::vector<SimpleFeatures> simple;  // rows beside those of the networks
};

// The rows of the table. A run's networks and the yardsticks.
struct ProbeNetworks {
  Objective* trained = nullptr;
  Objective* untrained = nullptr;  // the same model with the weights that the run began with
  int64_t blocks = 0;
  bool has_teacher = true;
  // Which blocks: as in parse_layers, or "best": chosen on the validation part among each block and middle+last.
  std::string layer = "middle+last";
  Pooling pooling = Pooling::mean;
};

// One fold of a row: what classifiers made from the other folds found in it.
struct FoldAccuracy {
  std::string fold;
  int64_t n = 0, correct = 0;
  std::string layer;             // chosen without this fold, as lambda
  std::optional<double> lambda;  // linear
  double value() const { return n > 0 ? static_cast<double>(correct) / static_cast<double>(n) : 0; }
};

struct ProbeRow {
  std::string
      network;        // "trained teacher", "trained student", "untrained", "raw pixels" or another simple one
  std::string probe;  // "kNN", "linear"
  Accuracy test;
  double valid_accuracy = 0;     // of what was chosen, on the validation part
  std::string layer, pooling;    // "6+12", "mean"; for raw pixels "pixels", "32x32"
  std::optional<double> lambda;  // linear
  double seconds = 0;            // features of all three parts and the probe
  // Cross-validation (probe_folds.h): `test` pools these, valid_accuracy is their mean, lambda is not set, and layer is
  // "varies" where folds chose differently. Empty: one split.
  std::vector<FoldAccuracy> folds{};
};

struct ProbeResult {
  std::vector<ProbeRow> rows;        // the kNN rows, then as many linear ones
  std::string samples = "pictures";  // what they are called
  // With folds: the smallest training and validation parts, and the samples of all folds together.
  int64_t train = 0, valid = 0, test = 0, classes = 0;
  std::vector<std::string> folds{};  // their names; empty: one split
  double largest_class = 0;  // share of the test part's most frequent class: what guessing it would score
};

// Throws DataError where a part is empty, a class is missing or there are fewer training samples than neighbours.
ProbeResult run_probe(const ProbeSplits& splits, const ProbeNetworks& networks, const ProbeConfig& config);

// What was trained, chosen and tested on: "70 pictures for training, 15 for …", or how many folds of how many samples.
std::string probe_parts(const ProbeResult& result);

// The lowest and the highest of a row's folds in per cent, "87.0 to 94.1"; empty: there are none.
std::string fold_range(const ProbeRow& row);

// The table as text, a line per row; with folds it has a column of their lowest and highest accuracy.
std::string probe_table(const ProbeResult& result);

// How the trained teacher (the student where there is none) stands to the untrained network and to simple features: one
// sentence per probe, with the distance in points and whether the 95 % intervals overlap.
std::vector<std::string> probe_sentences(const ProbeResult& result);

}  // namespace d2v
