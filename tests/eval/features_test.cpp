#include "d2v/eval/features.h"

#include <limits>

#include "d2v/base/check.h"
#include "d2v/eval/simple_features.h"
#include "d2v/nn/aten.h"
#include "fake_objective.h"

#include "doctest.h"

using namespace d2v;

namespace {

// Two blocks, one extra token, two patches of width 2.
Features two_blocks() {
  const at::Tensor first = at::arange(6, at::kFloat).view({1, 3, 2});
  return {{first, first * 10}, 1};
}

}  // namespace

TEST_CASE("layers are named by number, by 'last' and by 'middle'") {
  CHECK(parse_layers("last", 12) == std::vector<int64_t>{12});
  CHECK(parse_layers("middle+last", 12) == std::vector<int64_t>{6, 12});
  CHECK(parse_layers("middle+last", 5) == std::vector<int64_t>{3, 5});
  CHECK(parse_layers("2+7", 12) == std::vector<int64_t>{2, 7});
  CHECK(layers_text({6, 12}) == "6+12");
  for (const char* wrong : {"", "0", "13", "first", "3+", "+3", "-1", "2.5"})
    CHECK_THROWS_WITH_AS(parse_layers(wrong, 12), doctest::Contains("from 1 to 12"), UsageError);
}

TEST_CASE("mean pooling leaves the extra tokens out") {
  const at::Tensor mean = pooled_layers(two_blocks(), {1, 2}, Pooling::mean);
  CHECK(at::equal(mean, at::tensor({3.f, 4.f, 30.f, 40.f}).view({1, 2, 2})));
}

TEST_CASE("cls takes the last extra token, all takes every token") {
  CHECK(at::equal(pooled_layers(two_blocks(), {2}, Pooling::cls), at::tensor({0.f, 10.f}).view({1, 1, 2})));
  CHECK(pooled_layers(two_blocks(), {2}, Pooling::all).sizes() == at::IntArrayRef({1, 1, 3, 2}));
  Features none = two_blocks();
  none.extra_tokens = 0;
  CHECK_THROWS_WITH_AS(pooled_layers(none, {1}, Pooling::cls), doctest::Contains("no CLS token"), UsageError);
  CHECK(at::equal(pooled_layers(none, {1}, Pooling::mean), at::tensor({2.f, 3.f}).view({1, 1, 2})));
}

TEST_CASE("raw pixels are the pixels, averaged down to 32 a side where there are more") {
  CHECK(pixel_side(32) == 32);
  CHECK(pixel_side(64) == 32);
  CHECK(pixel_side(96) == 32);
  CHECK(pixel_side(224) == 32);
  const at::Tensor small = test::random_features(2 * 3 * 8 * 8, 1, 1).view({2, 3, 8, 8});
  CHECK(at::equal(raw_pixels("").compute({{}, small}), small.view({2, 1, 192})));
  const at::Tensor large = at::ones({1, 3, 224, 224});
  CHECK(raw_pixels("").compute({{}, large}).sizes() == at::IntArrayRef({1, 1, 3 * 32 * 32}));
}

TEST_CASE("features come in the order of the pictures, whatever the batches") {
  test::FakeObjective network({1e6});  // so large a gain that its noise does not matter
  const Samples pictures = test::coloured_pictures(10, 2, 3, 4);
  const auto found = extract(
      pictures, {network_features("n", network, Network::student, {1}, Pooling::mean), raw_pixels("pixels")});
  REQUIRE(found.sources.size() == 2);
  CHECK(at::equal(found.rows, at::arange(10)));
  CHECK(found.sources[0].values.sizes() == at::IntArrayRef({10, 1, 3}));
  const at::Tensor mean = found.sources[1].values.view({10, 3, 16}).mean(2);
  CHECK((found.sources[0].values.squeeze(1) / 1e6 - mean).abs().max().item<float>() < 1e-4f);
  CHECK(found.sources[0].seconds > 0);
}

TEST_CASE("teacher and student are told apart") {
  test::FakeObjective network({1});
  const Samples pictures = test::coloured_pictures(3, 2, 3);
  const auto found = extract(pictures, {network_features("t", network, Network::teacher, {1}, Pooling::cls),
                                        network_features("s", network, Network::student, {1}, Pooling::cls)});
  CHECK(found.sources[0].values.max().item<float>() == 7);
  CHECK(found.sources[1].values.max().item<float>() == 8);
}

TEST_CASE("features that are not finite are an error that names the network") {
  test::FakeObjective network({std::numeric_limits<double>::infinity()});
  CHECK_THROWS_WITH_AS(extract(test::coloured_pictures(3, 2, 3),
                               {network_features("broken", network, Network::student, {1}, Pooling::mean)}),
                       doctest::Contains("'broken' are not finite"), DataError);
}

TEST_CASE("pictures that could not be read are left out, and the rows say which are there") {
  Samples pictures;
  pictures.labels = at::zeros({4}, at::kLong);
  pictures.each_batch = [](const UseSamples& use) {
    use({{0}, at::full({1, 3, 2, 2}, 5.f)});
    use({{2, 3}, at::full({2, 3, 2, 2}, 6.f)});
  };
  const ExtractedFeatures found = extract(pictures, {raw_pixels("")});
  CHECK(at::equal(found.rows, at::tensor({0, 2, 3}, at::kLong)));
  CHECK(found.sources[0].values.sizes() == at::IntArrayRef({3, 1, 12}));
  CHECK(found.sources[0].values[2].max().item<float>() == 6);
  pictures.each_batch = [](const UseSamples&) {};
  CHECK_THROWS_WITH_AS(extract(pictures, {raw_pixels("")}), doctest::Contains("none of the 4"), DataError);
}
