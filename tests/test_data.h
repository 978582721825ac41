// Where the tests find their data, and how a test says that it could not run.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace d2v::test {

// The root of the repository: $D2V_REPO_ROOT (CTest sets it), else the one the program was built from.
std::filesystem::path repo_root();

// The folder with golden numbers and data sets: $D2V_TEST_DATA, else ../shared beside the repository.
// It may be absent; see D2V_NEED_TEST_DATA.
std::filesystem::path test_data();

// Records that the running test case was skipped, and why; it is listed by name. Use D2V_SKIP.
void report_skip(const std::string& reason);

}  // namespace d2v::test

// Ends the running test case as skipped. A program whose cases were all skipped exits with 77.
#define D2V_SKIP(reason)              \
  do {                                \
    ::d2v::test::report_skip(reason); \
    return;                           \
  } while (false)

// Skips the running test case unless the test data holds `relative`, e.g. D2V_NEED_TEST_DATA("golden/image_base").
#define D2V_NEED_TEST_DATA(relative)                                                               \
  do {                                                                                             \
    if (!std::filesystem::exists(::d2v::test::test_data() / (relative)))                           \
      D2V_SKIP("no " + (::d2v::test::test_data() / (relative)).string() + " (set D2V_TEST_DATA)"); \
  } while (false)
