// "What should my loss look like?" A recipe's reference curve: the loss of three runs with different seeds, as a band.
//
// File: recipes/reference/<recipe>.tsv. Comment lines start with '#', the first ones say what the curve was made
// from, others its data and settings (run_conditions.h); then a header line and `update mean low high`, separated by tabs.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "d2v/eval/plots.h"
#include "d2v/eval/run_conditions.h"

namespace d2v {

struct ReferenceCurve {
  std::vector<std::string> origin;  // comment lines: recipe, command, seeds
  double updates = 0;               // length of the runs it was made from
  std::vector<double> update, mean, low, high;
  RunConditions conditions{};  // of the runs it was made from; empty: the file does not say
};

// The band of several runs' losses, each averaged over `points` stretches of the run. Its half width is 4 sample
// deviations between the runs, pooled over 5 neighbouring points, and at least 2 % of the mean: three seeds alone say
// too little about a deviation. Throws UsageError for fewer than 2 runs or runs of different lengths.
ReferenceCurve make_reference(const std::vector<Series>& losses, double updates,
                              std::vector<std::string> origin, int points = 40);

// Throws DataError naming file and line where it is not such a file.
ReferenceCurve read_reference(const std::filesystem::path& file);
std::string write_reference(const ReferenceCurve& curve);

enum class AgainstReference { inside, above, below, not_comparable };
struct ReferenceVerdict {
  AgainstReference where = AgainstReference::not_comparable;
  std::string sentence;  // e.g. "Loss 0.412 at update 3000 is inside the reference band (0.398 to 0.431)."
};

// Why a run cannot be compared with the curve, a sentence: it has another planned length, other data or other settings.
// Empty: it can.
std::string not_compared(const ReferenceCurve& curve, double updates, const RunConditions& run);

// Where the loss stands now: its mean over the last stretch (as long as one of the curve's) against the band there.
// `updates` is the planned length of the run; runs of other conditions do not compare, and before the end of
// the first stretch there is nothing to say.
ReferenceVerdict against_reference(const ReferenceCurve& curve, const Series& loss, double updates,
                                   const RunConditions& run = {});

}  // namespace d2v
