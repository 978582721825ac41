// The probe with folds instead of one split: each sample is tested once, by classifiers made from the others.
//
// Features are computed once per sample; only the split varies. For each fold the settings (layer, λ) are chosen on another
// fold that neither trains nor is tested, then the classifiers are made again from all folds but the tested one. A row's
// figure is correct / n over all folds, with Wilson's interval of it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "d2v/eval/probe.h"

namespace d2v {

struct FoldRows {
  std::string name;
  at::Tensor train, valid, test;  // (n) int64, rows of the samples
};

struct FoldedSamples {
  Samples samples;
  std::vector<std::string> classes;
  std::vector<SimpleFeatures> simple;  // rows beside those of the networks, the same for all folds
  // More of them, made from the samples that train a fold (rows): TF-IDF. Empty: none. Always the same rows, in order.
  std::function<std::vector<SimpleFeatures>(const at::Tensor& train)> fitted;
  std::vector<FoldRows> folds;
};

// The rows of run_probe, with ProbeRow::folds. Samples that could not be read are left out of their folds.
// Throws DataError where there are fewer than two classes, a part of a fold is empty or one trains on fewer samples than
// kNN has neighbours. Says in a warning where a class has fewer samples to train on than half the neighbours.
ProbeResult run_probe_folds(const FoldedSamples& data, const ProbeNetworks& networks,
                            const ProbeConfig& config);

}  // namespace d2v
