#include "replay.h"

#include <set>

#include <fmt/format.h>

#include "d2v/base/check.h"
#include "d2v/model/losses.h"
#include "d2v/model/objective.h"
#include "d2v/nn/aten.h"
#include "d2v/train/optimizer.h"
#include "d2v/train/schedules.h"
#include "recorded_step.h"

namespace d2v::golden {

namespace {

// Recorded name of a teacher's parameter. It is relative to what the reference keeps a copy of: the whole model, its
// shared blocks, or the encoder of data2vec 1.
std::string teacher_name(const Case& recorded, const std::string& name) {
  for (const std::string& kept : {std::string{}, std::string{"blocks."},
                                  std::string{"encoder.sentence_encoder."}, std::string{"encoder."}})
    if (name.rfind(kept, 0) == 0 && recorded.has("ema." + name.substr(kept.size())))
      return name.substr(kept.size());
  fail<DataError>("{}: the recorded teacher has no {}", recorded.name, name);
}

void load_into(const at::Tensor& arena, const Parameter& p, const at::Tensor& value, const Case& recorded) {
  check<DataError>(value.sizes() == at::IntArrayRef(p.shape), "{}: {} has another shape than the model's",
                   recorded.name, p.name);
  view_of(arena, p).copy_(value);
}

void load_weights(const Case& recorded, Objective& objective) {
  for (const Parameter& p : objective.layout().all()) {
    load_into(objective.weights(), p, recorded.at("param." + p.name), recorded);
    if (p.teacher != TeacherRule::absent)
      load_into(objective.teacher(), p, recorded.at("ema." + teacher_name(recorded, p.name)), recorded);
  }
  objective.weights_changed();
}

// Every recorded parameter must exist in the model, or the comparison would pass by leaving something out.
void check_names(const Case& recorded, const ParameterLayout& layout) {
  int64_t teachers = 0;
  for (const Parameter& p : layout.all()) teachers += p.teacher != TeacherRule::absent;
  for (const auto& [name, value] : recorded.tensors)
    if (name.rfind("param.", 0) == 0)
      check<DataError>(layout.find(name.substr(6)) != nullptr, "{}: the model has no parameter {}",
                       recorded.name, name.substr(6));
  for (const auto& [name, value] : recorded.tensors) teachers -= name.rfind("ema.", 0) == 0;
  check<DataError>(teachers == 0, "{}: the model's teacher has {} parameters {} than the recorded one",
                   recorded.name, std::abs(teachers), teachers > 0 ? "more" : "fewer");
}

// Weight decay as the case has it: `no_weight_decay` must be what the layout says; an empty list means optim.decay_all.
void check_decay(const Case& recorded, const ParameterLayout& layout) {
  if (recorded.settings.at("no_weight_decay").empty()) return;
  const auto list = recorded.settings.at("no_weight_decay").get<std::set<std::string>>();
  for (const Parameter& p : layout.all())
    if (p.trainable)
      check<DataError>(p.decay == !list.contains(p.name), "{}: weight decay of {} should be {}",
                       recorded.name, p.name, list.contains(p.name) ? "off" : "on");
}

// A recorded stage. The reference runs the blocks of data2vec 1 on speech on an even length: one padded frame at the
// end, unattended, is left out.
at::Tensor without_even_length(const Case& recorded, const std::string& stage, const at::Tensor& replayed) {
  const at::Tensor& value = recorded.at(stage);
  const bool longer = recorded.settings.at("method") == "data2vec1" &&
                      recorded.settings.at("modality") == "audio" && value.dim() == 3 &&
                      value.size(1) == replayed.size(1) + 1;
  return longer ? value.slice(1, 0, replayed.size(1)) : value;
}

void compare_first_step(const Case& recorded, const RecordedStep& step, Objective& objective,
                        Comparison& comparison) {
  const StepOutput& out = step.output;
  const double size = static_cast<double>(out.sample_size);
  for (const std::string& stage : step.order)
    if (recorded.has(stage))
      comparison.add(stage, step.stages.at(stage),
                     without_even_length(recorded, stage, step.stages.at(stage)));
  for (const auto& [name, value] : recorded.tensors)
    if (name.rfind("stage.", 0) == 0)
      check<DataError>(step.stages.contains(name), "{}: the replay made no {}", recorded.name, name);

  comparison.add("loss.total", out.loss.detach(), recorded.at("loss.total"));
  comparison.add("loss.reported", out.loss.detach() / size, recorded.at("loss.reported"));
  for (const Monitored& part : out.parts)
    comparison.add("loss." + part.name, part.value / size, recorded.at("loss." + part.name));
  comparison.add_scalar("loss.sample_size", size, recorded.at("loss.sample_size").item<double>());
  for (const auto& [name, moments] :
       {std::pair{"monitor.target_var", out.target_moments}, {"monitor.pred_var", out.prediction_moments}})
    if (recorded.has(name))
      comparison.add_scalar(name, mean_deviation(moments), recorded.at(name).item<double>());
  for (const Parameter& p : objective.layout().all())
    if (recorded.has("grad." + p.name))
      comparison.add("grad." + p.name, view_of(objective.gradients(), p) / size,
                     recorded.at("grad." + p.name));
}

}  // namespace

Comparison replay(const Case& recorded, Precision precision, DeviceKind device) {
  Config config = to_config(recorded);
  config.run.device = device;
  const std::unique_ptr<Objective> objective = make_objective(config, precision);
  const ParameterLayout& layout = objective->layout();
  check_names(recorded, layout);
  check_decay(recorded, layout);
  load_weights(recorded, *objective);

  Comparison comparison(precision == Precision::bf16);
  AdamState adam(layout, objective->weights().device());
  const int64_t run = config.run.updates.resolve(1, 1);
  const CosineRate rate{config.optim.lr, config.optim.min_lr, config.optim.warmup.resolve(1, run), run};
  const EmaDecay ema{config.ema.decay, config.ema.end_decay, config.ema.anneal.resolve(1, run)};

  for (int64_t step = 0; step < recorded.settings.at("steps").get<int64_t>(); ++step) {
    const RecordedStep done = run_step(recorded, *objective, step);
    const StepOutput& out = done.output;
    if (step == 0) compare_first_step(recorded, done, *objective, comparison);

    const StepSettings settings{learning_rate(rate, step), ema_decay(ema, step + 1),
                                1.0 / static_cast<double>(out.sample_size)};
    const StepReport report =
        settled(optimizer_step(layout, config.optim, settings,
                               {objective->weights(), objective->gradients(), objective->teacher()}, adam));
    objective->weights_changed();

    const std::string prefix = fmt::format("step{}.", step + 1);
    const auto scalar = [&](const std::string& name) { return recorded.at(prefix + name).item<double>(); };
    comparison.add_scalar(prefix + "loss", out.loss.item<double>() / static_cast<double>(out.sample_size),
                          scalar("loss"));
    comparison.add_scalar(prefix + "grad_norm", report.gradient_norm, scalar("grad_norm"));
    comparison.add_scalar(prefix + "lr", settings.lr, scalar("lr"));
    comparison.add_scalar("step_lr." + std::to_string(step + 1), settings.lr,
                          recorded.settings.at("step_lr").at(step));
    if (!objective->teacher().defined()) continue;
    comparison.add_scalar(prefix + "ema_decay", settings.ema_decay, scalar("ema_decay"));
    comparison.add_scalar("step_ema_decay." + std::to_string(step + 1), settings.ema_decay,
                          recorded.settings.at("step_ema_decay").at(step));
  }

  for (const Parameter& p : layout.all()) {
    if (recorded.has("after.param." + p.name))
      comparison.add("after.param." + p.name, view_of(objective->weights(), p),
                     recorded.at("after.param." + p.name));
    if (p.teacher != TeacherRule::absent)
      comparison.add("after.ema." + p.name, view_of(objective->teacher(), p),
                     recorded.at("after.ema." + teacher_name(recorded, p.name)));
  }
  return comparison;
}

}  // namespace d2v::golden
