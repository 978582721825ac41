// The main function of every test program. Beyond doctest's own it
//   lists skipped cases by name and exits with 77 when nothing else ran,
//   fails when a filter matched no test case, so that a renamed file cannot pass by running nothing.

#define DOCTEST_CONFIG_IMPLEMENT
#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

#include "test_data.h"

#include "doctest.h"

namespace {

constexpr int kSkipped = 77;
constexpr int kNothingRan = 78;

struct RunState {
  std::mutex mutex;
  std::string current;               // name of the running test case
  std::vector<std::string> skipped;  // "name: reason"
  unsigned ran = 0;
};

RunState& state() {
  static RunState instance;
  return instance;
}

struct Watcher : doctest::IReporter {
  explicit Watcher(const doctest::ContextOptions&) {}
  void test_case_start(const doctest::TestCaseData& data) override {
    const std::lock_guard lock(state().mutex);
    state().current = data.m_name;
    ++state().ran;
  }
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

REGISTER_LISTENER("d2v", 1, Watcher);

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

}  // namespace

namespace d2v::test {

std::filesystem::path repo_root() {
  const char* set = environment("D2V_REPO_ROOT");
  return set != nullptr ? set : D2V_REPO_ROOT_DEFAULT;
}

std::filesystem::path test_data() {
  const char* set = environment("D2V_TEST_DATA");
  return set != nullptr ? std::filesystem::path(set) : repo_root().parent_path() / "shared";
}

void report_skip(const std::string& reason) {
  const std::lock_guard lock(state().mutex);
  state().skipped.push_back(state().current + ": " + reason);
  std::printf("SKIPPED %s\n", state().skipped.back().c_str());
}

}  // namespace d2v::test

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int result = context.run();
  if (context.shouldExit() || result != 0) return result;
  if (state().ran == 0) {
    std::fprintf(stderr, "no test case matched the filters; was the file renamed without a new configure?\n");
    return kNothingRan;
  }
  return state().skipped.size() == state().ran ? kSkipped : 0;
}
