// golden_replay [--bf16] [--device cpu|cuda] DIR… : replays recorded cases of the reference implementation and compares every stage.
//
// Prints, per group of tensors and in the order of the computation, the worst error against its tolerance. Exit status
// 0: all within; 1: something is too far off; 2: a folder is no case, or a case needs what is not built in.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "d2v/base/check.h"
#include "replay.h"

int main(int argc, char** argv) {
  using namespace d2v;
  Precision precision = Precision::fp32;
  std::string device = "cpu";
  std::vector<std::string> folders;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--bf16")
      precision = Precision::bf16;
    else if (std::string(argv[i]) == "--device" && i + 1 < argc)
      device = argv[++i];
    else
      folders.emplace_back(argv[i]);
  }
  if (folders.empty() || (device != "cpu" && device != "cuda")) {
    fmt::print(stderr,
               "usage: golden_replay [--bf16] [--device cpu|cuda] DIR…\nDIR holds config.json and "
               "tensors.safetensors of one case.\n");
    return 2;
  }
  int passed = 0, off = 0, unusable = 0;
  for (const std::string& folder : folders) {
    try {
      const golden::Case recorded = golden::load_case(folder);
      const golden::Comparison comparison =
          golden::replay(recorded, precision, device == "cuda" ? DeviceKind::cuda : DeviceKind::cpu);
      fmt::print("{} ({}): {}\n{}\n", recorded.name, name_of(precision),
                 comparison.passed() ? "ok" : "DIFFERS", comparison.table());
      ++(comparison.passed() ? passed : off);
    } catch (const std::exception& error) {
      fmt::print(stderr, "golden_replay: {}\n", error.what());
      ++unusable;
    }
  }
  fmt::print("{} ok, {} off, {} not replayed\n", passed, off, unusable);
  return off > 0 ? 1 : unusable > 0 ? 2 : 0;
}
