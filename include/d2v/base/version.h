// The version of the program, as --version, checkpoints and reports name it.
#pragma once

namespace d2v {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace d2v
