// Brings batches to the device of the weights.
#pragma once

#include <memory>
#include <optional>

#include <ATen/core/Tensor.h>
#include <c10/core/Stream.h>

#include "d2v/model/objective.h"

namespace d2v {

// On a GPU: tensors are copied to page-locked memory, then by a stream of its own to the device, while the device may
// still compute the step before. The compute stream waits for them, the host does not; the batch's own buffers may be
// used again at once. On the CPU nothing is copied.
class Upload {
 public:
  explicit Upload(at::Device device);
  at::Device device() const { return device_; }

  DeviceBatch batch(const DeviceBatch& host);
  at::Tensor tensor(const at::Tensor& host);  // undefined stays undefined

 private:
  at::Device device_;
  std::optional<c10::Stream> copies_;
};

}  // namespace d2v
