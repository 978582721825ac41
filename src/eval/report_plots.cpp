// The curves of a report.
#include <algorithm>
#include <cmath>

#include "d2v/base/check.h"
#include "d2v/eval/html.h"
#include "d2v/eval/report.h"

namespace d2v {

namespace {

constexpr size_t most_points = 1200, calm_points = 100, points_per_mean = 8;

// Long runs log more points than a plot has pixels.
Series thinned(const Series& series, double last_update) {
  return series.update.size() <= most_points
             ? series
             : window_means(series, last_update, static_cast<int>(most_points));
}

struct Panel {
  std::string name, heading, y_label, caption;
  struct Line {
    std::string metric, label;
    std::string alone;  // heading of a figure with this line only
    bool second_axis = false;
  };
  std::vector<Line> lines;
  std::string second_y_label{};
};

// What is drawn of a run beside its loss. The names are those of metrics.jsonl.
std::vector<Panel> panels() {
  return {
      {"parts",
       "Parts of the loss",
       "loss per masked position",
       "What the loss is the sum of.",
       {{"loss_regression", "regression", "Regression loss"},
        {"loss_cls", "CLS token", "Loss of the CLS token"},
        {"loss_recon", "reconstruction", "Reconstruction loss"}}},
      {"deviation",
       "Spread of targets and predictions",
       "standard deviation",
       "Mean over channels of the deviation over masked positions. Falling towards 0 means collapse.",
       {{"target_var", "targets", "Spread of targets"},
        {"pred_var", "predictions", "Spread of predictions"},
        {"local_var", "local encoder", "Spread of the local encoder's output"}}},
      {"rank",
       "Effective rank",
       "effective rank",
       "Exponential of the entropy of the singular values: how many directions the features use.",
       {{"target_rank", "targets", "Effective rank of targets"},
        {"local_rank", "local encoder", "Effective rank of the local encoder's output"}}},
      {"schedule",
       "Learning rate and EMA decay",
       "learning rate",
       "Left axis: learning rate. Right axis: decay of the teacher.",
       {{"lr", "learning rate", "Learning rate"}, {"ema_decay", "EMA decay", "EMA decay", true}},
       "EMA decay"},
      {"throughput",
       "Throughput",
       "samples / s",
       "Left axis: samples per second. Right axis: masked views per second.",
       {{"samples_per_second", "samples / s", "Samples per second"},
        {"views_per_second", "masked views / s", "Masked views per second", true}},
       "masked views / s"},
      {"stall",
       "Waiting for data",
       "% of the time",
       "Share of the time that the trainer waited for the pipeline.",
       {{"stall_pct", "stall", "Waiting for data"}}},
      {"gradient",
       "Gradient norm",
       "global L2 norm",
       "Before clipping.",
       {{"gradient_norm", "gradient norm", "Gradient norm"}}},
  };
}

bool spans_decades(const std::vector<Curve>& curves) {
  double low = INFINITY, high = 0;
  for (const Curve& curve : curves)
    for (const double v : curve.series.value)
      if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
  return low > 0 && high > 30 * low;
}

std::string drawn(const Plot& plot, const std::string& heading, const std::string& caption,
                  const ReportSettings& settings) {
  return html_figure(heading, plot_svg(plot, *settings.gnuplot), caption, settings.command);
}

std::string loss_figure(const std::vector<RunRecord>& runs, const ReportSettings& settings) {
  Plot plot{.name = "loss", .y_label = "loss per masked position"};
  std::string caption = "Mean loss of the masked positions";
  const bool single = runs.size() == 1;
  for (size_t r = 0; r < runs.size(); ++r) {
    const RunMetrics& metrics = runs[r].metrics;
    const Series& loss = metrics.series("loss");
    if (loss.empty()) continue;
    const size_t means = std::min(calm_points, loss.update.size() / points_per_mean);
    if (single && means >= points_per_mean) {
      plot.curves.push_back({"logged", thinned(loss, metrics.last_update()), 7});
      plot.curves.push_back({"mean", window_means(loss, metrics.last_update(), static_cast<int>(means)), 0});
    } else {
      plot.curves.push_back(
          {single ? "training" : runs[r].name, thinned(loss, metrics.last_update()), static_cast<int>(r)});
    }
    const Series& valid = metrics.series("valid_loss");
    if (single && !valid.empty()) plot.curves.push_back({"held out", valid, 1});
  }
  if (plot.curves.empty()) return {};
  if (single && runs[0].reference &&
      not_compared(*runs[0].reference, planned_updates(runs[0]),
                   run_conditions(*runs[0].config, runs[0].data))
          .empty()) {
    const ReferenceCurve& band = *runs[0].reference;
    plot.bands.push_back({"reference (three seeds)", band.update, band.low, band.high});
    caption += ", over the band that runs of this recipe with other seeds stay in";
  }
  plot.log_y = spans_decades(plot.curves);
  return drawn(plot, "Loss", caption + ".", settings);
}

std::string panel_figure(const Panel& panel, const RunRecord& run, const ReportSettings& settings) {
  Plot plot{.name = panel.name, .y_label = panel.y_label, .second_y_label = panel.second_y_label};
  int colour = 0;
  for (const Panel::Line& line : panel.lines) {
    const Series& series = run.metrics.series(line.metric);
    if (run.metrics.last(line.metric))
      plot.curves.push_back(
          {line.label, thinned(series, run.metrics.last_update()), colour, line.second_axis});
    ++colour;
  }
  // A single part is the loss itself, which has its figure.
  if (plot.curves.empty() || (panel.name == "parts" && plot.curves.size() == 1)) return {};
  return drawn(plot, panel.heading, panel.caption, settings);
}

// Of several runs each metric has a figure of its own, with a curve per run.
std::string overlay_figure(const Panel& panel, const Panel::Line& line, const std::vector<RunRecord>& runs,
                           const ReportSettings& settings) {
  Plot plot{.name = line.metric, .y_label = line.second_axis ? panel.second_y_label : panel.y_label};
  for (size_t r = 0; r < runs.size(); ++r)
    if (runs[r].metrics.last(line.metric))
      plot.curves.push_back({runs[r].name,
                             thinned(runs[r].metrics.series(line.metric), runs[r].metrics.last_update()),
                             static_cast<int>(r)});
  return plot.curves.empty() ? "" : drawn(plot, line.alone, "", settings);
}

}  // namespace

std::string plots_html(const std::vector<RunRecord>& runs, const ReportSettings& settings) {
  std::string out = "<h2>Curves</h2>\n";
  const bool measured =
      std::any_of(runs.begin(), runs.end(), [](auto& run) { return run.metrics.last_update() > 0; });
  if (!measured)
    return out +
           "<p class=\"card\">Nothing was logged yet: the first line of metrics.jsonl comes after "
           "run.log_every updates.</p>\n";
  if (!settings.gnuplot)
    return out +
           "<p class=\"card warn\">No plots: gnuplot was not found. Install it (Debian: <code>apt-get "
           "install "
           "gnuplot-nox</code>) and make the report again.</p>\n";
  out += "<div class=\"figures\">\n" + loss_figure(runs, settings);
  for (const Panel& panel : panels()) {
    if (runs.size() == 1) {
      out += panel_figure(panel, runs[0], settings);
    } else {
      for (const Panel::Line& line : panel.lines) out += overlay_figure(panel, line, runs, settings);
    }
  }
  return out + "</div>\n";
}

}  // namespace d2v
