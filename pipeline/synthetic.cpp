#include "d2v/pipeline/synthetic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "d2v/base/check.h"
#include "d2v/base/philox.h"
#include "listed_samples.h"

namespace d2v {
namespace {

// What is drawn of a sample; part of its key.
enum Part : uint64_t { content, length };

Philox draws(const SyntheticSet& set, int64_t i, Part part) {
  return Philox({.seed = set.seed, .stream = Stream::synthetic, .step = part, .sample = set.id(i)});
}

// 0 to 255 and back to 0 as the phase goes round once.
int32_t wave(uint32_t phase) {
  const auto step = static_cast<int32_t>(phase >> 23);
  return step < 256 ? step : 511 - step;
}

template <class T>
void put(std::vector<uint8_t>& bytes, T value) {
  const size_t at = bytes.size();
  bytes.resize(at + sizeof value);
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

void put_text(std::vector<uint8_t>& bytes, std::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
}

void make_picture(const SyntheticSet& set, int64_t i, std::vector<uint8_t>& bytes) {
  Philox random = draws(set, i, content);
  int64_t columns = 1;  // classes as a grid of repetitions along x and y
  while (columns * columns < set.classes) ++columns;
  const auto side = static_cast<uint64_t>(set.side);
  const uint64_t across = static_cast<uint64_t>(1 + set.label(i) % columns),
                 down = static_cast<uint64_t>(1 + set.label(i) / columns);
  const auto step_x = static_cast<uint32_t>((across << 32) / side),
             step_y = static_cast<uint32_t>((down << 32) / side);
  const uint32_t start = random();
  std::array<int32_t, 3> light{}, dark{};
  for (int c = 0; c < 3; ++c) {
    dark[c] = static_cast<int32_t>(random.below(120));
    light[c] = dark[c] + 60 + static_cast<int32_t>(random.below(76));
  }
  bytes.clear();
  put_text(bytes, fmt::format("P6\n{} {}\n255\n", set.side, set.side));
  bytes.reserve(bytes.size() + side * side * 3);
  for (uint32_t y = 0; y < side; ++y) {
    for (uint32_t x = 0; x < side; ++x) {
      const int32_t level = wave(start + x * step_x + y * step_y);
      const uint32_t noise = random();
      for (int c = 0; c < 3; ++c) {
        const int32_t value =
            dark[c] + (light[c] - dark[c]) * level / 255 + static_cast<int32_t>(noise >> (8 * c) & 31) - 16;
        bytes.push_back(static_cast<uint8_t>(std::clamp(value, 0, 255)));
      }
    }
  }
}

void make_recording(const SyntheticSet& set, int64_t i, std::vector<uint8_t>& bytes) {
  Philox random = draws(set, i, content);
  const auto count = static_cast<uint32_t>(set.recording_samples(i)), rate = static_cast<uint32_t>(set.rate);
  const uint64_t hertz = 100 + 300 * static_cast<uint64_t>(set.label(i)) / static_cast<uint64_t>(set.classes);
  const auto step = static_cast<uint32_t>((hertz << 32) / rate),
             pulse = static_cast<uint32_t>((uint64_t{1 + random.below(3)} << 32) / rate);
  const auto loudness = static_cast<int32_t>(30 + random.below(60));
  uint32_t tone = random(), swell = random();
  bytes.clear();
  bytes.reserve(44 + 2 * size_t{count});
  put_text(bytes, "RIFF");
  put(bytes, 36 + 2 * count);
  put_text(bytes, "WAVEfmt ");
  put(bytes, uint32_t{16});
  put(bytes, uint16_t{1});  // integers
  put(bytes, uint16_t{1});  // one channel
  put(bytes, rate);
  put(bytes, 2 * rate);
  put(bytes, uint16_t{2});
  put(bytes, uint16_t{16});
  put_text(bytes, "data");
  put(bytes, 2 * count);
  for (uint32_t k = 0; k < count; ++k) {
    const int32_t sound = (wave(tone) - 128) * (64 + wave(swell)) * loudness / 128;
    put(bytes, static_cast<int16_t>(sound + static_cast<int32_t>(random() >> 22) - 512));
    tone += step;
    swell += pulse;
  }
}

}  // namespace

std::string SyntheticSet::name(int64_t i) const { return fmt::format("{}/{:09}", label(i), i); }

void SyntheticSet::make_file(int64_t i, std::vector<uint8_t>& bytes) const {
  check(modality != Modality::text, "{}: texts have no files", spec);
  modality == Modality::image ? make_picture(*this, i, bytes) : make_recording(*this, i, bytes);
}

int64_t SyntheticSet::recording_samples(int64_t i) const {
  const auto samples = [&](double seconds) {
    return std::max<int64_t>(1, std::llround(seconds * static_cast<double>(rate)));
  };
  const int64_t least = samples(seconds_min);
  return least + draws(*this, i, length).below(static_cast<uint32_t>(samples(seconds_max) - least + 1));
}

void SyntheticSet::make_tokens(int64_t i, std::span<int64_t> out) const {
  Philox random = draws(*this, i, content);
  const auto words = static_cast<uint32_t>(vocabulary) - kFirstToken - 1;  // without <mask>
  const uint64_t of_class = static_cast<uint64_t>(label(i));
  uint64_t word = random.below(words);
  for (int64_t& token : out) {
    if (random.below(2) == 0) {
      word = (word * 5 + 7 + of_class) % words;
    } else {
      word =
          (random.below(random.below(words) + 1) + of_class * words / static_cast<uint64_t>(classes)) % words;
    }
    token = static_cast<int64_t>(kFirstToken + word);
  }
}

Vocabulary SyntheticSet::token_vocabulary() const {
  Vocabulary made;
  made.size = static_cast<uint32_t>(vocabulary);
  made.mask = made.size - 1;
  return made;
}

FolderSource synthetic_source(const std::string& spec, Modality modality, const DataConfig& config) {
  auto set = std::make_shared<SyntheticSet>(parse_synthetic(spec, modality));
  FolderSource source;
  source.kind = modality;
  source.root = spec;
  std::vector<ListedSample> listed(static_cast<size_t>(set->samples));
  for (int64_t i = 0; i < set->samples; ++i) {
    ListedSample& one = listed[static_cast<size_t>(i)];
    one.sample.path = set->name(i);
    one.sample.entry = i;
    one.class_name = std::to_string(set->label(i));
  }
  add_listed(source, std::move(listed), config);
  source.made = std::move(set);
  return source;
}

FolderSource synthetic_texts(const std::string& spec, int64_t block, const DataConfig& config) {
  FolderSource source = synthetic_source(spec, Modality::text, config);
  auto rows = std::make_shared<TextRows>();
  rows->vocabulary = source.made->token_vocabulary();
  for (FolderSample& sample : source.samples) {
    std::vector<int64_t> tokens(static_cast<size_t>(block));
    tokens.front() = rows->vocabulary.bos;
    tokens.back() = rows->vocabulary.eos;
    const auto words = std::span(tokens).subspan(1, tokens.size() - 2);
    source.made->make_tokens(sample.entry, words);
    std::string text;
    for (const int64_t word : words) text += fmt::format("{}w{}", text.empty() ? "" : " ", word);
    sample.length = block;
    sample.text = static_cast<int64_t>(rows->texts.size());
    rows->texts.push_back(std::move(text));
    rows->tokens.push_back(std::move(tokens));
  }
  source.texts = std::move(rows);
  return source;
}

}  // namespace d2v
