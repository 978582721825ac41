// The configurations of recipes/.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "d2v/base/config.h"
#include "d2v/base/recipe.h"
#include "test_data.h"

namespace d2v::test {

// Every recipe by name ("image_base"), sorted.
inline std::vector<std::string> recipe_names() {
  std::vector<std::string> out;
  for (const auto& file : std::filesystem::directory_iterator(repo_root() / "recipes"))
    if (file.path().extension() == ".ini") out.push_back(file.path().stem());
  std::sort(out.begin(), out.end());
  return out;
}

inline Config recipe_config(const std::string& name) {
  Config config;
  auto table = option_table(config);
  apply_recipe(table, repo_root() / "recipes" / (name + ".ini"));
  // Where the token file decides, any size stands for it.
  if (config.model.modality == Modality::text && config.text.vocabulary_size == 0)
    config.text.vocabulary_size = 1000;
  return config;
}

}  // namespace d2v::test
