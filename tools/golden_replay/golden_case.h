// A folder of recorded reference numbers: config.json and tensors.safetensors (format: golden/README.md).
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>
#include <nlohmann/json.hpp>

#include "d2v/base/config.h"

namespace d2v::golden {

struct Case {
  std::string name;
  nlohmann::json settings;
  std::map<std::string, at::Tensor> tensors;  // float32, int64 or bool, as recorded

  const at::Tensor& at(const std::string& name) const;  // throws DataError naming the case and the tensor
  bool has(const std::string& name) const { return tensors.contains(name); }
};

// Throws DataError where a file is missing or malformed.
Case load_case(const std::filesystem::path& folder);

// The case's settings in this program's terms. Throws UsageError for a method or modality that is not built in.
Config to_config(const Case& recorded);

}  // namespace d2v::golden
