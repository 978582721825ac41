#include "d2v/eval/simple_features.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "d2v/base/check.h"
#include "d2v/nn/aten.h"
#include "d2v/pipeline/log_mel.h"
#include "d2v/pipeline/utf8.h"

namespace d2v {

namespace {

constexpr int64_t largest_pixel_side = 32;
constexpr int64_t mel_bins = 80, coefficients = 20;

FeatureSource sound_statistics(std::string name, int64_t sample_rate, int64_t columns) {
  const LogMelSettings settings{.sample_rate = sample_rate, .bins = mel_bins};
  const auto window = static_cast<size_t>(std::ceil(settings.window_seconds * double(sample_rate)));
  return {std::move(name),
          [mel = std::make_shared<LogMel>(settings), columns, window](const SampleBatch& batch) {
            const at::Tensor sound = batch.input.contiguous();
            at::Tensor out = at::empty({sound.size(0), 1, 2 * columns}, at::kFloat);
            for (int64_t b = 0; b < sound.size(0); ++b) {
              const float* first = sound.const_data_ptr<float>() + b * sound.size(1);
              std::vector<float> samples(first, first + batch.extents[static_cast<size_t>(b)]);
              samples.resize(std::max(samples.size(), window));
              std::vector<float> frames(
                  static_cast<size_t>(mel->frames(static_cast<int64_t>(samples.size())) * mel_bins));
              (*mel)(samples, frames);
              if (columns != mel_bins) frames = mfcc(frames, mel_bins, columns);
              std::ranges::copy(mean_and_deviation(frames, columns),
                                out.mutable_data_ptr<float>() + b * 2 * columns);
            }
            return out;
          }};
}

// Of the valid rows of (b, 1, frames, bins); `columns`: coefficients, or 0 for the bins themselves.
FeatureSource frame_statistics(std::string name, int64_t columns) {
  return {std::move(name), [columns](const SampleBatch& batch) {
            const at::Tensor input = batch.input.contiguous();
            const int64_t bins = input.size(3), width = columns > 0 ? std::min(columns, bins) : bins;
            at::Tensor out = at::empty({input.size(0), 1, 2 * width}, at::kFloat);
            for (int64_t b = 0; b < input.size(0); ++b) {
              const float* first = input.const_data_ptr<float>() + b * input.size(2) * bins;
              std::vector<float> frames(first, first + batch.extents[static_cast<size_t>(b)] * bins);
              if (columns > 0) frames = mfcc(frames, bins, width);
              std::ranges::copy(mean_and_deviation(frames, width),
                                out.mutable_data_ptr<float>() + b * 2 * width);
            }
            return out;
          }};
}

// Hands every word of a text to `use`, in lower case.
template <class Use>
void each_word(std::string_view text, const Use& use) {
  std::string word;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char one = utf8_at(text, at);
    const CharKind kind = char_kind(one.code);
    if (kind == CharKind::letter || kind == CharKind::number) {
      for (const char c : text.substr(at, one.bytes))
        word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!word.empty()) {
      use(word);
      word.clear();
    }
    at += one.bytes;
  }
  if (!word.empty()) use(word);
}

}  // namespace

int64_t pixel_side(int64_t image_size) {
  const int64_t square = (image_size + largest_pixel_side - 1) / largest_pixel_side;
  return image_size / square;
}

FeatureSource raw_pixels(std::string name) {
  return {std::move(name), [](const SampleBatch& batch) {
            const at::Tensor& pixels = batch.input;
            const int64_t square = pixels.size(3) / pixel_side(pixels.size(3));
            const at::Tensor smaller = square > 1 ? at::avg_pool2d(pixels, {square, square}) : pixels;
            return smaller.flatten(1).unsqueeze(1);
          }};
}

FeatureSource log_mel_statistics(std::string name, int64_t sample_rate) {
  return sound_statistics(std::move(name), sample_rate, mel_bins);
}

FeatureSource mfcc_statistics(std::string name, int64_t sample_rate) {
  return sound_statistics(std::move(name), sample_rate, coefficients);
}

FeatureSource spectrogram_statistics(std::string name) { return frame_statistics(std::move(name), 0); }

FeatureSource spectrogram_mfcc_statistics(std::string name) {
  return frame_statistics(std::move(name), coefficients);
}

TfIdf::TfIdf(std::span<const std::string> texts, int64_t most) {
  std::map<std::string, int64_t> found;  // texts with the word
  for (const std::string& text : texts) {
    std::set<std::string> words;
    each_word(text, [&](const std::string& word) { words.insert(word); });
    for (const std::string& word : words) ++found[word];
  }
  std::vector<std::pair<std::string, int64_t>> order(found.begin(), found.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  order.resize(std::min(order.size(), static_cast<size_t>(most)));
  check<DataError>(!order.empty(), "TF-IDF: the {} texts of the training part have no words", texts.size());
  for (const auto& [word, count] : order) {
    columns_.emplace(word, words());
    rarity_.push_back(std::log((1.0 + double(texts.size())) / (1.0 + double(count))) + 1);
  }
}

int64_t TfIdf::column(std::string_view word) const {
  const auto found = columns_.find(word);
  return found == columns_.end() ? -1 : found->second;
}

void TfIdf::operator()(std::string_view text, std::span<float> out) const {
  std::map<int64_t, double> values;
  each_word(text, [&](const std::string& word) {
    if (const int64_t at = column(word); at >= 0) values[at] += rarity_[static_cast<size_t>(at)];
  });
  double squares = 0;
  for (const auto& [at, value] : values) squares += value * value;
  std::ranges::fill(out, 0.f);
  for (const auto& [at, value] : values)
    out[static_cast<size_t>(at)] = static_cast<float>(value / std::sqrt(squares));
}

FeatureSource tf_idf(std::string name, TfIdf words) {
  FeatureSource source{
      std::move(name), [words = std::make_shared<TfIdf>(std::move(words))](const SampleBatch& batch) {
        const int64_t count = static_cast<int64_t>(batch.texts.size()), width = words->words();
        at::Tensor out = at::empty({count, 1, width}, at::kFloat);
        for (int64_t b = 0; b < count; ++b)
          (*words)(batch.texts[static_cast<size_t>(b)],
                   {out.mutable_data_ptr<float>() + b * width, static_cast<size_t>(width)});
        return out;
      }};
  source.scale = ChannelScale::together;
  return source;
}

}  // namespace d2v
