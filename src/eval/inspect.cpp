#include "d2v/eval/inspect.h"

#include <algorithm>
#include <array>
#include <vector>

#include "d2v/base/check.h"
#include "d2v/eval/costs.h"

namespace d2v {

namespace {

const char* teacher_text(TeacherRule rule) {
  switch (rule) {
    case TeacherRule::averaged:
      return "averaged";
    case TeacherRule::copied:
      return "copied";
    case TeacherRule::absent:
      return "-";
  }
  return "";
}

std::string grouped(int64_t number) {
  const std::string digits = std::to_string(number);
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

const char* unit_of(Modality modality) {
  switch (modality) {
    case Modality::image:
    case Modality::spectrogram:
      return "patches";
    case Modality::speech:
      return "frames";
    case Modality::text:
      return "tokens";
  }
  return "";
}

std::string input_text(const Config& config, const SampleTokens& tokens) {
  const MaskGrid& grid = tokens.plan.grid;
  switch (config.model.modality) {
    case Modality::image:
      return fmt::format("{} px / patch {}: {} x {} = {} patches", config.image.size, config.image.patch,
                         grid.rows, grid.columns, grid.positions());
    case Modality::speech:
      return fmt::format("the longest sample, {:g} s = {} at {} Hz: {} frames", config.speech.max_seconds,
                         grouped(tokens.inputs), config.speech.sample_rate, grid.positions());
    case Modality::spectrogram: {
      const SpectrogramConfig& s = config.spectrogram;
      return fmt::format("{} frames of {:g} ms ({:.2f} s), {} mel bins / patch {}: {} x {} = {} patches",
                         s.frames, 1000 * s.hop_seconds, static_cast<double>(s.frames) * s.hop_seconds,
                         s.bins, s.patch, grid.rows, grid.columns, grid.positions());
    }
    case Modality::text:
      return fmt::format("a block of {} tokens", tokens.inputs);
  }
  return "";
}

}  // namespace

std::string parameter_table(const ParameterLayout& layout, const Config& config) {
  std::vector<std::array<std::string, 6>> rows{
      {"parameter", "shape", "elements", "trained", "teacher", "decay"}};
  int64_t all = 0, trained = 0, averaged = 0, copied = 0, decayed = 0;
  for (const Parameter& p : layout.all()) {
    const bool decays = p.trainable && config.optim.weight_decay > 0 && (p.decay || config.optim.decay_all);
    rows.push_back({p.name, fmt::format("({})", fmt::join(p.shape, ", ")), grouped(p.count),
                    p.trainable ? "yes" : "no", teacher_text(p.teacher), decays ? "yes" : "no"});
    all += p.count;
    trained += p.trainable ? p.count : 0;
    averaged += p.teacher == TeacherRule::averaged ? p.count : 0;
    copied += p.teacher == TeacherRule::copied ? p.count : 0;
    decayed += decays ? p.count : 0;
  }
  std::array<size_t, 6> width{};
  for (const auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  std::string out;
  for (const auto& row : rows)
    out += fmt::format("{:<{}}  {:<{}}  {:>{}}  {:<{}}  {:<{}}  {}\n", row[0], width[0], row[1], width[1],
                       row[2], width[2], row[3], width[3], row[4], width[4], row[5]);
  return out +
         fmt::format(
             "\n{} parameters, {} elements; trained {}, teacher {} (averaged {}, copied {}), with weight "
             "decay {}\n",
             layout.all().size(), grouped(all), grouped(trained), grouped(averaged + copied),
             grouped(averaged), grouped(copied), grouped(decayed));
}

std::string token_summary(const Config& config) {
  const SampleTokens tokens = sample_tokens(config);
  const MaskPlan& plan = tokens.plan;
  const int64_t positions = plan.grid.positions(), update = samples_per_update(config);
  const char* unit = unit_of(config.model.modality);
  std::string out = fmt::format("{}, {} extra token{}\n", input_text(config, tokens), tokens.extra,
                                tokens.extra == 1 ? "" : "s");
  out += tokens.teacher > 0 ? fmt::format("teacher: {} tokens of each sample, once\n", tokens.teacher)
                            : "teacher: none\n";
  const double share = 100.0 * static_cast<double>(plan.masked) / static_cast<double>(positions);
  const char* what = config.model.objective == ObjectiveKind::data2vec1 ? "replaced" : "hidden";
  out += fmt::format("student: {} tokens of each of {} masked version{} ({} of {} {} are {}, {:.1f} %)\n",
                     tokens.student, tokens.clones, tokens.clones == 1 ? "" : "s", plan.masked, positions,
                     unit, what, share);
  return out + fmt::format("an update of {} samples: {} student tokens, {} predicted positions\n", update,
                           grouped(update * tokens.clones * tokens.student),
                           grouped(update * tokens.clones * plan.masked));
}

std::string flops_table(const Config& config) {
  const std::vector<PartCost> parts = sample_costs(config);
  double forward = 0, training = 0;
  for (const PartCost& part : parts) {
    forward += part.forward;
    training += training_flops(part);
  }
  std::string out =
      fmt::format("{:<24}  {:>9}  {:>13}  {:>6}\n", "GFLOP per sample", "forward", "with backward", "share");
  const auto row = [&](const std::string& name, double one, double all) {
    out += fmt::format("{:<24}  {:>9.2f}  {:>13.2f}  {:>4.1f} %\n", name, one / 1e9, all / 1e9,
                       100 * all / training);
  };
  for (const PartCost& part : parts) row(part.part, part.forward, training_flops(part));
  row("all", forward, training);
  const auto samples = static_cast<double>(samples_per_update(config));
  out += fmt::format("an update: {:.4g} TFLOP", samples * training / 1e12);
  if (config.run.updates.unit == Length::Unit::updates)
    out += fmt::format(", the run of {} updates: {:.4g} EFLOP", config.run.updates.value,
                       samples * training * config.run.updates.value / 1e18);
  return out + "\n";
}

std::string memory_summary(const ParameterLayout& layout, const Config& config) {
  constexpr double mb = 1e6;
  double kept = 0;
  for (const PartCost& part : sample_costs(config)) kept += part.kept;
  const int64_t update = samples_per_update(config);
  const int64_t pass = (update + config.run.accumulate - 1) / config.run.accumulate;
  const auto student = static_cast<double>(layout.size()),
             teacher = static_cast<double>(layout.teacher_size());
  const double fp32 = 4 * (4 * student + teacher);    // weights, gradients, two moments; teacher
  const double copies = 2 * (2 * student + teacher);  // weights, gradients; teacher
  const auto of_pass = static_cast<double>(pass) * kept;
  return fmt::format(
      "memory, estimated: weights, gradients, moments and teacher {:.0f} MB (bf16: {:.0f} MB more)\n"
      "activations: {:.1f} MB of a sample, {:.0f} MB of a pass of {} samples in fp32; half of that in bf16\n",
      fp32 / mb, copies / mb, 4 * kept / mb, 4 * of_pass / mb, pass);
}

}  // namespace d2v
