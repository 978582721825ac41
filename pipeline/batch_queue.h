// A bounded queue between the pipeline and next(), and the pool of used batches. Private to the pipeline.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <vector>

#include "d2v/pipeline/batch.h"
#include "slice_failures.h"

namespace d2v {

// A slice that is ready, and what of it could not be read.
struct ReadySlice {
  BatchPtr batch;
  std::vector<FailedRead> failures;
  std::exception_ptr error;  // null, or what the stream ends by in place of this slice
  bool no_share = false;     // the update has no slice for this worker: handed out though it has no samples
};

// Thread-safe; one producer, one consumer.
class BatchQueue {
 public:
  explicit BatchQueue(size_t capacity) : capacity_(capacity) {}

  // Waits while the queue is full. Returns false once the queue is closed, and drops the slice.
  bool push(ReadySlice slice);
  // The end of the stream: null, or the error that ended it.
  void finish(std::exception_ptr error);
  // Waits for a slice. Empty at the end; throws the error of finish.
  std::optional<ReadySlice> pop();
  // Slices that lie ready.
  size_t size() const;
  // Wakes and turns away a waiting producer.
  void close();

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ReadySlice> slices_;
  size_t capacity_;
  bool finished_ = false;
  bool closed_ = false;
  std::exception_ptr error_;
};

class BatchPool {
 public:
  explicit BatchPool(Allocator allocator) : allocator_(allocator) {}
  BatchPtr take();
  void give(BatchPtr batch);

 private:
  std::mutex mutex_;
  std::vector<BatchPtr> free_;
  Allocator allocator_;
};

}  // namespace d2v
