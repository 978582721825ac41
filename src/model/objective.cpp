#include "d2v/model/objective.h"

#include <ATen/ATen.h>

namespace d2v {

DeviceBatch to_tensors(Batch& batch) {
  const auto wrap = [](auto& buffer, at::IntArrayRef shape, at::ScalarType dtype) {
    return at::from_blob(buffer.data(), shape, at::TensorOptions().dtype(dtype));
  };
  const int64_t masked_count = batch.positions - batch.visible_count;
  return {wrap(batch.input, batch.input_shape, at::kFloat),
          wrap(batch.visible, {batch.samples, batch.clones, batch.visible_count}, at::kLong),
          wrap(batch.masked, {batch.samples, batch.clones, masked_count}, at::kLong), batch.refs};
}

}  // namespace d2v
