// Which instruction set the own kernels run on: the best one this processor has, or the one D2V_SIMD names.
//
// It chooses among the bodies that Highway compiled (row kernels, grouped convolutions, …), for comparisons and tests.
// Which there are depends on the version of Highway: 1.0.3 compiles nothing between avx2 and scalar for them.
// LibTorch's operations and its matrix products have switches of their own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace d2v {

// Instruction sets that are compiled in and that this processor has, best first: {"avx2", "scalar"}.
std::vector<std::string> simd_names();

// Obeys the environment variable D2V_SIMD, the first time; unset or empty: nothing is forced. Every table of kernels
// calls this before it chooses. Throws UsageError as forced_simd.
void choose_simd();

// The name that `wanted` means here: one of simd_names(), or "baseline" for the last of them.
// Throws UsageError for any other, and lists what there is.
std::string forced_simd(std::string_view wanted);

// What the kernels run on in this process. Throws as choose_simd.
std::string simd_in_use();

}  // namespace d2v
