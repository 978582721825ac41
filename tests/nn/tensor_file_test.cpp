#include "d2v/nn/tensor_file.h"

#include <filesystem>
#include <vector>

#include "d2v/nn/aten.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("tensors come back with their type, shape and values") {
  const std::vector<std::pair<std::string, at::Tensor>> tensors{{"float", at::randn({3, 4})},
                                                                {"double", at::randn({2}, at::kDouble)},
                                                                {"bf16", at::randn({5}).to(at::kBFloat16)},
                                                                {"long", at::arange(7)},
                                                                {"scalar", at::full({}, 2.5f)},
                                                                {"empty", at::zeros({0, 3})},
                                                                {"bool", at::arange(2).to(at::kBool)}};
  std::vector<TensorToStore> stored;
  for (const auto& [name, tensor] : tensors) stored.push_back(to_store(name, tensor));
  const auto path = std::filesystem::temp_directory_path() / "d2v_tensor_file_test.safetensors";
  write_safetensors(path, stored);
  const auto back = read_tensors(path);
  std::filesystem::remove(path);
  CHECK(back.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) {
    CAPTURE(name);
    CHECK((back.at(name).scalar_type() == tensor.scalar_type()));
    CHECK(at::equal(back.at(name), tensor));
  }
}
