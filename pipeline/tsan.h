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

}  // namespace d2v::tsan
