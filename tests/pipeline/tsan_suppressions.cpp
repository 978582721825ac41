// What ThreadSanitizer should not report here: accesses that oneTBB's own headers make (its library is uninstrumented).
// Only by the innermost frame, so that a race of ours inside a TBB task is still reported. The third line is for TBB's
// atomics that lived where the stack is used again for something else; the fourth for memory that TBB's library itself
// frees.
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return "race_top:tbb::detail::\n"
         "race_top:/oneapi/tbb/\n"
         "race_top:std::__atomic_base<\n"
         "called_from_lib:libtbb.so\n";
}
