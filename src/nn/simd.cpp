#include "d2v/nn/simd.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

// The same choice as in the files with kernels.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#include "d2v/base/check.h"
#include "hwy/highway.h"

namespace d2v {

namespace {

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Highway gives better targets lower bits.
std::vector<int64_t> targets_here() {
  std::vector<int64_t> out;
  const int64_t both = hwy::SupportedTargets() & HWY_TARGETS;
  for (int bit = 0; bit < 63; ++bit)
    if (both >> bit & 1) out.push_back(int64_t{1} << bit);
  return out;
}

std::string name_of_target(int64_t target) { return lower_case(hwy::TargetName(target)); }

}  // namespace

std::vector<std::string> simd_names() {
  std::vector<std::string> out;
  for (const int64_t target : targets_here()) out.push_back(name_of_target(target));
  return out;
}

std::string forced_simd(std::string_view wanted) {
  const std::vector<std::string> names = simd_names();
  if (wanted == "baseline") return names.back();
  check<UsageError>(std::find(names.begin(), names.end(), wanted) != names.end(),
                    "D2V_SIMD = '{}' is not among the instruction sets that the kernels are compiled for and "
                    "that this processor has: expected {} or baseline",
                    wanted, fmt::join(names, ", "));
  return std::string(wanted);
}

void choose_simd() {
  static const bool chosen = [] {
    const char* wanted = std::getenv("D2V_SIMD");
    if (wanted == nullptr || *wanted == '\0') return true;
    const std::string name = forced_simd(wanted);
    for (const int64_t target : targets_here())
      if (name_of_target(target) == name) hwy::DisableTargets(target - 1);
    return true;
  }();
  static_cast<void>(chosen);
}

std::string simd_in_use() {
  choose_simd();
  return simd_names().front();
}

}  // namespace d2v
