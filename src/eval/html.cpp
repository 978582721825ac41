#include "d2v/eval/html.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace d2v {

namespace {

constexpr std::string_view style = R"css(
:root { color-scheme: light dark; --text: #1c2430; --muted: #5b6675; --page: #fbfbfa; --card: #ffffff; --line: #e2e5e9;
  --grid: #d5d9de; --band: rgba(37, 99, 168, .17); --accent: #2563a8; --good: #1b7f4d; --warn: #b45309;
  --curve-0: #2563a8; --curve-1: #c2550a; --curve-2: #1b7f4d; --curve-3: #8b3fa0; --curve-4: #a3762a;
  --curve-5: #0b7f8c; --curve-6: #b0305c; --curve-7: #aeb6c1; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e7eb; --muted: #9aa5b3; --page: #14171c; --card: #1b2027;
  --line: #2d343d; --grid: #343c47; --band: rgba(109, 179, 242, .2); --accent: #6db3f2; --good: #5cc98d;
  --warn: #f2b45c; --curve-0: #6db3f2; --curve-1: #f2995c; --curve-2: #5cc98d; --curve-3: #c792e0;
  --curve-4: #dcb266; --curve-5: #4fc3cf; --curve-6: #ef7ba3; --curve-7: #586372; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 40px 0 12px; }
h3 { font-size: 15px; margin: 0 0 8px; }
p { margin: 8px 0; max-width: 80ch; }
.muted, figcaption { color: var(--muted); }
code { font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(155px, 1fr)); gap: 12px; margin: 20px 0; }
.tile, figure, .card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.tile { padding: 10px 14px; }
.tile b { display: block; font-size: 18px; white-space: nowrap; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile span { color: var(--muted); font-size: 13px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 16px; }
figure { margin: 0; padding: 14px 16px 10px; min-width: 0; }
figure.wide { margin: 0 0 16px; }
figure svg { display: block; width: 100%; height: auto; }
figure img { display: block; max-width: 100%; height: auto; border-radius: 4px; }
figcaption { font-size: 13px; margin-top: 8px; }
figcaption code { display: block; margin-top: 2px; color: var(--muted); font-size: 11.5px; }
.strip { display: grid; grid-template-columns: minmax(0, 720px) minmax(140px, 1fr); gap: 4px 16px; align-items: center;
  margin: 6px 0; }
.strip span { font-size: 13px; color: var(--muted); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
th { text-align: left; font-weight: 600; color: var(--muted); font-size: 12.5px; }
th, td { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; padding-right: 24px; }
tr.group td { border-top: 2px solid var(--line); }
.changed { font-weight: 600; color: var(--accent); }
.good { color: var(--good); } .warn { color: var(--warn); }
.card { padding: 12px 16px; }
ul.notes { margin: 0; list-style: none; padding: 8px 16px; }
ul.notes li { padding: 4px 0; }
ul.notes b { font-variant-numeric: tabular-nums; font-weight: 600; margin-right: 8px; }
details summary { cursor: pointer; color: var(--accent); }
@media (max-width: 640px) { main { padding: 20px 14px 40px; } .strip { grid-template-columns: 1fr; } }
@media print { body { background: none; } figure, .tile { break-inside: avoid; } }
)css";

std::string base64(std::string_view bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t j = 0; j < 3; ++j) group = group << 8 | (j < count ? static_cast<uint8_t>(bytes[i + j]) : 0u);
    for (size_t j = 0; j < 4; ++j) out += j <= count ? digits[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

}  // namespace

std::string html_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string data_uri(std::string_view mime, std::string_view bytes) {
  return fmt::format("data:{};base64,{}", mime, base64(bytes));
}

std::string html_figure(std::string_view heading, std::string_view content, std::string_view caption,
                        std::string_view command) {
  return fmt::format("<figure><h3>{}</h3>\n{}\n<figcaption>{}<code>{}</code></figcaption></figure>\n",
                     html_escape(heading), content, html_escape(caption), html_escape(command));
}

std::string html_table(const std::vector<std::string>& header,
                       const std::vector<std::vector<std::string>>& rows,
                       const std::vector<size_t>& numeric) {
  const auto kind = [&](size_t column) {
    return std::find(numeric.begin(), numeric.end(), column) != numeric.end() ? " class=\"n\"" : "";
  };
  std::string out = "<div class=\"scroll\"><table><thead><tr>";
  for (size_t c = 0; c < header.size(); ++c) out += fmt::format("<th{}>{}</th>", kind(c), header[c]);
  out += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    // An empty first cell continues the group above.
    out += &row != &rows.front() && !row.empty() && !row[0].empty() && rows.front().size() > 3
               ? "<tr class=\"group\">"
               : "<tr>";
    for (size_t c = 0; c < row.size(); ++c) out += fmt::format("<td{}>{}</td>", kind(c), row[c]);
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string html_page(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n"
      "<style>{}</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n",
      html_escape(title), style, body);
}

}  // namespace d2v
