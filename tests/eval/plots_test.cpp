#include "d2v/eval/plots.h"

#include <limits>

#include "d2v/base/check.h"
#include "test_data.h"

#include "doctest.h"

using namespace d2v;

namespace {

const double gap = std::numeric_limits<double>::quiet_NaN();

Plot example_plot() {
  Plot plot{.name = "loss", .y_label = "loss \"per\" position"};
  plot.bands = {{"three seeds", {0, 100, 200}, {1.0, 0.5, 0.3}, {1.4, 0.8, 0.6}}};
  plot.curves = {{"this run", {{0, 100, 150, 200}, {1.2, 0.7, gap, 0.4}}, 0},
                 {"held out", {{200}, {0.5}}, 1}};
  return plot;
}

size_t occurrences(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a plot is one svg element in the page's colours") {
  const auto gnuplot = find_gnuplot();
  if (!gnuplot) D2V_SKIP("gnuplot is not installed");
  const std::string svg = plot_svg(example_plot(), *gnuplot);
  CHECK(svg.starts_with("<svg"));
  CHECK(occurrences(svg, "</svg>") == 1);
  for (const char* part :
       {"this run", "held out", "three seeds", "var(--curve-0)", "var(--curve-1)", "var(--band)"})
    CHECK_MESSAGE(svg.find(part) != std::string::npos, part);
  // No fixed black and no stand-in colour is left, and no element has two style attributes.
  for (const char* part : {"black", "FE01", "fe01", "254,", "00FE00", "00fe00"})
    CHECK_MESSAGE(svg.find(part) == std::string::npos, part);
  for (size_t at = svg.find('<'); at != std::string::npos; at = svg.find('<', at + 1))
    CHECK(occurrences(svg.substr(at, svg.find('>', at) - at), "style=") <= 1);
}

TEST_CASE("two plots of one page share no id") {
  const auto gnuplot = find_gnuplot();
  if (!gnuplot) D2V_SKIP("gnuplot is not installed");
  Plot other = example_plot();
  other.name = "rank";
  const std::string a = plot_svg(example_plot(), *gnuplot), b = plot_svg(other, *gnuplot);
  for (size_t at = a.find("id="); at != std::string::npos; at = a.find("id=", at + 1)) {
    const std::string id = a.substr(at, a.find(a[at + 3], at + 4) + 1 - at);
    CHECK_MESSAGE(b.find(id) == std::string::npos, id);
  }
}

TEST_CASE("a second axis has its own label") {
  const auto gnuplot = find_gnuplot();
  if (!gnuplot) D2V_SKIP("gnuplot is not installed");
  Plot plot = example_plot();
  plot.second_y_label = "decay of the teacher";
  plot.curves[1].second_axis = true;
  CHECK(plot_svg(plot, *gnuplot).find("decay of the teacher") != std::string::npos);
}

TEST_CASE("what gnuplot cannot do is an error with its words") {
  const auto gnuplot = find_gnuplot();
  if (!gnuplot) D2V_SKIP("gnuplot is not installed");
  CHECK_THROWS_WITH_AS(plot_svg(example_plot(), "/bin/false"), doctest::Contains("exit code 1"), Error);
  CHECK_THROWS_WITH_AS(plot_svg(example_plot(), "/no/such/gnuplot"), doctest::Contains("cannot run"), Error);
}

TEST_CASE("nothing to draw is an error before gnuplot is asked") {
  Plot plot{.name = "empty"};
  CHECK_THROWS_AS(plot_svg(plot, "/bin/false"), UsageError);
  plot.curves = {{"only gaps", {{1, 2}, {gap, gap}}, 0}};
  CHECK_THROWS_AS(plot_svg(plot, "/bin/false"), UsageError);
}
