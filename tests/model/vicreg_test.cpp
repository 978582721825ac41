#include "d2v/model/vicreg.h"

#include "d2v/nn/aten.h"
#include "gradient_check.h"
#include "small_models.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("gradients of both terms are those of finite differences, in double") {
  // Deviations around 0.5: on the hinge's slope, away from its corner.
  const at::Tensor rows = 0.5 * test::random_double({12, 5});
  CHECK(test::gradient_error([](const auto& in) { return variance_hinge(in[0]); }, {rows}) < 1e-7);
  CHECK(test::gradient_error([](const auto& in) { return covariance_penalty(in[0]); }, {rows}) < 1e-7);
}

TEST_CASE("the hinge is 0 above a deviation of 1 and near 1 for equal predictions") {
  const at::Tensor spread = at::tensor({-3.0, 3.0, -3.0, 3.0}).view({4, 1});
  CHECK(variance_hinge(spread).item<double>() == 0);
  CHECK(variance_hinge(at::ones({4, 3})).item<double>() == doctest::Approx(0.99));
}

TEST_CASE("the penalty is 0 for uncorrelated channels and counts every pair of correlated ones") {
  const at::Tensor x = at::tensor({1.0, 1.0, -1.0, -1.0}), y = at::tensor({1.0, -1.0, 1.0, -1.0});
  CHECK(covariance_penalty(at::stack({x, y}, 1)).item<double>() == doctest::Approx(0));
  // Covariance of x with itself: 4/3; two off-diagonal elements, two channels.
  CHECK(covariance_penalty(at::stack({x, x}, 1)).item<double>() == doctest::Approx(16.0 / 9));
}

TEST_CASE("data2vec 1 and MAE have the terms, too") {
  Config text = test::small_text();
  text.model.objective = ObjectiveKind::data2vec1;
  text.mask.clones = 1;
  Config pictures;
  pictures.model.objective = ObjectiveKind::mae;
  pictures.image.size = 16;
  pictures.image.patch = 4;
  pictures.model.dim = 16;
  pictures.model.heads = 2;
  pictures.model.depth = 2;
  pictures.mae.decoder_dim = 8;
  pictures.mae.decoder_heads = 2;
  pictures.mae.decoder_depth = 1;
  DeviceBatch images = test::masked_batch({16, 16, 16}, 16, 1, 12);
  images.lengths.reset();
  images.input = at::randn({3, 3, 16, 16});
  for (const auto& [settings, batch] :
       {std::pair{text, test::text_batch(text, {14, 9}, 1)}, std::pair{pictures, images}}) {
    Config config = settings;
    CAPTURE(name_of(config.model.objective));
    const StepKey key = test::key_of(batch);
    const auto without = make_objective(config, Precision::fp32);
    const double plain = without->forward(batch, key, nullptr).loss.item<double>();
    config.loss.variance = 0.5;
    config.loss.covariance = 0.25;
    const auto model = make_objective(config, Precision::fp32);
    const StepOutput out = model->forward(batch, key, nullptr);
    double terms = 0;
    for (const Monitored& part : out.parts)
      if (part.name == "variance" || part.name == "covariance") terms += part.value.item<double>();
    CHECK(terms > 0);
    CHECK(out.loss.item<double>() == doctest::Approx(plain + terms));
  }
}

TEST_CASE("weights of 0 leave every objective's loss alone; others add their parts, times the sample size") {
  Config config = test::small_text();
  const DeviceBatch batch = test::text_batch(config, {14, 9});
  const StepKey key = test::key_of(batch);
  const double plain =
      make_objective(config, Precision::fp32)->forward(batch, key, nullptr).loss.item<double>();
  config.loss.variance = 0.5;
  config.loss.covariance = 0.25;
  const auto model = make_objective(config, Precision::fp32);
  const StepOutput out = model->forward(batch, key, nullptr);
  REQUIRE(out.parts.size() == 3);
  CHECK(out.parts[1].name == "variance");
  CHECK(out.parts[2].name == "covariance");
  CHECK(out.loss.item<double>() ==
        doctest::Approx(plain + out.parts[1].value.item<double>() + out.parts[2].value.item<double>()));
  // Predictions of a fresh model hardly vary: the hinge is near its weight.
  CHECK(out.parts[1].value.item<double>() / static_cast<double>(out.sample_size) > 0.2);
  model->backward(out.loss, 1);
  CHECK(model->gradients().isfinite().all().item<bool>());
}
