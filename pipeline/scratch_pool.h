// Memory of samples at work, handed from thread to thread of a loader. Private to the pipeline.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "d2v/pipeline/stage_times.h"
#include "sample_readers.h"

namespace d2v {

// Memory for a file or its sound that a thread keeps from sample to sample; what a giant took goes back.
inline constexpr size_t kKeptBytes = size_t{64} << 20;

template <class T>
void let_giants_go(std::vector<T>& memory) {
  if (memory.capacity() * sizeof(T) > kKeptBytes) std::vector<T>().swap(memory);
}

// Thread-safe. `stopping` ends reads that nobody waits for; it must outlive the pool.
class ScratchPool {
 public:
  explicit ScratchPool(const std::atomic<bool>& stopping) : stopping_(stopping) {}
  std::unique_ptr<SampleScratch> take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) {
      auto scratch = std::make_unique<SampleScratch>();
      scratch->audio.stop = &stopping_;
      scratch->audio.times = &scratch->times;
      return scratch;
    }
    std::unique_ptr<SampleScratch> scratch = std::move(free_.back());
    free_.pop_back();
    return scratch;
  }
  void give(std::unique_ptr<SampleScratch> scratch) {
    let_giants_go(scratch->file);
    let_giants_go(scratch->sound);
    let_giants_go(scratch->audio.inputs);
    let_giants_go(scratch->audio.lanes);
    let_giants_go(scratch->audio.bytes);
    let_giants_go(scratch->audio.planes);
    const std::lock_guard lock(mutex_);
    times_ += std::exchange(scratch->times, {});
    free_.push_back(std::move(scratch));
  }
  StageTimes times() const {
    const std::lock_guard lock(mutex_);
    return times_;
  }

 private:
  const std::atomic<bool>& stopping_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<SampleScratch>> free_;
  StageTimes times_;
};

}  // namespace d2v
