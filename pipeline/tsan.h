// Tells ThreadSanitizer of hand-overs that it cannot see, because oneTBB comes uninstrumented from the distribution.
// Nothing in other builds. Private to the pipeline.
//
// Each hand-over is published on the address of the object that changes hands, so that it orders nothing else: a race
// between two threads that have handed each other other things is still reported.
#pragma once

#include <utility>

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
// A function of ours must not melt into TBB's, whose frames are suppressed (tests/pipeline/tsan_suppressions.cpp).
#define D2V_TSAN_OWN_FRAME [[gnu::noinline]]
#else
#define D2V_TSAN_OWN_FRAME
#endif

namespace d2v::tsan {

// What this thread wrote before belongs to whoever calls `received` on the same address later.
inline void handed_over([[maybe_unused]] const void* address) {
#ifdef D2V_TSAN
  __tsan_release(const_cast<void*>(address));
#endif
}

inline void received([[maybe_unused]] const void* address) {
#ifdef D2V_TSAN
  __tsan_acquire(const_cast<void*>(address));
#endif
}

// A function as TBB gets it, of a loop or of a filter. TBB copies it into its tasks, so every copy is handed over on its own
// address to the thread that calls it. At the end of each call what was done belongs to whoever calls
// `received(&function)` after the algorithm. The function must outlive the algorithm.
template <class F>
class Task {
 public:
  explicit Task(const F& function) { point_to(&function); }
  Task(const Task& other) {
    received(&other);
    point_to(other.function_);
  }
  Task& operator=(const Task&) = delete;

  template <class... Arguments>
  D2V_TSAN_OWN_FRAME decltype(auto) operator()(Arguments&&... arguments) const {
    received(this);
    const F* const function = function_;
    handed_over(this);
    const Done done{function};
    return (*function)(std::forward<Arguments>(arguments)...);
  }

 private:
  // TBB keeps the memory of tasks that are done for others, on other threads.
  void point_to(const F* function) {
    received(this);
    function_ = function;
    handed_over(this);
  }
  struct Done {
    const void* function;
    ~Done() { handed_over(function); }
  };
  const F* function_;  // set by point_to alone: a default would be written before the memory is received
};

}  // namespace d2v::tsan
