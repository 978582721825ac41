#include "batch_queue.h"

#include <utility>

namespace d2v {

bool BatchQueue::push(ReadySlice slice) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || slices_.size() < capacity_; });
  if (closed_) return false;
  slices_.push_back(std::move(slice));
  changed_.notify_all();
  return true;
}

void BatchQueue::finish(std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  finished_ = true;
  error_ = std::move(error);
  changed_.notify_all();
}

std::optional<ReadySlice> BatchQueue::pop() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return finished_ || !slices_.empty(); });
  if (slices_.empty()) {
    if (error_) std::rethrow_exception(error_);
    return std::nullopt;
  }
  ReadySlice slice = std::move(slices_.front());
  slices_.pop_front();
  changed_.notify_all();
  return slice;
}

size_t BatchQueue::size() const {
  const std::lock_guard lock(mutex_);
  return slices_.size();
}

void BatchQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

BatchPtr BatchPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      BatchPtr batch = std::move(free_.back());
      free_.pop_back();
      return batch;
    }
  }
  auto batch = std::make_unique<Batch>();
  batch->input = Buffer<float>(allocator_);
  batch->tokens = Buffer<int64_t>(allocator_);
  batch->lengths = Buffer<int64_t>(allocator_);
  batch->visible = Buffer<int64_t>(allocator_);
  batch->masked = Buffer<int64_t>(allocator_);
  return batch;
}

void BatchPool::give(BatchPtr batch) {
  if (!batch) return;
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(batch));
}

}  // namespace d2v
