// What a benchmark found, as JSON and as a comparison of two: figures, and the settings that they belong to.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "d2v/base/config.h"

namespace d2v {

struct BenchFigure {
  std::string name;  // "samples/s"
  double value = 0;
  std::string unit{};  // "GiB"; empty where the name says it
};

struct BenchReport {
  std::string bench;                            // "step", "loader", "masks", "checkpoint"
  std::map<std::string, std::string> settings;  // options as in a recipe, and what else must be the same
  std::vector<BenchFigure> figures;
  std::string details{};  // a JSON object with everything else; may be empty
};

// Every option of the recipe that a run's results depend on (run_conditions.h); only those whose names begin with `section`
// where it is not empty. Callers add what else must be the same: threads, precision, …
std::map<std::string, std::string> bench_settings(const Config& config, const std::string& section = "");

std::string bench_json(const BenchReport& report);

// Reads it back. `source` stands for the file in messages. Throws DataError where the text is no report.
BenchReport read_bench(const std::string& text, const std::string& source);

// Figures of both, their ratio, in the order of `after`; of figures that only one has there is none.
// Throws UsageError where they are other benchmarks, or where a setting differs: names the first keys with both values.
// A setting that only one names counts as its default, so that a report from before an option existed still compares.
std::string compare_benches(const BenchReport& before, const BenchReport& after);

}  // namespace d2v
