#include "recorded_step.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

namespace d2v::golden {

namespace {

struct Slice {
  DeviceBatch batch;
  Trace trace;
};

at::Tensor optional_rows(const Case& recorded, const char* name, int64_t first, int64_t end) {
  return recorded.has(name) ? recorded.at(name).slice(0, first, end) : at::Tensor();
}

at::Tensor lengths_of(const Case& recorded) {
  if (recorded.has("input.position_lengths")) return recorded.at("input.position_lengths");
  // data2vec 1 on text: in tokens, which are positions.
  if (!recorded.settings.contains("lengths")) return {};
  return at::tensor(recorded.settings.at("lengths").get<std::vector<int64_t>>(), at::kLong);
}

// Samples first … end, which have the same number of masked positions, with masks as the index lists that the pipeline
// would have made.
Slice make_slice(const Case& recorded, int64_t first, int64_t end) {
  const at::Tensor mask = recorded.at("input.mask").slice(0, first, end);  // (B, M, T), 1 = masked
  const int64_t clones = mask.size(1), visible = mask.size(2) - mask[0][0].sum().item<int64_t>();
  // A stable sort of the 0/1 mask lists the visible positions first, both in increasing order.
  const at::Tensor order =
      std::get<1>(at::sort(mask.to(at::kInt), /*stable=*/std::optional<bool>(true), /*dim=*/-1));
  Slice out;
  out.batch.input = recorded.at("input.x").slice(0, first, end);
  if (const at::Tensor lengths = lengths_of(recorded); lengths.defined())
    out.batch.lengths = lengths.slice(0, first, end);
  out.batch.visible = order.slice(2, 0, visible).contiguous();
  out.batch.masked = order.slice(2, visible).contiguous();
  for (int64_t b = first; b < end; ++b) out.batch.refs.push_back({static_cast<uint64_t>(b), 0});
  out.trace.decoder_noise = optional_rows(recorded, "input.decoder_noise", first * clones, end * clones);
  out.trace.positional_noise =
      optional_rows(recorded, "input.positional_noise", first * clones, end * clones);
  out.trace.masked_tokens = optional_rows(recorded, "input.masked_tokens", first, end);
  return out;
}

std::vector<Slice> make_slices(const Case& recorded) {
  const at::Tensor counts = recorded.at("input.mask").to(at::kLong).sum(2);  // (B, M)
  const int64_t samples = counts.size(0);
  std::vector<Slice> out;
  if (counts.eq(counts[0][0]).all().item<bool>()) {
    out.push_back(make_slice(recorded, 0, samples));
  } else {
    for (int64_t b = 0; b < samples; ++b) out.push_back(make_slice(recorded, b, b + 1));
  }
  return out;
}

void add(StepOutput& sum, const StepOutput& slice) {
  if (!sum.loss.defined()) {
    sum = slice;
    sum.loss = slice.loss.detach();
    return;
  }
  sum.loss = sum.loss + slice.loss.detach();
  sum.sample_size += slice.sample_size;
  sum.target_moments = sum.target_moments + slice.target_moments;
  sum.prediction_moments = sum.prediction_moments + slice.prediction_moments;
  for (size_t i = 0; i < sum.parts.size(); ++i)
    sum.parts[i].value = sum.parts[i].value + slice.parts.at(i).value;
}

}  // namespace

RecordedStep run_step(const Case& recorded, Objective& objective, int64_t step) {
  std::vector<Slice> slices = make_slices(recorded);
  const int64_t samples = recorded.at("input.mask").size(0),
                masked = recorded.at("input.mask").to(at::kLong).sum().item<int64_t>();
  RecordedStep out;
  objective.zero_gradients();
  for (Slice& slice : slices) {
    slice.trace.record = [&](const std::string& stage, const at::Tensor& value) {
      at::Tensor& all = out.stages["stage." + stage];
      if (!all.defined()) out.order.push_back("stage." + stage);
      all = all.defined() ? at::cat({all, value}) : value.clone();
    };
    const StepOutput output = objective.forward(slice.batch, {1, step, 0, samples, masked}, &slice.trace);
    objective.backward(output.loss, 1.0);
    add(out.output, output);
  }
  return out;
}

}  // namespace d2v::golden
