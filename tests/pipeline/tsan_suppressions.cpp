// What ThreadSanitizer should not report here: what oneTBB's own headers do to memory that its uninstrumented library hands from
// thread to thread. Accesses whose own line is in these headers; the reference counts and flags of its loops' trees, contexts and
// waits, whose innermost line is in std::atomic; and memory that the library itself frees or compares (the last line). Nothing
// else: all of these functions call none of ours, and a race of ours within a TBB task has a line of ours innermost.
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_suppressions() {
  return "race_top:/oneapi/tbb/\n"
         "race:tbb::detail::d1::tree_node::tree_node(\n"
         "race:tbb::detail::d1::task_group_context::task_group_context(\n"
         "race:tbb::detail::d1::node::node(\n"
         "race:tbb::detail::d1::fold_tree<\n"
         "race:tbb::detail::d1::wait_context::\n"
         "called_from_lib:libtbb.so\n";
}
