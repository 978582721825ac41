// report.html: what a run did, as one page that opens from disk without network.
//
// One run: state, key figures, loss over its reference band, variances, rank, learning rate and EMA, throughput and
// stall, health notes, mask preview, nearest neighbours, probe table, configuration. Several runs: their curves in
// common plots, their probes in one table, and what differs in their configurations.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "d2v/eval/run_record.h"

namespace d2v {

struct ReportSettings {
  std::string command;                 // that made this report: stands under the figures
  std::optional<std::string> gnuplot;  // nothing: the page says that plots need it
};

// The page. `runs` is not empty.
std::string report_html(const std::vector<RunRecord>& runs, const ReportSettings& settings);

// Parts of it, for report_html.
std::string plots_html(const std::vector<RunRecord>& runs, const ReportSettings& settings);
std::string probe_html(const std::vector<RunRecord>& runs);
std::string pictures_html(const RunRecord& run, const std::string& command);
std::string configuration_html(const RunRecord& run);
std::string differences_html(const std::vector<RunRecord>& runs);

}  // namespace d2v
