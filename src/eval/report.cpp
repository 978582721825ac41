#include "d2v/eval/report.h"

#include <algorithm>
#include <cmath>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/base/recipe.h"
#include "d2v/eval/html.h"
#include "d2v/eval/probe_json.h"

namespace d2v {

namespace {

std::string tile(const std::string& value, const std::string& label) {
  return fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>\n", value, label);
}

std::string grouped(double number) {
  std::string digits = fmt::format("{:.0f}", number);
  for (int64_t i = static_cast<int64_t>(digits.size()) - 3; i > (number < 0 ? 1 : 0); i -= 3)
    digits.insert(static_cast<size_t>(i), "\u202f");
  return digits;
}

std::string tiles(const RunRecord& run) {
  const RunMetrics& metrics = run.metrics;
  std::string out = "<div class=\"tiles\">\n";
  const auto add = [&](const char* metric, const char* label, auto&& text) {
    if (const auto value = metrics.last(metric)) out += tile(text(*value), label);
  };
  const auto short_number = [](double v) { return fmt::format("{:.3g}", v); };
  out +=
      tile(fmt::format("{} / {}", grouped(metrics.last_update()), grouped(planned_updates(run))), "updates");
  add("samples", "samples seen", grouped);
  add("loss", "loss, last logged", short_number);
  add("valid_loss", "loss, held out", short_number);
  add("target_var", "spread of targets", short_number);
  add("pred_var", "spread of predictions", short_number);
  add("target_rank", "effective rank", short_number);
  add("samples_per_second", "samples / s", short_number);
  add("stall_pct", "waiting for data", [](double v) { return fmt::format("{:.1f} %", v); });
  return out + "</div>\n";
}

std::string notes_html(const RunRecord& run) {
  std::string out = "<h2>Health</h2>\n";
  if (run.reference) {
    const ReferenceVerdict verdict =
        against_reference(*run.reference, run.metrics.series("loss"), planned_updates(run),
                          run_conditions(*run.config, run.data));
    const bool good = verdict.where == AgainstReference::inside;
    out += fmt::format("<p class=\"{}\">{}</p>\n",
                       good                                                ? "good"
                       : verdict.where == AgainstReference::not_comparable ? "muted"
                                                                           : "warn",
                       html_escape(verdict.sentence));
  }
  if (run.notes.empty()) return out + "<p class=\"good\">No warnings.</p>\n";
  out += "<ul class=\"notes card\">\n";
  for (const RunNote& note : run.notes) {
    const std::string when = note.update >= 0 ? fmt::format("update {:.0f}", note.update) : note.time;
    out += fmt::format("<li><b>{}</b><span class=\"{}\">{}</span></li>\n", html_escape(when),
                       note.kind == "note" ? "" : "warn", html_escape(note.text));
  }
  return out + "</ul>\n";
}

std::string input_words(const Config& config) {
  const SpectrogramConfig& s = config.spectrogram;
  switch (config.model.modality) {
    case Modality::image:
      return fmt::format("{} px, patch {}", config.image.size, config.image.patch);
    case Modality::spectrogram:
      return fmt::format("{} frames, {} mel bins, patch {}", s.frames, s.bins, s.patch);
    default:
      return std::string(name_of(config.model.modality));
  }
}

std::string header(const std::vector<RunRecord>& runs) {
  if (runs.size() > 1) {
    std::string out = fmt::format("<h1>{} runs compared</h1>\n<p class=\"muted\">", runs.size());
    for (const RunRecord& run : runs)
      out += fmt::format("<code>{}</code><br>\n", html_escape(run.folder.string()));
    return out + "</p>\n";
  }
  const Config& c = *runs[0].config;
  return fmt::format(
      "<h1>{}</h1>\n<p class=\"muted\">{}, {}, width {}, {} blocks, {} masked views of each "
      "sample, "
      "{:.0f} % hidden, batch {}, seed {} · data <code>{}</code></p>\n{}",
      html_escape(runs[0].name), name_of(c.model.objective), input_words(c), c.model.dim,
      c.model.prenet_depth + c.model.depth, c.mask.clones, 100 * c.mask.prob, c.data.batch, c.run.seed,
      html_escape(c.data.path),
      runs[0].command.empty()
          ? ""
          : fmt::format("<p class=\"muted\">trained by <code>{}</code></p>\n", html_escape(runs[0].command)));
}

}  // namespace

std::string probe_html(const std::vector<RunRecord>& runs) {
  std::vector<std::vector<std::string>> rows;
  std::string sentences, commands;
  for (const RunRecord& run : runs) {
    if (run.probe_json.empty()) continue;
    const StoredProbe probe = parse_probe(run.probe_json, (run.folder / "probe.json").string());
    std::string group;
    for (const ProbeRow& row : probe.result.rows) {
      std::vector<std::string> cells{
          row.probe == group ? "" : row.probe,
          row.network,
          std::to_string(row.test.n),
          fmt::format("{:.1f} %", 100 * row.test.value),
          fmt::format("{:.1f} to {:.1f}", 100 * row.test.interval.low, 100 * row.test.interval.high),
          fold_range(row),
          fmt::format("{:.1f} %", 100 * row.test.balanced),
          row.layer,
          row.pooling,
          fmt::format("{:.1f}", row.seconds)};
      if (runs.size() > 1) cells[0] = html_escape(run.name) + (cells[0].empty() ? "" : " · " + cells[0]);
      if (runs.size() > 1 && row.probe == group) cells[0].clear();
      group = row.probe;
      rows.push_back(std::move(cells));
    }
    for (const std::string& sentence : probe_sentences(probe.result))
      sentences += fmt::format("<p>{}{}</p>\n", runs.size() > 1 ? html_escape(run.name) + ": " : "",
                               html_escape(sentence));
    sentences += fmt::format("<p class=\"muted\">{}; the test's largest class is {:.1f} %.</p>\n",
                             html_escape(probe_parts(probe.result)), 100 * probe.result.largest_class);
    commands += fmt::format("<code>{}</code>", html_escape(probe.command));
  }
  if (rows.empty())
    return "<h2>Probes</h2>\n<p class=\"card\">No probe yet: <code>d2v probe RUN --data.path DIR</code> "
           "writes one into the "
           "run folder.</p>\n";
  std::vector<std::string> head{"probe", "features", "n",     "accuracy", "95 % interval",
                                "folds", "balanced", "layer", "pooling",  "seconds"};
  std::vector<size_t> numeric{2, 3, 4, 5, 6, 9};
  constexpr int64_t fold_column = 5;
  if (std::all_of(rows.begin(), rows.end(), [](const auto& row) { return row[fold_column].empty(); })) {
    for (auto& row : rows) row.erase(row.begin() + fold_column);
    head.erase(head.begin() + fold_column);
    numeric = {2, 3, 4, 5, 8};
  }
  return "<h2>Probes of frozen features</h2>\n<figure class=\"wide\">" + html_table(head, rows, numeric) +
         sentences + "<figcaption>" + commands + "</figcaption></figure>\n";
}

std::string pictures_html(const RunRecord& run, const std::string& command) {
  std::string out;
  constexpr uint64_t limit = uint64_t{1} << 28;
  if (!run.masks.empty())
    out += "<h2>Masks</h2>\n<div>" +
           html_figure("What the student sees",
                       fmt::format("<img alt=\"pictures with their masks\" src=\"{}\">",
                                   data_uri("image/png", read_file(run.masks, limit))),
                       "Pictures of the data set with masks drawn over them; hidden patches are veiled.",
                       command) +
           "</div>\n";
  if (run.neighbours.empty()) return out;
  out += "<h2>Nearest neighbours</h2>\n<figure class=\"wide\">";
  for (const NeighbourStrip& strip : run.neighbours) {
    const auto same =
        std::count(strip.neighbour_classes.begin(), strip.neighbour_classes.end(), strip.query_class);
    out += fmt::format(
        "<div class=\"strip\"><img alt=\"a picture and its neighbours\" src=\"{}\"><span>{}</span></div>\n",
        data_uri("image/png", read_file(strip.picture, limit)),
        strip.query_class.empty()
            ? ""
            : fmt::format("{}: {} of {} of the same class", html_escape(strip.query_class), same,
                          strip.neighbour_classes.size()));
  }
  return out + fmt::format(
                   "<figcaption>Left: a picture; right of it the most similar other ones to the trained "
                   "teacher (cosine of "
                   "standardised features).<code>{}</code></figcaption></figure>\n",
                   html_escape(run.neighbours_command));
}

std::string configuration_html(const RunRecord& run) {
  std::vector<std::vector<std::string>> rows;
  for (const Option& option : run.options) {
    const std::string value = option.get();
    const bool changed = value != option.default_text;
    rows.push_back({fmt::format("<code>{}</code>", option.key),
                    fmt::format("<code{}>{}</code>", changed ? " class=\"changed\"" : "", html_escape(value)),
                    html_escape(option.help)});
  }
  return "<h2>Configuration</h2>\n<details><summary>All options; marked: not the default</summary>\n<div "
         "class=\"card\">" +
         html_table({"option", "value", "meaning"}, rows) + "</div></details>\n";
}

std::string differences_html(const std::vector<RunRecord>& runs) {
  std::vector<std::string> header{"option"};
  for (const RunRecord& run : runs) header.push_back(html_escape(run.name));
  std::vector<std::vector<std::string>> rows;
  for (size_t i = 0; i < runs[0].options.size(); ++i) {
    std::vector<std::string> row{fmt::format("<code>{}</code>", runs[0].options[i].key)};
    bool same = true;
    for (const RunRecord& run : runs) {
      row.push_back(fmt::format("<code>{}</code>", html_escape(run.options[i].get())));
      same = same && row.back() == row[1];
    }
    if (!same) rows.push_back(std::move(row));
  }
  std::string out = "<h2>Differences of the configurations</h2>\n";
  return rows.empty() ? out + "<p class=\"card\">None.</p>\n"
                      : out + "<div class=\"card\">" + html_table(header, rows) + "</div>\n";
}

std::string report_html(const std::vector<RunRecord>& runs, const ReportSettings& settings) {
  check(!runs.empty(), "a report needs a run");
  std::string body = header(runs);
  if (runs.size() == 1)
    body += tiles(runs[0]) + notes_html(runs[0]);
  else
    body += differences_html(runs);
  body += plots_html(runs, settings) + probe_html(runs);
  if (runs.size() == 1) body += pictures_html(runs[0], settings.command) + configuration_html(runs[0]);
  body += fmt::format("<p class=\"muted\">Made by <code>{}</code></p>\n", html_escape(settings.command));
  return html_page(runs.size() == 1 ? runs[0].name + " · d2v" : "runs compared · d2v", body);
}

}  // namespace d2v
