// Line plots as SVG, drawn by gnuplot in a process of its own.
//
// The SVG is meant to stand inline in an HTML page: it scales with the page, axes and text take the page's text
// colour (currentColor), and the curves take the page's CSS variables --curve-0 … --curve-7, so that the same
// plot reads on light and on dark.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace d2v {

// Values over updates; equal lengths, `update` increasing. Values may be NaN: the line has a gap there.
struct Series {
  std::vector<double> update;
  std::vector<double> value;
  bool empty() const { return update.empty(); }
};

struct Curve {
  std::string label;
  Series series;
  int colour = 0;            // index of the page's palette
  bool second_axis = false;  // on the right-hand axis
};

// A shaded region between two lines, drawn under the curves.
struct Band {
  std::string label;
  std::vector<double> update, low, high;
};

struct Plot {
  std::string name;  // letters, digits and underscores; unique within a page
  std::string y_label{};
  std::string second_y_label{};  // of the right-hand axis, where a curve uses it
  bool log_y = false;
  std::vector<Band> bands{};
  std::vector<Curve> curves{};
};

// Where gnuplot is, or nothing.
std::optional<std::string> find_gnuplot();

// The plot as an <svg> element. Throws Error with gnuplot's own words when it fails, UsageError when there is no
// point to draw.
std::string plot_svg(const Plot& plot, const std::string& gnuplot);

}  // namespace d2v
