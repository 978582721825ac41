#include "mix_draws.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"

namespace d2v {
namespace {

// Whole numbers in proportion to the weights that add up to `total`: the largest remainders are rounded up.
std::vector<int64_t> apportion(const std::vector<SourceShare>& shares, int64_t total) {
  double sum = 0;
  for (const SourceShare& share : shares) sum += share.weight;
  std::vector<int64_t> parts;
  std::vector<std::pair<double, size_t>> remainders;
  int64_t given = 0;
  for (size_t s = 0; s < shares.size(); ++s) {
    const double exact = static_cast<double>(total) * shares[s].weight / sum;
    parts.push_back(static_cast<int64_t>(std::floor(exact)));
    remainders.emplace_back(std::floor(exact) - exact, s);  // negative: the largest first
    given += parts.back();
  }
  std::sort(remainders.begin(), remainders.end());
  for (size_t i = 0; given < total; ++given, ++i) ++parts[remainders[i % remainders.size()].second];
  return parts;
}

}  // namespace

MixDraws::MixDraws(const std::vector<SourceShare>& shares, const std::vector<std::vector<uint32_t>>& windows,
                   uint64_t seed)
    : seed_(seed), strata_(windows.size()), counts_(windows.size(), 0) {
  int64_t total = 0;
  for (const SourceShare& share : shares) total += share.count;
  const std::vector<int64_t> per_epoch = apportion(shares, total);
  for (size_t s = 0; s < shares.size(); ++s) {
    check<UsageError>(
        per_epoch[s] > 0,
        "data.sources: the weight {} of source {} gives it not one of the {} samples of an epoch; "
        "raise it or leave the source out",
        shares[s].weight, s + 1, total);
  }
  const auto share_of = [&](uint32_t row) {
    const auto behind =
        std::upper_bound(shares.begin(), shares.end(), row,
                         [](uint32_t at, const SourceShare& share) { return at < share.first; });
    return static_cast<size_t>(behind - shares.begin()) - 1;
  };
  std::vector<int64_t> before(shares.size(), 0);  // rows of a share in the windows before
  std::vector<std::vector<uint32_t>> carried(
      shares.size());  // rows of windows that are too small for a draw of theirs
  for (size_t w = 0; w < windows.size(); ++w) {
    strata_[w].resize(shares.size());
    std::vector<int64_t> own(shares.size(), 0);
    for (size_t s = 0; s < shares.size(); ++s) strata_[w][s].rows = std::exchange(carried[s], {});
    for (const uint32_t row : windows[w]) {
      const size_t s = share_of(row);
      strata_[w][s].rows.push_back(row);
      ++own[s];
    }
    for (size_t s = 0; s < shares.size(); ++s) {
      Stratum& stratum = strata_[w][s];
      std::sort(stratum.rows.begin(), stratum.rows.end());
      const auto draws_up_to = [&](int64_t rows) {  // both factors below 2^32
        return static_cast<int64_t>(static_cast<uint64_t>(per_epoch[s]) * static_cast<uint64_t>(rows) /
                                    shares[s].count);
      };
      stratum.quota = draws_up_to(before[s] + own[s]) - draws_up_to(before[s]);
      before[s] += own[s];
      counts_[w] += stratum.quota;
      if (stratum.quota == 0) carried[s] = std::exchange(stratum.rows, {});  // shorter than what they come to
    }
  }
}

std::vector<uint32_t> MixDraws::shuffled(const Stratum& stratum, uint64_t number, size_t window,
                                         size_t share) const {
  Philox random({.seed = seed_,
                 .stream = Stream::order,
                 .step = number,
                 .sample = uint64_t{share} + 1,  // 0 is the order of the epoch
                 .occurrence = static_cast<uint32_t>(window)});
  std::vector<uint32_t> rows = stratum.rows;
  for (auto i = static_cast<uint32_t>(rows.size()); i > 1; --i) std::swap(rows[i - 1], rows[random.below(i)]);
  return rows;
}

void MixDraws::draw(int64_t epoch, size_t window, std::vector<Draw>& out) const {
  for (size_t s = 0; s < strata_[window].size(); ++s) {
    const Stratum& stratum = strata_[window][s];
    const auto size = static_cast<int64_t>(stratum.rows.size());
    if (stratum.quota == 0) continue;
    const int64_t first = epoch * stratum.quota;
    int64_t at = first % size;      // place in the source's own epoch
    int64_t number = first / size;  // of that epoch
    std::vector<uint32_t> skipped;  // of its first one: what the mix's epoch before had; sorted
    uint32_t rounds = 0;            // of the source's own epochs that this one has begun
    for (int64_t left = stratum.quota; left > 0; ++number, ++rounds, at = 0) {
      const std::vector<uint32_t> rows = shuffled(stratum, static_cast<uint64_t>(number), window, s);
      if (rounds == 0) {
        skipped.assign(rows.begin(), rows.begin() + at);
        std::sort(skipped.begin(), skipped.end());
      }
      const int64_t end = std::min(size, at + left);
      left -= end - at;
      for (; at < end; ++at) {
        const bool missed = rounds > 0 && std::binary_search(skipped.begin(), skipped.end(), rows[at]);
        out.push_back({rows[at], rounds - (missed ? 1u : 0u)});
      }
    }
  }
}

}  // namespace d2v
