#include "d2v/model/objective.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

namespace d2v {

DeviceBatch to_tensors(Batch& batch) {
  const auto wrap = [](auto& buffer, at::IntArrayRef shape, at::ScalarType dtype) {
    return at::from_blob(buffer.data(), shape, at::TensorOptions().dtype(dtype));
  };
  const int64_t masked_count = batch.positions - batch.visible_count;
  DeviceBatch out;
  out.input = batch.tokens.size() > 0 ? wrap(batch.tokens, batch.input_shape, at::kLong)
                                      : wrap(batch.input, batch.input_shape, at::kFloat);
  if (batch.lengths.size() > 0) out.lengths = wrap(batch.lengths, {batch.samples}, at::kLong);
  out.visible = wrap(batch.visible, {batch.samples, batch.clones, batch.visible_count}, at::kLong);
  out.masked = wrap(batch.masked, {batch.samples, batch.clones, masked_count}, at::kLong);
  out.refs = batch.refs;
  return out;
}

void record(Trace* trace, const std::string& stage, const at::Tensor& value) {
  if (trace && trace->record) trace->record(stage, value.detach());
}

RowKeys row_keys(const DeviceBatch& batch, const StepKey& key, uint64_t step, int64_t clones) {
  RowKeys keys;
  for (const SampleRef& ref : batch.refs)
    for (int64_t m = 0; m < clones; ++m)
      keys.push_back({key.seed, Stream::dropout, step, ref.id, ref.occurrence, static_cast<uint32_t>(m)});
  return keys;
}

Features Objective::embed_padded(const at::Tensor& input, const at::Tensor& lengths, Network which) {
  check<UsageError>(!lengths.defined(), "this objective's inputs are never padded, but lengths were given");
  return embed(input, which);
}

}  // namespace d2v
