#include "d2v/eval/npy.h"

#include <cstring>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/nn/aten.h"
#include "made_up_run.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("a .npy file is magic, a header of a multiple of 64 bytes, and the numbers") {
  const test::ScratchFolder scratch("npy");
  const at::Tensor values = at::arange(6, at::kFloat).view({2, 3}).t();  // not contiguous: written row by row
  write_npy(scratch.path / "a.npy", values);
  const std::string bytes = read_file(scratch.path / "a.npy", 1 << 20);
  CHECK(bytes.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
  const size_t length = static_cast<uint8_t>(bytes[8]) + 256u * static_cast<uint8_t>(bytes[9]);
  CHECK((10 + length) % 64 == 0);
  CHECK(bytes[10 + length - 1] == '\n');
  CHECK(bytes.substr(10, length).find("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }") == 0);
  REQUIRE(bytes.size() == 10 + length + 6 * 4);
  float numbers[6];
  std::memcpy(numbers, bytes.data() + 10 + length, sizeof numbers);
  const float expected[6] = {0, 3, 1, 4, 2, 5};
  for (int i = 0; i < 6; ++i) CHECK(numbers[i] == expected[i]);
}

TEST_CASE("a vector's shape has NumPy's comma, and other dtypes are refused") {
  const test::ScratchFolder scratch("npy1");
  write_npy(scratch.path / "v.npy", at::zeros({7}));
  CHECK(read_file(scratch.path / "v.npy", 1 << 20).find("'shape': (7,), }") != std::string::npos);
  CHECK_THROWS_AS(write_npy(scratch.path / "d.npy", at::zeros({7}, at::kDouble)), Error);
}
