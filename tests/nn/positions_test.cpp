#include "d2v/nn/positions.h"

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "golden_unit.h"

#include "doctest.h"

using namespace d2v;
using test::GoldenUnit;

TEST_CASE("sine-cosine positions equal the reference") {
  D2V_NEED_TEST_DATA("golden/blocks");
  CHECK(GoldenUnit::error(sincos_positions(4, 32)[0], GoldenUnit("sincos_4").recorded("output.positions")) <
        1e-6);
  CHECK(GoldenUnit::error(sincos_positions(14, 48)[0], GoldenUnit("sincos_14").recorded("output.positions")) <
        1e-6);
  const at::Tensor with_cls = GoldenUnit("sincos_cls").recorded("output.positions");  // its first row is CLS
  CHECK(GoldenUnit::error(sincos_positions(3, 16)[0], with_cls.slice(0, 1)) < 1e-6);
  CHECK(with_cls[0].abs().max().item<double>() == 0);
  CHECK_THROWS_AS(sincos_positions(4, 30), UsageError);
}

TEST_CASE("ALiBi slopes equal the reference for any number of heads") {
  D2V_NEED_TEST_DATA("golden/blocks");
  for (int64_t heads : {1, 2, 3, 4, 6, 8, 12, 16, 20}) {
    CAPTURE(heads);
    const at::Tensor recorded = GoldenUnit("alibi_slopes_" + std::to_string(heads)).recorded("output.slopes");
    const std::vector<double> slopes = alibi_slopes(heads);
    CHECK(GoldenUnit::error(at::tensor(slopes), recorded) < 1e-6);
  }
}

TEST_CASE("ALiBi biases equal the reference in one and two dimensions") {
  D2V_NEED_TEST_DATA("golden/blocks");
  CHECK(GoldenUnit::error(alibi_bias_1d(4, 7), GoldenUnit("alibi_1d").recorded("output.bias")) < 1e-6);
  CHECK(GoldenUnit::error(alibi_bias_2d(4, 3, AlibiDistance::manhattan),
                          GoldenUnit("alibi_2d_manhattan").recorded("output.bias")) < 1e-6);
  CHECK(GoldenUnit::error(alibi_bias_2d(4, 3, AlibiDistance::euclidean),
                          GoldenUnit("alibi_2d_euclidean").recorded("output.bias")) < 1e-6);
}

TEST_CASE("interpolated positions keep a grid of the same side and reproduce a constant") {
  const at::Tensor positions = sincos_positions(8, 16);
  CHECK(at::equal(resize_positions(positions, 8), positions));
  const at::Tensor constant = at::full({1, 16, 4}, 3.0);
  CHECK(at::allclose(resize_positions(constant, 7), at::full({1, 49, 4}, 3.0)));
  CHECK_THROWS_AS(resize_positions(at::zeros({1, 15, 4}), 4), UsageError);
}

TEST_CASE("ALiBi between chosen positions is the full table's rows and columns") {
  const at::Tensor index = at::tensor({0, 2, 3, 1, 4, 6}, at::kLong).view({2, 3});
  for (int64_t heads : {4, 6}) {
    const at::Tensor all = alibi_bias_1d(heads, 7), some = alibi_bias_1d(heads, index);
    for (int64_t row = 0; row < 2; ++row)
      CHECK(at::allclose(some[row], all.index_select(1, index[row]).index_select(2, index[row])));
  }
}

TEST_CASE("positions of a rectangle are those of a square around it, at the same rows and columns") {
  const int64_t rows = 6, columns = 2;
  const at::Tensor square = sincos_positions(rows, 16).view({rows, rows, 16});
  const at::Tensor rectangle = sincos_positions(rows, columns, 16);
  CHECK(rectangle.sizes() == at::IntArrayRef({1, rows * columns, 16}));
  CHECK(at::equal(rectangle.view({rows, columns, 16}), square.slice(1, 0, columns)));
  for (const AlibiDistance distance : {AlibiDistance::manhattan, AlibiDistance::euclidean}) {
    const at::Tensor around = alibi_bias_2d(4, rows, distance)
                                  .view({4, rows, rows, rows, rows})
                                  .slice(2, 0, columns)
                                  .slice(4, 0, columns);
    const at::Tensor bias = alibi_bias_2d(4, rows, columns, distance);
    CHECK(bias.sizes() == at::IntArrayRef({4, rows * columns, rows * columns}));
    CHECK(at::equal(bias.view({4, rows, columns, rows, columns}), around));
  }
}
