#include "d2v/base/conv_layers.h"

#include <charconv>
#include <string>

#include "d2v/base/check.h"

namespace d2v {

namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

int64_t positive(std::string_view text, std::string_view part) {
  text = trim(text);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check<UsageError>(
      error == std::errc{} && end == text.data() + text.size() && value > 0 && value <= 65536,
      "speech.conv_layers: expected channels:kernel:stride, perhaps with ':mean' or 'xN', such as "
      "'512:3:2 x4', found '{}'",
      part);
  return value;
}

// Text up to `separator`, which is removed with it; all of it where there is none.
std::string_view next(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view out = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return out;
}

// Whether `stride` ends in ":mean", which is removed.
bool take_mean(std::string_view& stride) {
  const size_t colon = stride.find(':');
  if (colon == std::string_view::npos || trim(stride.substr(colon + 1)) != "mean") return false;
  stride = stride.substr(0, colon);
  return true;
}

}  // namespace

std::vector<ConvLayer> parse_conv_layers(std::string_view text) {
  constexpr size_t most = 64;
  std::vector<ConvLayer> out;
  while (!text.empty()) {
    const std::string_view part = trim(next(text, ','));
    std::string_view layer = part;
    int64_t count = 1;
    if (const size_t times = part.find('x'); times != std::string_view::npos) {
      count = positive(part.substr(times + 1), part);
      layer = part.substr(0, times);
    }
    const int64_t channels = positive(next(layer, ':'), part);
    const int64_t kernel = positive(next(layer, ':'), part);
    const bool mean = take_mean(layer);
    const int64_t stride = positive(layer, part);
    check<UsageError>(
        !mean || !out.empty(),
        "speech.conv_layers: expected a first layer without 'mean', since it reads the waveform itself, "
        "found '{}'",
        part);
    check<UsageError>(out.size() + static_cast<size_t>(count) <= most,
                      "speech.conv_layers: expected at most {} layers, found more", most);
    out.insert(out.end(), static_cast<size_t>(count), {channels, kernel, stride, mean});
  }
  check<UsageError>(!out.empty(), "speech.conv_layers: expected at least one layer, found none");
  return out;
}

int64_t conv_frames(const std::vector<ConvLayer>& layers, int64_t samples) {
  for (const ConvLayer& layer : layers)
    samples = samples < layer.kernel ? 0 : (samples - layer.kernel) / layer.stride + 1;
  return samples;
}

int64_t conv_samples(const std::vector<ConvLayer>& layers, int64_t frames) {
  for (size_t i = layers.size(); i > 0; --i)
    frames = (frames - 1) * layers[i - 1].stride + layers[i - 1].kernel;
  return frames;
}

}  // namespace d2v
