#include "d2v/eval/reference_curve.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/eval/run_metrics.h"

namespace d2v {

namespace {

constexpr double deviations = 4, least_share = 0.02;
constexpr int pooled_points = 5;

double interpolate(const std::vector<double>& x, const std::vector<double>& y, double at) {
  const auto after = std::lower_bound(x.begin(), x.end(), at);
  if (after == x.begin()) return y.front();
  if (after == x.end()) return y.back();
  const size_t i = static_cast<size_t>(after - x.begin());
  const double share = (at - x[i - 1]) / (x[i] - x[i - 1]);
  return y[i - 1] + share * (y[i] - y[i - 1]);
}

}  // namespace

ReferenceCurve make_reference(const std::vector<Series>& losses, double updates,
                              std::vector<std::string> origin, int points) {
  check<UsageError>(losses.size() >= 2, "a reference curve needs several runs, best three; given {}",
                    losses.size());
  std::vector<Series> means;
  for (const Series& loss : losses) {
    means.push_back(window_means(loss, updates, points));
    check<UsageError>(
        means.back().update.size() == static_cast<size_t>(points),
        "a reference curve of {} points needs finished runs with at least as many logged losses; one "
        "run has losses in {} of {} stretches",
        points, means.back().update.size(), points);
  }
  ReferenceCurve curve{std::move(origin), updates, means[0].update, {}, {}, {}, {}};
  const double runs = static_cast<double>(means.size());
  std::vector<double> variance;
  for (int p = 0; p < points; ++p) {
    double mean = 0, square = 0;
    for (const Series& run : means) mean += run.value[p] / runs;
    for (const Series& run : means) square += (run.value[p] - mean) * (run.value[p] - mean);
    curve.mean.push_back(mean);
    variance.push_back(square / (runs - 1));
  }
  for (int p = 0; p < points; ++p) {
    const int first = std::max(0, p - pooled_points / 2), last = std::min(points - 1, p + pooled_points / 2);
    double pooled = 0;
    for (int q = first; q <= last; ++q) pooled += variance[q] / (last - first + 1);
    const double half = std::max(deviations * std::sqrt(pooled), least_share * std::abs(curve.mean[p]));
    curve.low.push_back(curve.mean[p] - half);
    curve.high.push_back(curve.mean[p] + half);
  }
  return curve;
}

ReferenceCurve read_reference(const std::filesystem::path& file) {
  std::istringstream in(read_file(file, 1 << 24));
  ReferenceCurve curve;
  int64_t number = 0;
  bool header = false;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.starts_with("# updates: ")) {
      curve.updates = std::strtod(line.c_str() + 11, nullptr);
    } else if (line.starts_with("#")) {
      const std::string comment = line.substr(std::min(line.size(), line.find_first_not_of("# ")));
      if (!read_condition_line(comment, curve.conditions)) curve.origin.push_back(comment);
    } else if (!header) {
      check<DataError>(line == "update\tmean\tlow\thigh",
                       "{}, line {}: expected the header 'update mean low high' "
                       "separated by tabs, found '{}'",
                       file.string(), number, line);
      header = true;
    } else if (!line.empty()) {
      std::istringstream row(line);
      double update, mean, low, high;
      check<DataError>(static_cast<bool>(row >> update >> mean >> low >> high),
                       "{}, line {}: expected four numbers, "
                       "found '{}'",
                       file.string(), number, line);
      check<DataError>(curve.update.empty() || update > curve.update.back(),
                       "{}, line {}: updates must increase", file.string(), number);
      curve.update.push_back(update);
      curve.mean.push_back(mean);
      curve.low.push_back(low);
      curve.high.push_back(high);
    }
  }
  check<DataError>(curve.update.size() >= 2 && curve.updates > 0,
                   "{}: not a reference curve ('# updates: N' and at "
                   "least two lines of numbers); `d2v report --reference-out` makes one",
                   file.string());
  return curve;
}

std::string write_reference(const ReferenceCurve& curve) {
  std::string out;
  for (const std::string& line : curve.origin) out += "# " + line + "\n";
  for (const std::string& line : condition_lines(curve.conditions)) out += "# " + line + "\n";
  out += fmt::format("# updates: {:.0f}\nupdate\tmean\tlow\thigh\n", curve.updates);
  for (size_t i = 0; i < curve.update.size(); ++i)
    out += fmt::format("{:.10g}\t{:.6g}\t{:.6g}\t{:.6g}\n", curve.update[i], curve.mean[i], curve.low[i],
                       curve.high[i]);
  return out;
}

std::string not_compared(const ReferenceCurve& curve, double updates, const RunConditions& run) {
  if (std::abs(updates - curve.updates) > 0.5)
    return fmt::format(
        "The reference curve is of runs of {:.0f} updates, this run is {:.0f} long: not compared.",
        curve.updates, updates);
  const std::string other = conditions_differ(curve.conditions, run);
  return other.empty() ? "" : fmt::format("Not compared with the reference curve: {}.", other);
}

ReferenceVerdict against_reference(const ReferenceCurve& curve, const Series& loss, double updates,
                                   const RunConditions& run) {
  if (std::string why = not_compared(curve, updates, run); !why.empty())
    return {AgainstReference::not_comparable, std::move(why)};
  const double stretch = curve.updates / static_cast<double>(curve.update.size());
  const double now = loss.empty() ? 0 : loss.update.back();
  if (now < stretch)
    return {AgainstReference::not_comparable,
            fmt::format("Too early to compare with the reference curve (from update {:.0f} on).",
                        std::ceil(stretch))};
  double sum = 0, middle = 0;
  int64_t count = 0;
  for (size_t i = 0; i < loss.update.size(); ++i) {
    if (loss.update[i] <= now - stretch || !std::isfinite(loss.value[i])) continue;
    sum += loss.value[i], middle += loss.update[i], ++count;
  }
  if (count == 0)
    return {AgainstReference::above, fmt::format("The loss is not finite at update {:.0f}.", now)};
  const double mean = sum / static_cast<double>(count), at = middle / static_cast<double>(count);
  const double low = interpolate(curve.update, curve.low, at),
               high = interpolate(curve.update, curve.high, at);
  ReferenceVerdict verdict;
  verdict.where = mean > high  ? AgainstReference::above
                  : mean < low ? AgainstReference::below
                               : AgainstReference::inside;
  const char* words = mean > high ? "above" : mean < low ? "below" : "inside";
  verdict.sentence = fmt::format("Loss {:.4g} at update {:.0f} is {} the reference band ({:.4g} to {:.4g}).",
                                 mean, now, words, low, high);
  return verdict;
}

}  // namespace d2v
