#include "d2v/eval/features.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"

namespace d2v {

namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// (b, T, D) -> (b, D), over the first lengths[b] positions.
at::Tensor mean_over_time(const at::Tensor& tokens, const at::Tensor& lengths) {
  if (!lengths.defined()) return tokens.mean(1);
  const at::Tensor counts = lengths.to(tokens.device()).unsqueeze(1);
  const at::Tensor valid = at::arange(tokens.size(1), counts.options()).unsqueeze(0).lt(counts).unsqueeze(2);
  return at::where(valid, tokens, 0.f).sum(1) / counts;
}

}  // namespace

std::vector<int64_t> parse_layers(const std::string& text, int64_t blocks) {
  std::vector<int64_t> layers;
  for (size_t start = 0; start <= text.size();) {
    const size_t end = std::min(text.find('+', start), text.size());
    const std::string part = text.substr(start, end - start);
    int64_t number = part == "last" ? blocks : part == "middle" ? (blocks + 1) / 2 : 0;
    if (number == 0) {
      const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), number);
      check<UsageError>(
          error == std::errc() && stop == part.data() + part.size() && number >= 1 && number <= blocks,
          "layer '{}': expected a block number from 1 to {}, 'last', 'middle', or several joined by "
          "'+', such as 'middle+last'",
          text, blocks);
    }
    layers.push_back(number);
    start = end + 1;
  }
  return layers;
}

std::string layers_text(const std::vector<int64_t>& layers) {
  return fmt::format("{}", fmt::join(layers, "+"));
}

at::Tensor pooled_layers(const Features& features, const std::vector<int64_t>& layers, Pooling pooling,
                         const at::Tensor& lengths) {
  const int64_t extra = features.extra_tokens;
  check<UsageError>(pooling != Pooling::cls || extra > 0,
                    "this model has no extra token, so no CLS token: use the "
                    "mean over tokens");
  std::vector<at::Tensor> parts;
  for (const int64_t layer : layers) {
    check(layer >= 1 && layer <= static_cast<int64_t>(features.layers.size()), "no block {} of {}", layer,
          features.layers.size());
    const at::Tensor& tokens = features.layers[static_cast<size_t>(layer - 1)];
    if (pooling == Pooling::mean)
      parts.push_back(mean_over_time(tokens.slice(1, extra).to(at::kFloat), lengths));
    if (pooling == Pooling::cls) parts.push_back(tokens.select(1, extra - 1).to(at::kFloat));
    if (pooling == Pooling::all) parts.push_back(tokens.to(at::kFloat));
  }
  return at::stack(parts, 1);
}

FeatureSource network_features(std::string name, Objective& objective, Network which,
                               std::vector<int64_t> layers, Pooling pooling) {
  return {std::move(name),
          [&objective, which, layers = std::move(layers), pooling](const SampleBatch& batch) {
            return pooled_layers(objective.embed_padded(batch.input, batch.lengths, which), layers, pooling,
                                 batch.lengths);
          }};
}

ExtractedFeatures extract(const Samples& samples, const std::vector<FeatureSource>& sources) {
  const at::NoGradGuard no_gradients;
  ExtractedFeatures result;
  result.sources.resize(sources.size());
  std::vector<int64_t> rows;
  samples.each_batch([&](const SampleBatch& given) {
    const int64_t first = static_cast<int64_t>(rows.size());
    rows.insert(rows.end(), given.rows.begin(), given.rows.end());
    for (size_t s = 0; s < sources.size(); ++s) {
      SourceFeatures& out = result.sources[s];
      const double start = seconds_now();
      const at::Tensor batch = sources[s].compute(given);
      if (!out.values.defined()) {
        std::vector<int64_t> shape = batch.sizes().vec();
        shape[0] = samples.size();
        out.values = at::empty(shape, at::kFloat);
      }
      out.values.slice(0, first, first + batch.size(0)).copy_(batch);
      out.seconds += seconds_now() - start;
    }
  });
  check<DataError>(!rows.empty(), "none of the {} {} could be read", samples.size(), samples.word);
  const int64_t count = static_cast<int64_t>(rows.size());
  result.rows = at::tensor(rows, at::kLong);
  for (size_t s = 0; s < sources.size(); ++s) {
    at::Tensor& values = result.sources[s].values;
    values = values.slice(0, 0, count);
    check<DataError>(at::isfinite(values.sum(at::kDouble)).item<bool>(),
                     "features of '{}' are not finite: the weights are damaged, or training diverged",
                     sources[s].name);
  }
  return result;
}

}  // namespace d2v
