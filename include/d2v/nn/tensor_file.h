// Tensors in safetensors files.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>

#include "d2v/base/safetensors.h"

namespace d2v {

// A copy of a stored tensor, on the CPU. Throws DataError for a dtype that has no counterpart.
at::Tensor to_tensor(const StoredTensor& stored);

// All tensors of a file, by name. Throws DataError as SafetensorsReader does.
std::map<std::string, at::Tensor> read_tensors(const std::filesystem::path& path);

// How a tensor is stored: contiguous, its own dtype. `tensor` must outlive the writing.
TensorToStore to_store(const std::string& name, const at::Tensor& tensor);

}  // namespace d2v
