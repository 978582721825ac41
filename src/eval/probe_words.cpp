// What a probe found, as a table and in sentences.
#include <algorithm>
#include <cmath>

#include "d2v/base/check.h"
#include "d2v/eval/probe.h"

namespace d2v {

namespace {

constexpr size_t most_names = 200;  // characters

const ProbeRow* find_row(const ProbeResult& result, const std::string& probe, const std::string& network) {
  for (const ProbeRow& row : result.rows)
    if (row.probe == probe && row.network == network) return &row;
  return nullptr;
}

bool is_simple(const ProbeRow& row) {
  return row.network != "untrained" && !row.network.starts_with("trained ");
}

std::string compared(const ProbeRow& trained, const ProbeRow& other, const std::string& name) {
  const double points = 100 * (trained.test.value - other.test.value);
  const bool overlap = trained.test.interval.overlaps(other.test.interval);
  std::string distance = std::abs(points) < 0.05 ? std::string("level with")
                                                 : fmt::format("{:.1f} points {}", std::abs(points),
                                                               points > 0 ? "above" : "below");
  return fmt::format("{} {} ({:.1f} %; the 95 % intervals {})", distance, name, 100 * other.test.value,
                     overlap ? "overlap" : "do not overlap");
}

}  // namespace

std::string probe_parts(const ProbeResult& result) {
  if (result.folds.empty())
    return fmt::format("{} {} for training, {} for validation, {} for the test, {} classes", result.train,
                       result.samples, result.valid, result.test, result.classes);
  std::string names;
  for (const std::string& name : result.folds) {
    names += names.empty() ? "" : ", ";
    if (names.size() > most_names) {
      names += "…";
      break;
    }
    names += name;
  }
  return fmt::format(
      "{} {} in {} folds ({}), each tested once by what at least {} {} of other folds trained and {} chose, "
      "{} "
      "classes",
      result.test, result.samples, result.folds.size(), names, result.train, result.samples, result.valid,
      result.classes);
}

std::string fold_range(const ProbeRow& row) {
  if (row.folds.empty()) return "";
  const auto [low, high] =
      std::minmax_element(row.folds.begin(), row.folds.end(),
                          [](const FoldAccuracy& a, const FoldAccuracy& b) { return a.value() < b.value(); });
  return fmt::format("{:.1f} to {:.1f}", 100 * low->value(), 100 * high->value());
}

std::string probe_table(const ProbeResult& result) {
  const bool folds = !result.folds.empty();
  const auto fold_column = [&](const std::string& text) {
    return folds ? fmt::format("  {:>13}", text) : std::string();
  };
  std::string out = fmt::format("{:<7} {:<16} {:>6}  {:>8}  {:>14}{}  {:>8}  {:>7}  {:>7}  {:>7}\n", "probe",
                                "features", "n", "accuracy", "95 % interval", fold_column("folds"),
                                "balanced", "layer", "pooling", "seconds");
  std::string probe;
  for (const ProbeRow& row : result.rows) {
    if (!probe.empty() && probe != row.probe) out += "\n";
    probe = row.probe;
    out += fmt::format(
        "{:<7} {:<16} {:>6}  {:>6.1f} %  {:>5.1f} to {:>5.1f}{}  {:>6.1f} %  {:>7}  {:>7}  {:>7.1f}\n",
        row.probe, row.network, row.test.n, 100 * row.test.value, 100 * row.test.interval.low,
        100 * row.test.interval.high, fold_column(fold_range(row)), 100 * row.test.balanced, row.layer,
        row.pooling, row.seconds);
  }
  return out;
}

std::vector<std::string> probe_sentences(const ProbeResult& result) {
  std::vector<std::string> sentences;
  for (const std::string probe : {"kNN", "linear"}) {
    const ProbeRow* trained = find_row(result, probe, "trained teacher");
    if (trained == nullptr) trained = find_row(result, probe, "trained student");
    const ProbeRow* untrained = find_row(result, probe, "untrained");
    if (trained == nullptr || untrained == nullptr) continue;
    std::vector<std::string> others{compared(*trained, *untrained, "the untrained network")};
    for (const ProbeRow& row : result.rows)
      if (row.probe == probe && is_simple(row)) others.push_back(compared(*trained, row, row.network));
    if (others.size() == 1) continue;
    const std::string last = std::move(others.back());
    others.pop_back();
    sentences.push_back(fmt::format("{} probe: the {}, at {:.1f} %, is {} and {}.", probe, trained->network,
                                    100 * trained->test.value, fmt::join(others, ", "), last));
  }
  return sentences;
}

}  // namespace d2v
