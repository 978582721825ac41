#include "reference_watch.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "d2v/base/file.h"
#include "d2v/base/log.h"
#include "d2v/eval/reference_curve.h"
#include "d2v/eval/run_conditions.h"
#include "d2v/eval/run_metrics.h"
#include "d2v/train/pretrain.h"

namespace d2v {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kLooks = 20;
constexpr uint64_t kCurveLimit = 1 << 20;

struct Watch {
  std::optional<ReferenceCurve> curve;  // that the run compares with
  RunConditions run;
  Series loss;
  double updates = 0;
  int64_t every = 1;
};

void start(Watch& watch, const fs::path& recipe, const RunFolder& folder, const RunLengths& lengths) {
  const fs::path own = folder.path / "reference.tsv";
  const fs::path given = recipe.parent_path() / "reference" / recipe.stem().concat(".tsv");
  if (!recipe.empty() && !fs::exists(own) && fs::exists(given))
    write_file(own, read_file(given, kCurveLimit));
  if (!fs::exists(own)) return;
  watch.updates = static_cast<double>(lengths.updates);
  watch.run = run_conditions(config_of_run(folder.path), folder.data);
  ReferenceCurve curve = read_reference(own);
  if (const std::string why = not_compared(curve, watch.updates, watch.run); !why.empty()) {
    log_info("health: {}", why);
    return;
  }
  watch.curve = std::move(curve);
  watch.every = std::max<int64_t>(1, lengths.updates / kLooks);
  const fs::path metrics = folder.path / "metrics.jsonl";
  if (fs::exists(metrics)) watch.loss = RunMetrics::read(metrics).series("loss");
}

void look(Watch& watch, const Metrics& metrics) {
  if (!watch.curve) return;
  while (!watch.loss.empty() && watch.loss.update.back() >= static_cast<double>(metrics.update)) {
    watch.loss.update.pop_back();  // logged before a kill, after the checkpoint that the run went back to
    watch.loss.value.pop_back();
  }
  watch.loss.update.push_back(static_cast<double>(metrics.update));
  watch.loss.value.push_back(metrics.loss);
  if (metrics.update % watch.every != 0) return;
  const ReferenceVerdict verdict = against_reference(*watch.curve, watch.loss, watch.updates, watch.run);
  if (verdict.where != AgainstReference::not_comparable) log_info("health: {}", verdict.sentence);
}

}  // namespace

TrainObservers reference_watch(const fs::path& recipe) {
  auto watch = std::make_shared<Watch>();
  TrainObservers out;
  out.started = [=](const RunFolder& folder, const RunLengths& lengths) {
    start(*watch, recipe, folder, lengths);
  };
  out.updated = [=](const Metrics& metrics) { look(*watch, metrics); };
  return out;
}

}  // namespace d2v
