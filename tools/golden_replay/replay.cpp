#include "replay.h"

#include <map>
#include <set>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "d2v/base/check.h"
#include "d2v/model/losses.h"
#include "d2v/model/objective.h"
#include "d2v/train/optimizer.h"
#include "d2v/train/schedules.h"

namespace d2v::golden {

namespace {

// The recorded masks as the index lists that the pipeline would have made.
DeviceBatch make_batch(const Case& recorded) {
  const at::Tensor mask = recorded.at("input.mask");  // (B, M, T), 1 = masked
  const int64_t batch = mask.size(0), clones = mask.size(1);
  const int64_t masked = mask[0][0].sum().item<int64_t>();
  // A stable sort of the 0/1 mask lists the visible positions first, both in increasing order.
  const at::Tensor order =
      std::get<1>(at::sort(mask.to(at::kInt), /*stable=*/std::optional<bool>(true), /*dim=*/-1));
  DeviceBatch out;
  out.input = recorded.at("input.x");
  out.visible = order.slice(2, 0, mask.size(2) - masked).contiguous().view({batch, clones, -1});
  out.masked = order.slice(2, mask.size(2) - masked).contiguous().view({batch, clones, -1});
  for (int64_t b = 0; b < batch; ++b) out.refs.push_back({static_cast<uint64_t>(b), 0});
  return out;
}

// Copies `prefix`<name> into the arena for every parameter that the arena holds.
void load(const Case& recorded, const std::string& prefix, const ParameterLayout& layout,
          const at::Tensor& arena) {
  for (const Parameter& p : layout.all()) {
    if (p.offset >= arena.size(0)) continue;
    const at::Tensor& value = recorded.at(prefix + p.name);
    check<DataError>(value.sizes() == at::IntArrayRef(p.shape), "{}: {}{} has another shape than the model's",
                     recorded.name, prefix, p.name);
    view_of(arena, p).copy_(value);
  }
}

// Every recorded parameter must exist in the model, or the comparison would pass by leaving something out.
void check_names(const Case& recorded, const ParameterLayout& layout) {
  for (const auto& [name, value] : recorded.tensors)
    if (name.rfind("param.", 0) == 0)
      check<DataError>(layout.find(name.substr(6)) != nullptr, "{}: the model has no parameter {}",
                       recorded.name, name.substr(6));
}

// Weight decay as the case has it: `no_weight_decay` must be what the layout says.
void check_decay(const Case& recorded, const ParameterLayout& layout) {
  const auto list = recorded.settings.at("no_weight_decay").get<std::set<std::string>>();
  for (const Parameter& p : layout.all())
    if (p.trainable)
      check<DataError>(p.decay == !list.contains(p.name), "{}: weight decay of {} should be {}",
                       recorded.name, p.name, list.contains(p.name) ? "off" : "on");
}

struct Stages {
  std::vector<std::string> order;
  std::map<std::string, at::Tensor> values;
};

void compare_first_step(const Case& recorded, const Stages& stages, const StepOutput& out,
                        Objective& objective, Comparison& comparison) {
  const double size = static_cast<double>(out.sample_size);
  for (const std::string& stage : stages.order)
    if (recorded.has(stage)) comparison.add(stage, stages.values.at(stage), recorded.at(stage));
  for (const auto& [name, value] : recorded.tensors)
    if (name.rfind("stage.", 0) == 0)
      check<DataError>(stages.values.contains(name), "{}: the replay made no {}", recorded.name, name);

  comparison.add("loss.total", out.loss.detach(), recorded.at("loss.total"));
  comparison.add("loss.reported", out.loss.detach() / size, recorded.at("loss.reported"));
  for (const Monitored& part : out.parts)
    comparison.add("loss." + part.name, part.value / size, recorded.at("loss." + part.name));
  comparison.add_scalar("loss.sample_size", size, recorded.at("loss.sample_size").item<double>());
  comparison.add_scalar("monitor.target_var", mean_deviation(out.target_moments),
                        recorded.at("monitor.target_var").item<double>());
  comparison.add_scalar("monitor.pred_var", mean_deviation(out.prediction_moments),
                        recorded.at("monitor.pred_var").item<double>());
  for (const Parameter& p : objective.layout().all())
    if (recorded.has("grad." + p.name))
      comparison.add("grad." + p.name, view_of(objective.gradients(), p) / size,
                     recorded.at("grad." + p.name));
}

}  // namespace

Comparison replay(const Case& recorded, Precision precision) {
  const Config config = to_config(recorded);
  const std::unique_ptr<Objective> objective = make_objective(config, precision);
  const ParameterLayout& layout = objective->layout();
  check_names(recorded, layout);
  check_decay(recorded, layout);
  load(recorded, "param.", layout, objective->weights());
  load(recorded, "ema.", layout, objective->teacher());
  objective->weights_changed();

  const DeviceBatch batch = make_batch(recorded);
  const int64_t masked = batch.masked.numel();
  Comparison comparison(precision == Precision::bf16);
  AdamState adam(layout);
  const int64_t run = config.run.updates.resolve(1, 1);
  const CosineRate rate{config.optim.lr, config.optim.min_lr, config.optim.warmup.resolve(1, run), run};
  const EmaDecay ema{config.ema.decay, config.ema.end_decay, config.ema.anneal.resolve(1, run)};

  for (int64_t step = 0; step < recorded.settings.at("steps").get<int64_t>(); ++step) {
    Stages stages;
    Trace trace;
    trace.decoder_noise = recorded.at("input.decoder_noise");
    trace.record = [&](const std::string& stage, const at::Tensor& value) {
      stages.order.push_back("stage." + stage);
      stages.values["stage." + stage] = value.clone();
    };
    objective->zero_gradients();
    const StepKey key{1, step, 0, batch.input.size(0), masked};
    const StepOutput out = objective->forward(batch, key, &trace);
    objective->backward(out.loss, 1.0);
    if (step == 0) compare_first_step(recorded, stages, out, *objective, comparison);

    const StepSettings settings{learning_rate(rate, step), ema_decay(ema, step + 1),
                                1.0 / static_cast<double>(out.sample_size)};
    const StepReport report =
        optimizer_step(layout, config.optim, settings,
                       {objective->weights(), objective->gradients(), objective->teacher()}, adam);
    objective->weights_changed();

    const std::string prefix = fmt::format("step{}.", step + 1);
    const auto scalar = [&](const std::string& name) { return recorded.at(prefix + name).item<double>(); };
    comparison.add_scalar(prefix + "loss", out.loss.item<double>() / static_cast<double>(out.sample_size),
                          scalar("loss"));
    comparison.add_scalar(prefix + "grad_norm", report.gradient_norm, scalar("grad_norm"));
    comparison.add_scalar(prefix + "lr", settings.lr, scalar("lr"));
    comparison.add_scalar(prefix + "ema_decay", settings.ema_decay, scalar("ema_decay"));
    comparison.add_scalar("step_lr." + std::to_string(step + 1), settings.lr,
                          recorded.settings.at("step_lr").at(step));
    comparison.add_scalar("step_ema_decay." + std::to_string(step + 1), settings.ema_decay,
                          recorded.settings.at("step_ema_decay").at(step));
  }

  for (const Parameter& p : layout.all()) {
    if (recorded.has("after.param." + p.name))
      comparison.add("after.param." + p.name, view_of(objective->weights(), p),
                     recorded.at("after.param." + p.name));
    if (recorded.has("after.ema." + p.name))
      comparison.add("after.ema." + p.name, view_of(objective->teacher(), p),
                     recorded.at("after.ema." + p.name));
  }
  return comparison;
}

}  // namespace d2v::golden
