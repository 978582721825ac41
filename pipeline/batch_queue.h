// A bounded queue between the pipeline and next(), and the pool of used batches. Private to the pipeline.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <vector>

#include "d2v/pipeline/batch.h"

namespace d2v {

// Thread-safe; one producer, one consumer.
class BatchQueue {
 public:
  explicit BatchQueue(size_t capacity) : capacity_(capacity) {}

  // Waits while the queue is full. Returns false once the queue is closed, and drops the batch.
  bool push(BatchPtr batch);
  // The end of the stream: null, or the error that ended it.
  void finish(std::exception_ptr error);
  // Waits for a batch. Null at the end; throws the error of finish.
  BatchPtr pop();
  // Batches that lie ready.
  size_t size() const;
  // Wakes and turns away a waiting producer.
  void close();

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<BatchPtr> batches_;
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
