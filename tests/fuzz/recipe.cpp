// Any text is a recipe or a UsageError; a recipe that is read writes back to itself.
#include "d2v/base/recipe.h"

#include <cstdlib>
#include <string_view>

#include "d2v/base/check.h"
#include "d2v/base/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  d2v::Config config;
  auto table = d2v::option_table(config);
  try {
    d2v::apply_ini(table, std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.ini");
  } catch (const d2v::UsageError&) {
    return 0;
  }
  const std::string text = d2v::write_ini(table);
  d2v::Config again;
  auto other = d2v::option_table(again);
  d2v::apply_ini(other, text, "again.ini");
  if (!d2v::diff(table, other).empty() || d2v::write_ini(other) != text) std::abort();
  return 0;
}
