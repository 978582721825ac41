// What a probe found, as a table and in sentences.
#include <cmath>

#include "d2v/base/check.h"
#include "d2v/eval/probe.h"

namespace d2v {

namespace {

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

std::string probe_table(const ProbeResult& result) {
  std::string out =
      fmt::format("{:<7} {:<16} {:>6}  {:>8}  {:>14}  {:>8}  {:>7}  {:>7}  {:>7}\n", "probe", "features", "n",
                  "accuracy", "95 % interval", "balanced", "layer", "pooling", "seconds");
  std::string probe;
  for (const ProbeRow& row : result.rows) {
    if (!probe.empty() && probe != row.probe) out += "\n";
    probe = row.probe;
    out += fmt::format(
        "{:<7} {:<16} {:>6}  {:>6.1f} %  {:>5.1f} to {:>5.1f}  {:>6.1f} %  {:>7}  {:>7}  {:>7.1f}\n",
        row.probe, row.network, row.test.n, 100 * row.test.value, 100 * row.test.interval.low,
        100 * row.test.interval.high, 100 * row.test.balanced, row.layer, row.pooling, row.seconds);
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
