#include "d2v/base/conv_layers.h"

#include "d2v/base/check.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE(
    "the published extractor has seven layers, makes 49 frames a second and needs 400 samples for one") {
  const std::vector<ConvLayer> layers = parse_conv_layers("512:10:5, 512:3:2 x4, 512:2:2 x2");
  REQUIRE(layers.size() == 7);
  CHECK(layers[0] == ConvLayer{512, 10, 5});
  CHECK(layers[4] == ConvLayer{512, 3, 2});
  CHECK(layers[6] == ConvLayer{512, 2, 2});
  CHECK(conv_frames(layers, 16000) == 49);
  CHECK(conv_frames(layers, 399) == 0);
  CHECK(conv_frames(layers, 400) == 1);
}

TEST_CASE("conv_samples is the smallest length with so many frames") {
  const std::vector<ConvLayer> layers = parse_conv_layers("16:10:5,16:3:2 x2,16:2:2");
  for (int64_t frames = 1; frames < 200; ++frames) {
    const int64_t samples = conv_samples(layers, frames);
    CHECK(conv_frames(layers, samples) == frames);
    CHECK(conv_frames(layers, samples - 1) == frames - 1);
  }
}

TEST_CASE(
    "a layer may start as a mean, the first one may not: it would read nothing but the mean of the "
    "waveform") {
  const std::vector<ConvLayer> layers = parse_conv_layers("16:10:5, 16:3:2:mean x2, 16:2:2 : mean, 8:2:2");
  REQUIRE(layers.size() == 5);
  for (size_t i = 0; i < layers.size(); ++i) CHECK(layers[i].mean == (i >= 1 && i <= 3));
  CHECK(layers[3] == ConvLayer{16, 2, 2, /*mean=*/true});
  CHECK_THROWS_WITH(parse_conv_layers("16:10:5:mean, 16:3:2"), doctest::Contains("'16:10:5:mean'"));
}

TEST_CASE("what is no list of layers is refused, and quoted") {
  for (const char* text :
       {"", "512", "512:10", "512:10:5:1", "512:a:5", "512:10:0", "512:10:5 x", "-1:3:2", "512:10:5 x100",
        "512:10:5,,512:3:2", "99999999999999999999:1:1", "8:9:5, 8:3:2:", "8:9:5, 8:3:2:median",
        "8:9:5, 8:3:2:mean:mean", "8:9:5, 8:3:mean", "8:9:5, 8:3:2 x2:mean"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_conv_layers(text), UsageError);
  }
  CHECK_THROWS_WITH(parse_conv_layers("512:10:5, 7:x"), doctest::Contains("'7:x'"));
}
