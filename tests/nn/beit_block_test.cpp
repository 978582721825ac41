#include "d2v/nn/beit_block.h"

#include "d2v/nn/aten.h"
#include "gradient_check.h"

#include "doctest.h"

using namespace d2v;

namespace {

// Weights of one block in the order of the test's inputs.
BeitBlockWeights weights_of(const std::vector<at::Tensor>& in) {
  return {{in[1], in[2]}, {in[3], in[4]}, in[5],  in[6],  in[7],  in[8], in[9],
          in[10],         in[11],         in[12], in[13], in[14], in[15]};
}

}  // namespace

TEST_CASE("gradients of a block and its relative positions are those of finite differences, in double") {
  constexpr int64_t dim = 4;
  ModelConfig config;
  config.dim = dim;
  config.heads = 2;
  const at::Tensor index = relative_position_index(2);
  const auto run = [&](const std::vector<at::Tensor>& in) {
    const BlockOutput out =
        beit_block_forward(weights_of(in), config, in[0], relative_position_bias(in[16], index), 0, {}, 0);
    return out.output + 0.5 * out.ffn;
  };
  std::vector<at::Tensor> inputs{test::random_double({2, 5, dim})};
  for (const auto& shape : std::vector<std::vector<int64_t>>{{dim},
                                                             {dim},
                                                             {dim},
                                                             {dim},
                                                             {3 * dim, dim},
                                                             {dim},
                                                             {dim},
                                                             {dim, dim},
                                                             {dim},
                                                             {6, dim},
                                                             {6},
                                                             {dim, 6},
                                                             {dim},
                                                             {dim},
                                                             {dim},
                                                             {relative_table_rows(2), 2}})
    inputs.push_back(test::random_double(shape));
  CHECK(test::gradient_error(run, inputs) < 1e-6);
}

TEST_CASE("pairs of patches at the same distance share a row of the table; CLS has rows of its own") {
  const at::Tensor index = relative_position_index(3);
  const auto row = [&](int64_t i, int64_t j) { return index[i][j].item<int64_t>(); };
  CHECK(row(1, 2) == row(2, 3));  // one column to the left
  CHECK(row(1, 2) == row(8, 9));
  CHECK(row(1, 2) != row(2, 1));
  CHECK(row(1, 2) != row(1, 4));
  CHECK(row(1, 9) == 0);
  CHECK(row(0, 5) == 25);
  CHECK(row(5, 0) == 26);
  CHECK(row(0, 0) == 27);
  CHECK(relative_table_rows(3) == 28);
}

TEST_CASE("a layer scale of 0 makes the block the identity") {
  std::vector<Parameter> declared;
  ModelConfig config;
  config.dim = 8;
  config.heads = 2;
  declare_beit_block(declared, "", config, 0, 3, TeacherRule::averaged);
  const ParameterLayout layout(declared);
  WeightArenas arenas;
  arenas.full = arenas.low = make_arena(layout.size(), at::kFloat);
  initialise(layout, arenas.full, 1);
  const at::Tensor x = at::randn({2, 5, 8});
  const BlockOutput out =
      beit_block_forward(beit_block_weights(Weights(layout, arenas)), config, x, {}, 0, {}, 0);
  CHECK(at::equal(out.output, x));
  CHECK(layout.at("mlp.2.weight").init_value == doctest::Approx(0.02 / std::sqrt(8.0)));
}
