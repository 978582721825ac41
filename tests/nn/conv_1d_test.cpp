#include "d2v/nn/conv_1d.h"

#include "d2v/nn/aten.h"
#include "gradient_check.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("convolutions over tokens equal the library's over channels, for any stride, padding and groups") {
  for (const auto& [length, in, out, kernel, stride, padding, groups] : {std::tuple{7, 1, 4, 3, 2, 0, 1},
                                                                         {12, 4, 6, 5, 1, 2, 2},
                                                                         {9, 6, 6, 4, 3, 2, 3},
                                                                         {3, 2, 2, 3, 1, 0, 1}}) {
    const at::Tensor x = at::randn({2, length, in}), weight = at::randn({out, in / groups, kernel}),
                     bias = at::randn({out});
    const at::Tensor want =
        at::conv1d(x.transpose(1, 2), weight, bias, stride, padding, /*dilation=*/1, groups).transpose(1, 2);
    CHECK(at::allclose(convolve(x, weight, bias, stride, padding, groups), want, 1e-5, 1e-5));
  }
}

TEST_CASE("a layer keeps the length, of even kernels too") {
  for (int64_t kernel : {1, 2, 3, 6})
    CHECK(conv_norm_gelu(at::randn({2, 5, 4}), at::randn({8, 2, kernel}), at::randn({8}), 2).sizes() ==
          at::IntArrayRef({2, 5, 8}));
}

TEST_CASE("gradients of a layer are those of finite differences, in double") {
  const auto layer = [](const std::vector<at::Tensor>& in) { return conv_norm_gelu(in[0], in[1], in[2], 2); };
  for (int64_t kernel : {3, 4})
    CHECK(test::gradient_error(layer, {test::random_double({2, 5, 4}), test::random_double({6, 2, kernel}),
                                       test::random_double({6})}) < 1e-6);
}
