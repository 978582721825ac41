// Tells ThreadSanitizer of hand-overs that it cannot see, because oneTBB comes uninstrumented from the distribution.
// Nothing in other builds. Private to the pipeline.
#pragma once

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define D2V_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define D2V_TSAN 1
#endif

#ifdef D2V_TSAN
extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif

namespace d2v::tsan {

// What this thread wrote before belongs to whoever calls `received` on the same address later.
inline void handed_over([[maybe_unused]] void* address) {
#ifdef D2V_TSAN
  __tsan_release(address);
#endif
}

inline void received([[maybe_unused]] void* address) {
#ifdef D2V_TSAN
  __tsan_acquire(address);
#endif
}

// The same for what a thread reads before it knows any address: the closures that TBB copies into its tasks. Call
// handed_over_to_tasks before a TBB algorithm and at the end of a task, received_by_task at the start of a task and after
// the algorithm.
#ifdef D2V_TSAN
inline char task_channel;
inline void handed_over_to_tasks() { __tsan_release(&task_channel); }
inline void received_by_task() { __tsan_acquire(&task_channel); }
#else
inline void handed_over_to_tasks() {}
inline void received_by_task() {}
#endif

// A loop's body as TBB gets it: it copies a body while it splits the loop, so every copy is handed over on its own.
template <class F>
class Task {
 public:
  explicit Task(const F& body) : body_(&body) { handed_over_to_tasks(); }
  Task(const Task& other) {
    received_by_task();
    body_ = other.body_;
    handed_over_to_tasks();
  }
  Task& operator=(const Task&) = delete;

  template <class Range>
  void operator()(Range&& range) const {
    received_by_task();
    (*body_)(range);
    handed_over_to_tasks();
  }

 private:
  const F* body_ = nullptr;
};

}  // namespace d2v::tsan
