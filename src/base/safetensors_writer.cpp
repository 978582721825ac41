#include <algorithm>
#include <array>
#include <set>

#include <nlohmann/json.hpp>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/base/safetensors.h"
#include "safetensors_format.h"

namespace d2v {
namespace {

struct DtypeRow {
  std::string_view name;
  size_t size;
};
constexpr std::array<DtypeRow, 15> kDtypes{{{"F64", 8},
                                            {"F32", 4},
                                            {"F16", 2},
                                            {"BF16", 2},
                                            {"F8_E4M3", 1},
                                            {"F8_E5M2", 1},
                                            {"I64", 8},
                                            {"I32", 4},
                                            {"I16", 2},
                                            {"I8", 1},
                                            {"U64", 8},
                                            {"U32", 4},
                                            {"U16", 2},
                                            {"U8", 1},
                                            {"BOOL", 1}}};

uint64_t size_of(const TensorToStore& tensor) {
  uint64_t size = dtype_size(tensor.dtype);
  for (int64_t side : tensor.shape) {
    check(side >= 0 && !__builtin_mul_overflow(size, static_cast<uint64_t>(side), &size),
          "tensor '{}': a side of {} is negative or makes the tensor too large", tensor.name, side);
  }
  return size;
}

}  // namespace

std::string_view dtype_name(Dtype dtype) { return kDtypes[static_cast<size_t>(dtype)].name; }
size_t dtype_size(Dtype dtype) { return kDtypes[static_cast<size_t>(dtype)].size; }

std::optional<Dtype> safetensors::dtype_of(std::string_view name) {
  for (size_t i = 0; i < kDtypes.size(); ++i)
    if (kDtypes[i].name == name) return static_cast<Dtype>(i);
  return {};
}

void write_safetensors(const std::filesystem::path& path, std::span<const TensorToStore> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<const TensorToStore*> order;
  for (const TensorToStore& tensor : tensors) order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(), [](const TensorToStore* a, const TensorToStore* b) {
    return dtype_size(a->dtype) > dtype_size(b->dtype);
  });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::set<std::string_view> names{"__metadata__"};
  uint64_t offset = 0;
  for (const TensorToStore* tensor : order) {
    check(names.insert(tensor->name).second, "{}: tensor name '{}' is taken", path.string(), tensor->name);
    const uint64_t size = size_of(*tensor);
    check(tensor->data != nullptr || size == 0, "{}: tensor '{}' has no data", path.string(), tensor->name);
    header.push_back({tensor->name,
                      {{"dtype", dtype_name(tensor->dtype)},
                       {"shape", tensor->shape},
                       {"data_offsets", {offset, offset + size}}}});
    offset += size;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception& error) {  // a name or value that is not UTF-8
    fail("{}: cannot write the header: {}", path.string(), error.what());
  }
  text.resize((text.size() + 8 + 63) / 64 * 64 - 8, ' ');
  check(text.size() <= safetensors::kLargestHeader,
        "{}: the header has {} bytes, more than the format allows", path.string(), text.size());

  AtomicFile file(path);
  const uint64_t length = text.size();
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(text);
  for (const TensorToStore* tensor : order)
    file.write(std::span(static_cast<const std::byte*>(tensor->data), size_of(*tensor)));
  file.commit();
}

}  // namespace d2v
