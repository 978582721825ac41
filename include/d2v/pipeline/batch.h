// What the pipeline hands to the trainer: one slice of a global batch, ready to become tensors without a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace d2v {

// A sample in the stream of an epoch. `id` is stable for a data set; `occurrence` counts earlier appearances of
// the same id in the epoch (0 unless a source is repeated or the sample replaces a broken one).
struct SampleRef {
  uint64_t id = 0;
  uint32_t occurrence = 0;
  bool operator==(const SampleRef&) const = default;
};

// Where memory of batches comes from: 64-byte aligned; the trainer may give pinned memory.
struct Allocator {
  void* (*allocate)(size_t bytes);
  void (*release)(void* memory, size_t bytes);
};
Allocator aligned_allocator();

// A typed, growing, non-copyable piece of such memory.
template <class T>
class Buffer {
 public:
  explicit Buffer(Allocator allocator = aligned_allocator()) : allocator_(allocator) {}
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    if (data_) allocator_.release(data_, capacity_ * sizeof(T));
  }

  // Sets the size; the contents are unspecified afterwards.
  void resize(size_t count) {
    if (count > capacity_) {
      if (data_) allocator_.release(data_, capacity_ * sizeof(T));
      data_ = nullptr;
      data_ = static_cast<T*>(allocator_.allocate(count * sizeof(T)));
      capacity_ = count;
    }
    size_ = count;
  }
  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  std::span<T> span() { return {data_, size_}; }
  std::span<const T> span() const { return {data_, size_}; }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(allocator_, other.allocator_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }
  Allocator allocator_{};
  T* data_ = nullptr;
  size_t size_ = 0, capacity_ = 0;
};

// One slice: B samples of the same T, each with M masks that hide the same number of positions. Where samples are shorter
// than the slice (padding), positions from lengths[b] on are padding: they are never masked, always in `visible`.
struct Batch {
  int64_t epoch = 0;
  int64_t update = 0;  // number of the update this slice belongs to, from 0
  int64_t part = 0;    // index of the slice within its update (gradient accumulation)

  // Of the whole update: samples (B_global) and masked positions over all clones (the spec's sample_size).
  int64_t update_samples = 0;
  int64_t update_sample_size = 0;

  int64_t samples = 0;        // B; 0: the update has no slice for this worker (loader.h)
  int64_t clones = 0;         // M
  int64_t positions = 0;      // T
  int64_t visible_count = 0;  // V

  std::vector<int64_t>
      input_shape;  // pictures (B, C, H, W), spectrograms (B, 1, frames, bins), speech (B, samples), text (B, T)
  Buffer<float> input;      // normalised pixels, log-mel values or sound (0 in the padding); empty for text
  Buffer<int64_t> tokens;   // text: (B, T), <pad> in the padding; else empty
  Buffer<int64_t> lengths;  // (B) valid positions; empty where nothing is padded
  Buffer<int64_t> visible;  // (B, M, V) kept positions, increasing
  Buffer<int64_t> masked;   // (B, M, T-V) hidden positions, increasing
  std::vector<SampleRef> refs;  // (B) what was really read, after replacements
  std::vector<int32_t> labels;  // (B) class, -1 where there is none
  std::vector<uint32_t> rows;   // (B) index in the source of what was really read
};

using BatchPtr = std::unique_ptr<Batch>;

}  // namespace d2v
