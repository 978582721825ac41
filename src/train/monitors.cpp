#include "d2v/train/monitors.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

namespace d2v {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kNear = 1.5;        // warn below this multiple of a limit
constexpr double kRankLost = 0.25;   // warn when less than this share of the best rank is left
constexpr double kFlatLocal = 1e-3;  // deviation below which the local encoder's output counts as constant

at::Tensor rows_of(const at::Tensor& features) { return features.detach().reshape({-1, features.size(-1)}); }

}  // namespace

double deviation_of_moments(const at::Tensor& moments) {
  check(moments.dim() == 2 && moments.size(0) == 3, "moments must have the shape (3, D), found {} dimensions",
        moments.dim());
  const auto m = moments.to(at::kDouble);
  const auto count = m[0];
  if (count.min().item<double>() < 2) return kNaN;
  const auto variance = ((m[2] - m[1].square() / count) / (count - 1)).clamp_min(0);
  return (variance + 1e-6).sqrt().mean().item<double>();
}

double deviation(const at::Tensor& features) {
  const auto rows = rows_of(features).to(at::kDouble);
  if (rows.size(0) < 2) return kNaN;
  return (rows.var(0, /*unbiased=*/true) + 1e-6).sqrt().mean().item<double>();
}

double effective_rank(const at::Tensor& features, int64_t max_rows) {
  auto rows = rows_of(features);
  if (rows.size(0) > max_rows) {
    const auto index = at::arange(max_rows, rows.options().dtype(at::kLong)) * rows.size(0) / max_rows;
    rows = rows.index_select(0, index.to(at::kLong));
  }
  rows = rows.to(at::kFloat).cpu();
  if (!rows.isfinite().all().item<bool>()) return kNaN;
  const auto sigma = at::linalg_svdvals(rows).to(at::kDouble);
  const double sum = sigma.sum().item<double>();
  if (!(sum > 0)) return 1;  // all zero: as collapsed as can be
  const auto share = sigma / sum;
  return std::exp(-at::xlogy(share, share).sum().item<double>());
}

std::optional<std::string> Health::observe(const Vitals& now) {
  skipped_ = now.skipped ? skipped_ + 1 : 0;
  const auto keep_known = [](double fresh, double old) { return std::isnan(fresh) ? old : fresh; };
  Vitals merged = now;
  merged.target_var = keep_known(now.target_var, last_.target_var);
  merged.pred_var = keep_known(now.pred_var, last_.pred_var);
  merged.target_rank = keep_known(now.target_rank, last_.target_rank);
  merged.local_rank = keep_known(now.local_rank, last_.local_rank);
  merged.local_var = keep_known(now.local_var, last_.local_var);
  merged.rank_limit = now.rank_limit > 0 ? now.rank_limit : last_.rank_limit;
  last_ = merged;
  best_rank_ = std::max(best_rank_, merged.target_rank);
  stop_if_collapsed(now);
  const std::string said = fmt::format("{}", fmt::join(complaints(now), "; "));
  // Compared without figures, which change with every look.
  std::string topic;
  std::copy_if(said.begin(), said.end(), std::back_inserter(topic),
               [](char c) { return (c < '0' || c > '9') && c != '.'; });
  const bool news = !said.empty() && topic != said_;
  said_ = topic;
  if (!news) return std::nullopt;
  return said;
}

void Health::stop_if_collapsed(const Vitals& v) const {
  check<CollapseError>(
      skipped_ < config_.max_skipped,
      "update {}: the gradient was not finite {} times in a row (health.max_skipped = {}). Lower optim.lr, "
      "lengthen optim.warmup or use run.precision = fp32",
      v.update, skipped_, config_.max_skipped);
  if (v.update < config_.guard_after) return;
  const auto guard = [&](const char* what, double value, const char* key, double limit) {
    if (limit <= 0 || !(value < limit)) return;
    fail<CollapseError>(
        "update {}: the run has collapsed: the {}' deviation is {:.4g}, below {} = {} (checked after "
        "health.guard_after = {} updates). All positions look alike to the teacher. Start again with a "
        "slower teacher (ema.decay nearer to 1), a lower optim.lr or a longer optim.warmup; checkpoints "
        "of before are kept",
        v.update, what, value, key, limit, config_.guard_after);
  };
  guard("targets", v.target_var, "health.min_target_var", config_.min_target_var);
  guard("predictions", v.pred_var, "health.min_pred_var", config_.min_pred_var);
}

std::vector<std::string> Health::complaints(const Vitals& v) const {
  std::vector<std::string> out;
  if (v.skipped)
    out.push_back(fmt::format("the gradient was not finite, update skipped ({} in a row)", skipped_));
  const auto near = [&](const char* what, double value, double limit) {
    if (limit > 0 && value < kNear * limit) {
      out.push_back(fmt::format(
          "the {} are getting alike: deviation {:.3g}, the run stops below {:.3g} after update {}", what,
          value, limit, config_.guard_after));
    }
  };
  near("targets", v.target_var, config_.min_target_var);
  // Predictions start flat and grow; being small is news only once they should have grown.
  if (v.update >= config_.guard_after / 2) near("predictions", v.pred_var, config_.min_pred_var);
  if (v.target_rank < kRankLost * best_rank_) {
    out.push_back(fmt::format("the targets lose dimensions: effective rank {:.1f}, it was {:.1f}",
                              v.target_rank, best_rank_));
  }
  if (v.local_var < kFlatLocal) {
    out.push_back(
        fmt::format("the local encoder's output is nearly constant: deviation {:.2g}", v.local_var));
  }
  return out;
}

std::string Health::line() const {
  return fmt::format(
      "targets {:.3g}, predictions {:.3g}, effective rank {:.1f} of {:.0f}, local encoder {:.3g}",
      last_.target_var, last_.pred_var, last_.target_rank, last_.rank_limit, last_.local_var);
}

}  // namespace d2v
