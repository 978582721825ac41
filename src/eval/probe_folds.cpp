#include "d2v/eval/probe_folds.h"

#include <algorithm>

#include "d2v/base/check.h"
#include "d2v/base/log.h"
#include "d2v/nn/aten.h"
#include "probe_fit.h"

namespace d2v {

namespace {

// A row of the table while its folds are collected.
struct Pool {
  ProbeRow row;
  std::vector<at::Tensor> predicted, truth;
};

void add_fold(Pool& pool, const std::string& name, const Found& found, const at::Tensor& truth) {
  const int64_t correct = found.predicted.eq(truth).sum().item<int64_t>();
  pool.row.folds.push_back({name, truth.size(0), correct, found.layer, found.lambda});
  pool.row.valid_accuracy += found.valid_accuracy;
  pool.predicted.push_back(found.predicted);
  pool.truth.push_back(truth);
}

ProbeRow finished(Pool pool, int64_t classes) {
  ProbeRow row = std::move(pool.row);
  row.test = accuracy(at::cat(pool.predicted), at::cat(pool.truth), classes);
  row.valid_accuracy /= static_cast<double>(row.folds.size());
  row.layer = row.folds[0].layer;
  for (const FoldAccuracy& fold : row.folds)
    if (fold.layer != row.layer) row.layer = "varies";
  return row;
}

// Rows of the samples become places among those that could be read.
std::vector<FoldRows> readable(const std::vector<FoldRows>& folds, const at::Tensor& rows, int64_t samples) {
  at::Tensor place = at::full({samples}, -1, at::kLong);
  place.index_put_({rows}, at::arange(rows.size(0), at::kLong));
  const auto places = [&](const at::Tensor& part) {
    const at::Tensor found = place.index_select(0, part);
    return found.index({found.ge(0)});
  };
  std::vector<FoldRows> out;
  for (const FoldRows& fold : folds)
    out.push_back({fold.name, places(fold.train), places(fold.valid), places(fold.test)});
  return out;
}

void check_folds(const std::vector<FoldRows>& folds, const at::Tensor& labels, int64_t classes,
                 const std::string& word, const ProbeConfig& config) {
  check<DataError>(!folds.empty(), "a probe with folds needs some");
  int64_t fewest = config.k;
  for (const FoldRows& fold : folds) {
    for (const auto& [part, use] : {std::pair{&fold.train, "to train on"},
                                    {&fold.valid, "to choose settings on"},
                                    {&fold.test, "in it"}})
      check<DataError>(part->size(0) > 0, "fold '{}' has no readable {} {}", fold.name, word, use);
    check_probe(classes, fold.train.size(0), word, config);
    const at::Tensor counts = at::bincount(labels.index({at::cat({fold.train, fold.valid})}), {}, classes);
    const at::Tensor present = counts.index({counts.gt(0)});
    fewest = std::min(fewest, present.min().item<int64_t>());
  }
  if (2 * fewest < config.k)
    log_warning(
        "kNN with k = {}: in some fold a class has only {} {} to be found among, and others outvote "
        "it; a smaller --probe.k suits such data better",
        config.k, fewest, word);
}

// Both classifiers of one source in one fold.
struct Pools {
  Pool knn, linear;
};

void add_source(Pools& pools, const at::Tensor& values, ChannelScale scale, const FoldRows& fold,
                const at::Tensor& labels, int64_t classes, const std::vector<Candidate>& ways,
                const ProbeConfig& config) {
  const Parts parts{values.index_select(0, fold.train), values.index_select(0, fold.valid),
                    values.index_select(0, fold.test), scale};
  const Labels of_parts{labels.index_select(0, fold.train), labels.index_select(0, fold.valid),
                        labels.index_select(0, fold.test), classes};
  const double start = probe_clock();
  add_fold(pools.knn, fold.name, knn_found(parts, of_parts, ways, config), of_parts.test);
  const double middle = probe_clock();
  add_fold(pools.linear, fold.name, linear_found(parts, of_parts, ways), of_parts.test);
  pools.knn.row.seconds += middle - start;
  pools.linear.row.seconds += probe_clock() - middle;
}

Pools named(const std::string& network, const std::string& pooling) {
  Pools pools;
  for (Pool* pool : {&pools.knn, &pools.linear}) {
    pool->row.network = network;
    pool->row.pooling = pooling;
  }
  pools.knn.row.probe = "kNN";
  pools.linear.row.probe = "linear";
  return pools;
}

void add_seconds(Pools& pools, double seconds) {
  pools.knn.row.seconds += seconds;
  pools.linear.row.seconds += seconds;
}

}  // namespace

ProbeResult run_probe_folds(const FoldedSamples& data, const ProbeNetworks& networks,
                            const ProbeConfig& config) {
  const int64_t classes = static_cast<int64_t>(data.classes.size());
  const NetworkRows of_networks = network_rows(networks);
  std::vector<FeatureSource> sources = of_networks.sources;
  for (const SimpleFeatures& simple : data.simple) sources.push_back(simple.source);
  ExtractedFeatures all = extract(data.samples, sources);
  const at::Tensor labels = data.samples.labels.index({all.rows});
  const std::vector<FoldRows> folds = readable(data.folds, all.rows, data.samples.size());
  check_folds(folds, labels, classes, data.samples.word, config);

  std::vector<Pools> pools;
  for (size_t s = 0; s < sources.size(); ++s) {
    const at::Tensor values = std::move(all.sources[s].values);  // freed before the next one's are worked on
    const SimpleFeatures* simple =
        s < of_networks.sources.size() ? nullptr : &data.simple[s - of_networks.sources.size()];
    const std::vector<Candidate> ways =
        simple ? std::vector<Candidate>{{{0}, simple->layer}} : of_networks.candidates;
    pools.push_back(named(sources[s].name, pooling_text(networks, simple)));
    add_seconds(pools.back(), all.sources[s].seconds);
    for (const FoldRows& fold : folds)
      add_source(pools.back(), values, sources[s].scale, fold, labels, classes, ways, config);
  }
  const size_t fixed = pools.size();
  for (size_t f = 0; data.fitted && f < folds.size(); ++f) {
    const std::vector<SimpleFeatures> simple = data.fitted(all.rows.index_select(0, folds[f].train));
    std::vector<FeatureSource> of_fold;
    for (const SimpleFeatures& one : simple) of_fold.push_back(one.source);
    const ExtractedFeatures found = extract(data.samples, of_fold);
    check(at::equal(found.rows, all.rows), "other samples could be read than before");
    for (size_t s = 0; s < simple.size(); ++s) {
      if (f == 0) pools.push_back(named(simple[s].source.name, simple[s].pooling));
      Pools& pool = pools.at(fixed + s);
      add_seconds(pool, found.sources[s].seconds);
      add_source(pool, found.sources[s].values, simple[s].source.scale, folds[f], labels, classes,
                 std::vector<Candidate>{{{0}, simple[s].layer}}, config);
    }
  }

  ProbeResult result;
  for (Pools& pool : pools) result.rows.push_back(finished(std::move(pool.knn), classes));
  for (Pools& pool : pools) result.rows.push_back(finished(std::move(pool.linear), classes));
  result.samples = data.samples.word;
  result.classes = classes;
  result.train = result.valid = labels.size(0);
  std::vector<at::Tensor> tested;
  for (const FoldRows& fold : folds) {
    result.folds.push_back(fold.name);
    result.train = std::min(result.train, fold.train.size(0));
    result.valid = std::min(result.valid, fold.valid.size(0));
    tested.push_back(labels.index_select(0, fold.test));
  }
  const at::Tensor truth = at::cat(tested);
  result.test = truth.size(0);
  result.largest_class = at::bincount(truth).max().item<double>() / static_cast<double>(result.test);
  return result;
}

}  // namespace d2v
