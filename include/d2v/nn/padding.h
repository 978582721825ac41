// Padded batches: which positions of a row hold data, and keeping the others out of sums.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace d2v {

// The padding of a batch and what it is done to.
struct RowPadding {
  at::Tensor valid;  // (R, T) bool, true where a row has data; undefined where nothing is padded
  bool exact =
      true;  // padding leaves no trace in the results; false: convolutions see it, as in the reference

  // Where convolutions must see zeros; undefined for nowhere.
  at::Tensor for_convolutions() const { return exact ? valid : at::Tensor(); }
  // Of M adjacent copies of each row.
  RowPadding repeated(int64_t clones) const;
};

// lengths (B) int64, valid positions of each row → (B, T) bool, true where valid. Undefined where `lengths` is.
// Throws Error where a length is not in 1 … T.
at::Tensor valid_positions(const at::Tensor& lengths, int64_t positions);

// x (R, T, C) with zeros where `valid` (R, T) is false; x itself where `valid` is undefined.
at::Tensor zero_padding(const at::Tensor& x, const at::Tensor& valid);

// What is added to attention logits so that nothing attends to padding: 0 where valid and -inf elsewhere,
// (R, 1, 1, E+N) float32, the E leading columns valid. Undefined where `valid` is.
at::Tensor padded_keys(const at::Tensor& valid, int64_t extra);

// Mean over the valid positions of x (R, T, C) → (R, C).
at::Tensor mean_over_positions(const at::Tensor& x, const at::Tensor& valid);

}  // namespace d2v
