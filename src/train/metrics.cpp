#include "d2v/train/metrics.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "d2v/nn/aten.h"

namespace d2v {

Metrics read_metrics(const UpdateValues& values, bool measure_ranks) {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  const auto per_position = [&](const at::Tensor& sum) {
    return sum.item<double>() / static_cast<double>(values.sample_size);
  };
  const auto deviation_or_unknown = [](const at::Tensor& moments) {
    return moments.defined() ? deviation_of_moments(moments) : unknown;
  };
  Metrics m;
  m.update = values.update;
  m.loss = per_position(values.loss);
  m.lr = values.lr;
  m.ema_decay = values.ema_decay;
  for (const Monitored& part : values.parts) m.parts.emplace_back(part.name, per_position(part.value));
  const StepReport step = settled(values.step);
  m.gradient_norm = step.gradient_norm;
  m.clip_factor = step.clip_factor;
  m.skipped = step.skipped;
  m.masked_percent = 100.0 * static_cast<double>(values.sample_size) / static_cast<double>(values.positions);
  m.vitals = {.update = values.update,
              .loss = m.loss,
              .target_var = deviation_or_unknown(values.target_moments),
              .pred_var = deviation_or_unknown(values.prediction_moments),
              .target_rank = unknown,
              .local_rank = unknown,
              .local_var = unknown,
              .skipped = m.skipped};
  if (measure_ranks && values.targets.defined()) {
    m.vitals.target_rank = effective_rank(values.targets);
    m.vitals.rank_limit = static_cast<double>(std::min<int64_t>(256, values.targets.size(-1)));
  }
  if (measure_ranks && values.local_features.defined()) {
    m.vitals.local_rank = effective_rank(values.local_features);
    m.vitals.local_var = deviation(values.local_features);
  }
  return m;
}

std::vector<std::pair<std::string, double>> scalars(const Metrics& m) {
  std::vector<std::pair<std::string, double>> out{{"epoch", m.epoch}, {"loss", m.loss}};
  for (const auto& [name, value] : m.parts) out.emplace_back("loss_" + name, value);
  out.insert(out.end(), {{"lr", m.lr},
                         {"ema_decay", m.ema_decay},
                         {"gradient_norm", m.gradient_norm},
                         {"clip_factor", m.clip_factor},
                         {"masked_pct", m.masked_percent},
                         {"target_var", m.vitals.target_var},
                         {"pred_var", m.vitals.pred_var},
                         {"target_rank", m.vitals.target_rank},
                         {"local_rank", m.vitals.local_rank},
                         {"local_var", m.vitals.local_var},
                         {"samples_per_second", m.speed.samples_per_second},
                         {"views_per_second", m.speed.views_per_second},
                         {"stall_pct", m.speed.stall_percent}});
  if (m.loader) {
    for (size_t i = 0; i < kStageNames.size(); ++i)
      if (m.loader->percent[i] > 0)
        out.emplace_back(fmt::format("loader_{}_pct", kStageNames[i]), m.loader->percent[i]);
    out.emplace_back("loader_queue", m.loader->queue_depth);
    out.emplace_back("loader_mb_per_second", m.loader->megabytes_per_second);
  }
  if (m.held_out_loss) out.emplace_back("valid_loss", *m.held_out_loss);
  std::erase_if(out, [](const auto& entry) { return std::isnan(entry.second); });
  return out;
}

std::string to_json(const Metrics& m) {
  nlohmann::ordered_json line;
  line["update"] = m.update;
  line["samples"] = m.samples_seen;
  for (const auto& [name, value] : scalars(m)) line[name] = value;
  if (m.loader) line["bottleneck"] = m.loader->bottleneck;
  if (m.skipped) line["skipped"] = true;
  return line.dump();
}

}  // namespace d2v
