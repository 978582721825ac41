#include "d2v/nn/simd.h"

#include <cstdlib>

#include "d2v/base/check.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("D2V_SIMD may name every instruction set of this machine, or the lowest as baseline") {
  const std::vector<std::string> names = simd_names();
  REQUIRE_FALSE(names.empty());
  for (const std::string& name : names) CHECK(forced_simd(name) == name);
  CHECK(forced_simd("baseline") == names.back());
}

TEST_CASE("an instruction set that is not there is refused with a list of those that are") {
  for (const char* wanted : {"avx", "AVX2 ", "neon_of_another_machine"}) {
    CAPTURE(wanted);
    std::string message;
    try {
      forced_simd(wanted);
    } catch (const UsageError& error) {
      message = error.what();
    }
    CHECK(message.find(wanted) != std::string::npos);
    for (const std::string& name : simd_names()) CHECK(message.find(name) != std::string::npos);
    CHECK(message.find("baseline") != std::string::npos);
  }
}

TEST_CASE("the kernels run on what D2V_SIMD asks for, else on the best there is") {
  const char* wanted = std::getenv("D2V_SIMD");
  if (wanted == nullptr || *wanted == '\0') {
    CHECK(simd_in_use() == simd_names().front());
    return;
  }
  CHECK(simd_in_use() == forced_simd(wanted));
}
