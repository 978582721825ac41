#include "d2v/eval/probe_json.h"

#include <nlohmann/json.hpp>

#include "d2v/base/check.h"

namespace d2v {

namespace {

using nlohmann::ordered_json;

ordered_json row_json(const ProbeRow& row) {
  ordered_json out{{"probe", row.probe},
                   {"features", row.network},
                   {"n", row.test.n},
                   {"correct", row.test.correct},
                   {"accuracy", row.test.value},
                   {"low", row.test.interval.low},
                   {"high", row.test.interval.high},
                   {"balanced", row.test.balanced},
                   {"valid_accuracy", row.valid_accuracy},
                   {"layer", row.layer},
                   {"pooling", row.pooling},
                   {"seconds", row.seconds}};
  if (row.lambda) out["lambda"] = *row.lambda;
  for (const FoldAccuracy& fold : row.folds) {
    ordered_json one{{"fold", fold.fold},
                     {"n", fold.n},
                     {"correct", fold.correct},
                     {"accuracy", fold.value()},
                     {"layer", fold.layer}};
    if (fold.lambda) one["lambda"] = *fold.lambda;
    out["folds"].push_back(std::move(one));
  }
  return out;
}

ProbeRow row_of(const ordered_json& in) {
  ProbeRow row;
  row.probe = in.at("probe");
  row.network = in.at("features");
  row.test = {
      in.at("n"), in.at("correct"), in.at("accuracy"), {in.at("low"), in.at("high")}, in.at("balanced")};
  row.valid_accuracy = in.at("valid_accuracy");
  row.layer = in.at("layer");
  row.pooling = in.at("pooling");
  row.seconds = in.at("seconds");
  if (in.contains("lambda")) row.lambda = in.at("lambda").get<double>();
  for (const ordered_json& one : in.value("folds", ordered_json::array())) {
    FoldAccuracy fold{one.at("fold"), one.at("n"), one.at("correct"), one.at("layer"), {}};
    if (one.contains("lambda")) fold.lambda = one.at("lambda").get<double>();
    row.folds.push_back(std::move(fold));
  }
  return row;
}

}  // namespace

std::string probe_json(const StoredProbe& probe) {
  ordered_json out{{"command", probe.command},        {"checkpoint", probe.checkpoint},
                   {"update", probe.update},          {"data", probe.data},
                   {"samples", probe.result.samples}, {"train", probe.result.train},
                   {"valid", probe.result.valid},     {"test", probe.result.test},
                   {"classes", probe.result.classes}, {"largest_class", probe.result.largest_class},
                   {"rows", ordered_json::array()},   {"words", probe_sentences(probe.result)}};
  if (!probe.result.folds.empty()) out["folds"] = probe.result.folds;
  for (const ProbeRow& row : probe.result.rows) out["rows"].push_back(row_json(row));
  return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

StoredProbe parse_probe(const std::string& text, const std::string& source) {
  try {
    const ordered_json in = ordered_json::parse(text);
    StoredProbe probe{in.at("command"), in.at("checkpoint"), in.at("data"), in.at("update"), {}};
    probe.result.samples = in.value("samples", "pictures");
    probe.result.train = in.at("train");
    probe.result.valid = in.at("valid");
    probe.result.test = in.at("test");
    probe.result.classes = in.at("classes");
    probe.result.largest_class = in.at("largest_class");
    probe.result.folds = in.value("folds", std::vector<std::string>{});
    for (const ordered_json& row : in.at("rows")) probe.result.rows.push_back(row_of(row));
    return probe;
  } catch (const ordered_json::exception& error) {
    fail<DataError>("{}: not a probe table ({}); `d2v probe` writes it anew", source, error.what());
  }
}

}  // namespace d2v
