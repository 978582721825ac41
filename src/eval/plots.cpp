#include "d2v/eval/plots.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "d2v/base/check.h"
#include "d2v/eval/subprocess.h"

namespace d2v {

namespace {

constexpr int palette_size = 8;

// Stand-ins that gnuplot copies into the SVG and that are then replaced by CSS variables.
std::string stand_in(int colour) { return fmt::format("#{:02X}FE01", 0x10 + colour); }

struct TemporaryFolder {
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "d2v_plot_XXXXXX").string();
    check<StorageError>(mkdtemp(pattern.data()) != nullptr, "cannot make a folder in {}",
                        std::filesystem::temp_directory_path().string());
    path = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path path;
};

// In gnuplot's double quotes.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + "\"";
}

void write_columns(std::ostream& out, const std::vector<const std::vector<double>*>& columns) {
  for (size_t i = 0; i < columns[0]->size(); ++i) {
    for (const auto* column : columns) {
      if (std::isfinite((*column)[i]))
        out << fmt::format("{:.9g} ", (*column)[i]);
      else
        out << "NaN ";
    }
    out << '\n';
  }
  out << "\n\n";  // gnuplot: the end of a data set; `index` counts them
}

std::string script_of(const Plot& plot, const std::string& data) {
  const bool second =
      std::any_of(plot.curves.begin(), plot.curves.end(), [](auto& c) { return c.second_axis; });
  std::ostringstream out;
  out << "set terminal svg size 580,270 dynamic enhanced background rgb '#00FE00' font 'sans-serif,12' name "
      << quoted(plot.name) << "\n"
      << "unset bars\nset border 3 lw 0.7\nset tics nomirror scale 0.4\nset grid ytics lw 0.4 dt 1 lc rgb "
         "'#01FE01'\n"
      << "set datafile missing 'NaN'\nset xlabel 'update'\nset ylabel " << quoted(plot.y_label)
      << " noenhanced\n"
      << "set key outside above right horizontal reverse Left samplen 1.4 width 1 noenhanced\nset xtics "
         "autofreq\nset format x '%.0f'\n";
  if (plot.log_y) out << "set logscale y\n";
  if (second)
    out << "set border 11\nset y2tics\nset y2label " << quoted(plot.second_y_label) << " noenhanced\n";
  out << "plot ";
  int index = 0;
  const auto comma = [&] { return index == 0 ? "" : ", \\\n  "; };
  for (const Band& band : plot.bands) {
    out << comma() << quoted(data) << " index " << index
        << " using 1:2:3 with filledcurves fc rgb '#02FE01' fs solid noborder title " << quoted(band.label);
    ++index;
  }
  for (const Curve& curve : plot.curves) {
    const bool dot = curve.series.update.size() == 1;
    out << comma() << quoted(data) << " index " << index << " using 1:2 "
        << (curve.second_axis ? "axes x1y2 " : "") << (dot ? "with points pt 7 ps 0.5" : "with lines lw 1.8")
        << " lc rgb '" << stand_in(curve.colour % palette_size) << "' title " << quoted(curve.label);
    ++index;
  }
  out << "\n";
  return out.str();
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// gnuplot writes colours as 'rgb( 16, 254,   1)' or as hex, depending on the place.
void replace_colour(std::string& svg, int r, int g, int b, const std::string& css) {
  replace_all(svg, fmt::format("rgb({:3}, {:3}, {:3})", r, g, b), css);
  replace_all(svg, fmt::format("#{:02X}{:02X}{:02X}", r, g, b), css);
  replace_all(svg, fmt::format("#{:02x}{:02x}{:02x}", r, g, b), css);
}

std::string for_a_page(std::string svg, const std::string& name) {
  const size_t start = svg.find("<svg");
  check(start != std::string::npos, "gnuplot wrote no SVG");
  svg.erase(0, start);
  static const std::regex title(R"(<title>[^<]*</title>)");
  svg = std::regex_replace(svg, title, "", std::regex_constants::format_first_only);
  // Several plots stand in one page, so ids must differ.
  replace_all(svg, "id='gp", "id='" + name + "_gp");
  replace_all(svg, "'#gp", "'#" + name + "_gp");
  replace_all(svg, "id=\"gnuplot_", "id=\"" + name + "_");
  static const std::regex text_box(R"(<filter id='(textbox|greybox)'[\s\S]*?</filter>)");
  svg = std::regex_replace(svg, text_box, "");
  replace_colour(svg, 0x00, 0xFE, 0x00, "none");
  replace_colour(svg, 0x01, 0xFE, 0x01, "var(--grid)");
  replace_colour(svg, 0x02, 0xFE, 0x01, "var(--band)");
  for (int i = 0; i < palette_size; ++i)
    replace_colour(svg, 0x10 + i, 0xFE, 0x01, fmt::format("var(--curve-{})", i));
  replace_all(svg, "rgb(  0,   0,   0)", "currentColor");
  replace_all(svg, "\"black\"", "\"currentColor\"");
  replace_all(svg, "'black'", "'currentColor'");
  replace_all(svg, "color:black", "color:currentColor");
  // var() is not allowed in presentation attributes, only in style.
  static const std::regex attribute(R"re((stroke|fill|color)\s*=\s*(['"])(var\([^)]*\))\2)re");
  return std::regex_replace(svg, attribute, "style='$1:$3'");
}

}  // namespace

std::optional<std::string> find_gnuplot() { return find_program("gnuplot"); }

std::string plot_svg(const Plot& plot, const std::string& gnuplot) {
  const bool drawable = std::any_of(plot.curves.begin(), plot.curves.end(), [](const Curve& curve) {
    return std::any_of(curve.series.value.begin(), curve.series.value.end(),
                       [](double v) { return std::isfinite(v); });
  });
  check<UsageError>(drawable, "plot {}: no point to draw", plot.name);
  const TemporaryFolder folder;
  const std::string data = (folder.path / "data").string(), script = (folder.path / "script").string();
  {
    std::ofstream out(data);
    for (const Band& band : plot.bands) write_columns(out, {&band.update, &band.low, &band.high});
    for (const Curve& curve : plot.curves) write_columns(out, {&curve.series.update, &curve.series.value});
    std::ofstream(script) << "set output " << quoted((folder.path / "svg").string()) << "\n"
                          << script_of(plot, data);
  }
  const ProcessResult result = run_process({gnuplot, script});
  check(result.exit_code == 0, "plot {}: {} failed with exit code {}: {}", plot.name, gnuplot,
        result.exit_code, result.output);
  std::ifstream in(folder.path / "svg");
  return for_a_page({std::istreambuf_iterator<char>(in), {}}, plot.name);
}

}  // namespace d2v
