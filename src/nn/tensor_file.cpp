#include "d2v/nn/tensor_file.h"

#include <array>
#include <cstring>
#include <utility>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

namespace d2v {

namespace {
constexpr std::array<std::pair<Dtype, at::ScalarType>, 9> types{{{Dtype::f64, at::kDouble},
                                                                 {Dtype::f32, at::kFloat},
                                                                 {Dtype::f16, at::kHalf},
                                                                 {Dtype::bf16, at::kBFloat16},
                                                                 {Dtype::i64, at::kLong},
                                                                 {Dtype::i32, at::kInt},
                                                                 {Dtype::i8, at::kChar},
                                                                 {Dtype::u8, at::kByte},
                                                                 {Dtype::boolean, at::kBool}}};
}  // namespace

at::Tensor to_tensor(const StoredTensor& stored) {
  for (const auto& [dtype, type] : types) {
    if (dtype != stored.dtype) continue;
    at::Tensor out = at::empty(stored.shape, at::TensorOptions().dtype(type));
    if (!stored.bytes.empty()) std::memcpy(out.mutable_data_ptr(), stored.bytes.data(), stored.bytes.size());
    return out;
  }
  fail<DataError>("tensor {} has dtype {}, which is not read here", stored.name, dtype_name(stored.dtype));
}

std::map<std::string, at::Tensor> read_tensors(const std::filesystem::path& path) {
  const SafetensorsReader reader(path);
  std::map<std::string, at::Tensor> out;
  for (const StoredTensor& stored : reader.tensors()) out.emplace(stored.name, to_tensor(stored));
  return out;
}

TensorToStore to_store(const std::string& name, const at::Tensor& tensor) {
  check(tensor.is_contiguous() && tensor.is_cpu(), "tensor {} must be contiguous and on the CPU to be stored",
        name);
  for (const auto& [dtype, type] : types)
    if (type == tensor.scalar_type()) return {name, dtype, tensor.sizes().vec(), tensor.const_data_ptr()};
  fail("tensor {} has a dtype that safetensors files do not have", name);
}

}  // namespace d2v
