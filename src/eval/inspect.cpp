#include "d2v/eval/inspect.h"

#include <algorithm>
#include <array>
#include <vector>

#include "d2v/base/check.h"
#include "d2v/pipeline/masks.h"

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

}  // namespace

std::string parameter_table(const ParameterLayout& layout, const Config& config) {
  std::vector<std::array<std::string, 6>> rows{
      {"parameter", "shape", "elements", "trained", "teacher", "decay"}};
  int64_t all = 0, trained = 0, averaged = 0, decayed = 0;
  for (const Parameter& p : layout.all()) {
    const bool decays = p.trainable && config.optim.weight_decay > 0 && (p.decay || config.optim.decay_all);
    rows.push_back({p.name, fmt::format("({})", fmt::join(p.shape, ", ")), grouped(p.count),
                    p.trainable ? "yes" : "no", teacher_text(p.teacher), decays ? "yes" : "no"});
    all += p.count;
    trained += p.trainable ? p.count : 0;
    averaged += p.teacher == TeacherRule::averaged ? p.count : 0;
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
             "\n{} parameters, {} elements; trained {}, averaged by the teacher {}, with weight decay {}\n",
             layout.all().size(), grouped(all), grouped(trained), grouped(averaged), grouped(decayed));
}

std::string token_summary(const Config& config) {
  const MaskPlan plan = plan_masks(config.mask, image_grid(config.image));
  const int64_t extra = config.model.extra_tokens, positions = plan.grid.positions(),
                clones = config.mask.clones;
  return fmt::format(
      "{0} px / patch {1}: {2} x {3} = {4} patches, {5} extra token{6}\n"
      "teacher: {7} tokens of each sample, once\n"
      "student: {8} tokens of each of {9} masked versions ({10} of {4} patches are hidden, {11:.1f} %)\n"
      "an update of {12} samples: {13} student tokens, {14} predicted positions\n",
      config.image.size, config.image.patch, plan.grid.rows, plan.grid.columns, positions, extra,
      extra == 1 ? "" : "s", extra + positions, extra + plan.visible, clones, plan.masked,
      100.0 * static_cast<double>(plan.masked) / static_cast<double>(positions), config.data.batch,
      grouped(config.data.batch * clones * (extra + plan.visible)),
      grouped(config.data.batch * clones * plan.masked));
}

}  // namespace d2v
