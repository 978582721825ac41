#include "d2v/eval/probe.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "probe_fit.h"

namespace d2v {

namespace {

ProbeRow row_of(const Found& found, const Labels& labels, const std::string& probe) {
  ProbeRow row;
  row.probe = probe;
  row.test = accuracy(found.predicted, labels.test, labels.classes);
  row.valid_accuracy = found.valid_accuracy;
  row.layer = found.layer;
  row.lambda = found.lambda;
  return row;
}

void check_splits(const ProbeSplits& splits, int64_t classes, const ProbeConfig& config) {
  for (const auto& [part, name] :
       {std::pair{&splits.train, "training"}, {&splits.valid, "validation"}, {&splits.test, "test"}})
    check<DataError>(part->size() > 0, "the {} part has no {}", name, part->word);
  check_probe(classes, splits.train.size(), splits.train.word, config);
}

}  // namespace

ProbeResult run_probe(const ProbeSplits& splits, const ProbeNetworks& networks, const ProbeConfig& config) {
  const int64_t classes = static_cast<int64_t>(splits.classes.size());
  check_splits(splits, classes, config);

  const NetworkRows of_networks = network_rows(networks);
  std::vector<FeatureSource> sources = of_networks.sources;
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
                      std::move(test.sources[s].values), sources[s].scale};
    const double features = train.sources[s].seconds + valid.sources[s].seconds + test.sources[s].seconds;
    const SimpleFeatures* simple =
        s < of_networks.sources.size() ? nullptr : &splits.simple[s - of_networks.sources.size()];
    const std::vector<Candidate> ways =
        simple ? std::vector<Candidate>{{{0}, simple->layer}} : of_networks.candidates;
    const auto add = [&](std::vector<ProbeRow>& rows, double start, ProbeRow row) {
      row.network = sources[s].name;
      row.pooling = pooling_text(networks, simple);
      row.seconds = features + probe_clock() - start;
      rows.push_back(std::move(row));
    };
    const double start = probe_clock();
    add(result.rows, start, row_of(knn_found(parts, labels, ways, config), labels, "kNN"));
    const double middle = probe_clock();
    add(linear, middle, row_of(linear_found(parts, labels, ways), labels, "linear"));
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
