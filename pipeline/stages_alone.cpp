#include "stages_alone.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "d2v/base/check.h"
#include "d2v/pipeline/resize.h"
#include "d2v/pipeline/transforms.h"
#include "sample_lengths.h"
#include "sample_readers.h"

namespace d2v {
namespace {

using AloneClock = std::chrono::steady_clock;

constexpr size_t kKeptSamples = 64;
constexpr int64_t kMostSoundSeconds = 20;

// `work(i)` for i = 0 … count - 1 in turn, until the time is over; at least once each.
template <class Work>
StageAlone repeat(Stage stage, size_t count, double seconds, const Work& work) {
  StageAlone result{.stage = stage};
  const auto start = AloneClock::now();
  do {
    for (size_t i = 0; i < count; ++i) work(i);
    result.samples += static_cast<int64_t>(count);
    result.seconds = std::chrono::duration<double>(AloneClock::now() - start).count();
  } while (result.seconds < seconds);
  return result;
}

// A sample, also of a mix: its own source and row there.
struct Place {
  const Source* source;
  uint32_t row;
};
Place place_of(const Source& source, uint32_t row) {
  const auto* mix = dynamic_cast<const MixedSource*>(&source);
  if (mix == nullptr) return {&source, row};
  const auto [part, there] = mix->place(row);
  return {mix->parts()[part].source.get(), there};
}

std::vector<uint32_t> some_rows_of(const Source& source) {
  const size_t count = std::min(source.size(), kKeptSamples);
  std::vector<uint32_t> rows(count);
  for (size_t i = 0; i < count; ++i) rows[i] = static_cast<uint32_t>(i * source.size() / count);
  return rows;
}

// A file in memory.
struct KeptFile {
  Place place;
  std::vector<uint8_t> bytes;
};

// Those of the rows that `usable` takes without a DataError.
template <class Usable>
std::vector<KeptFile> kept_files(const Source& source, const Usable& usable) {
  std::vector<KeptFile> files;
  for (const uint32_t row : some_rows_of(source)) {
    KeptFile file{place_of(source, row), {}};
    const auto* folder = dynamic_cast<const FolderSource*>(file.place.source);
    if (folder == nullptr) continue;
    try {
      folder->read(file.place.row, file.bytes);
      usable(file);
      files.push_back(std::move(file));
    } catch (const DataError&) {
      continue;
    }
  }
  return files;
}

StageAlone read_alone(const std::vector<KeptFile>& files, double seconds) {
  std::vector<uint8_t> bytes;
  int64_t all = 0;
  StageAlone result = repeat(Stage::read, files.size(), seconds, [&](size_t i) {
    static_cast<const FolderSource&>(*files[i].place.source).read(files[i].place.row, bytes);
    all += static_cast<int64_t>(bytes.size());
  });
  result.bytes = all;
  return result;
}

StageAlone masks_alone(const Source& source, const LoaderSettings& settings, double seconds) {
  const SampleGeometry geometry(source.modality(), settings);
  std::vector<int64_t> lengths = used_lengths(source, settings);
  const auto middle = lengths.begin() + static_cast<int64_t>(lengths.size() / 2);
  if (!lengths.empty()) std::nth_element(lengths.begin(), middle, lengths.end());
  const MaskPlan plan = plan_masks(settings.mask, geometry.grid(lengths.empty() ? 0 : *middle));
  std::vector<int64_t> visible(static_cast<size_t>(plan.visible)), masked(static_cast<size_t>(plan.masked));
  MaskScratch scratch;
  RngKey key{.seed = settings.seed, .stream = Stream::mask};
  return repeat(Stage::masks, kKeptSamples, seconds, [&](size_t) {
    ++key.sample;
    for (int64_t clone = 0; clone < settings.mask.clones; ++clone) {
      key.clone = static_cast<uint32_t>(clone);
      draw_mask(plan, key, scratch, visible, masked);
    }
  });
}

std::vector<StageAlone> pictures_alone(const Source& source, const LoaderSettings& settings, double seconds) {
  const int64_t most = settings.data.max_pixels, side = settings.image.size;
  std::vector<Image> boxes, small;
  const std::vector<KeptFile> files = kept_files(source, [&](const KeptFile& file) {
    const ImageInfo info = read_image_info(file.bytes, most);
    const RngKey key{.seed = settings.seed, .sample = file.place.source->id(file.place.row)};
    Image box = decode_box(file.bytes, info, draw_crop(settings.image, info.width, info.height, key).box);
    small.push_back(resize_bicubic(box, side, side));
    boxes.push_back(std::move(box));
  });
  if (files.empty()) return {};
  const size_t count = files.size();
  const double each = seconds / 5;
  std::vector<StageAlone> stages{read_alone(files, each)};
  stages.push_back(repeat(Stage::decode, count, each, [&](size_t i) { decode_image(files[i].bytes, most); }));
  for (const KeptFile& file : files) stages.back().bytes += static_cast<int64_t>(file.bytes.size());
  stages.back().bytes *= stages.back().samples / static_cast<int64_t>(count);
  stages.push_back(
      repeat(Stage::resize, count, each, [&](size_t i) { resize_bicubic(boxes[i], side, side); }));
  const Normalizer normalizer(settings.image);
  std::vector<float> pixels(static_cast<size_t>(3 * side * side));
  stages.push_back(repeat(Stage::normalize, count, each, [&](size_t i) { normalizer(small[i], pixels); }));
  stages.push_back(masks_alone(source, settings, each));
  return stages;
}

std::vector<StageAlone> recordings_alone(const Source& source, const LoaderSettings& settings,
                                         double seconds) {
  const int64_t rate = source.modality() == Modality::spectrogram ? settings.spectrogram.sample_rate
                                                                  : settings.speech.sample_rate;
  const AudioReader reader(rate);
  StageTimes times;
  AudioScratch scratch;
  scratch.times = &times;
  std::vector<float> sound;
  const auto decode = [&](const KeptFile& file) {
    const int64_t length = file.place.source->length(file.place.row);
    sound.resize(static_cast<size_t>(std::min(length, kMostSoundSeconds * rate)));
    reader.read(ByteSource(file.bytes, file.place.source->name(file.place.row)), 0, sound, scratch);
  };
  const std::vector<KeptFile> files = kept_files(source, decode);
  if (files.empty()) return {};
  const double each = seconds / 3;
  std::vector<StageAlone> stages{read_alone(files, each)};
  times = {};
  const StageAlone both = repeat(Stage::decode, files.size(), each, [&](size_t i) { decode(files[i]); });
  for (const Stage stage : {Stage::decode, Stage::resample})
    stages.push_back({stage, both.samples, static_cast<double>(times[stage]) / 1e9, times.bytes});
  stages.push_back(masks_alone(source, settings, each));
  return stages;
}

std::vector<StageAlone> texts_alone(const Source& source, const LoaderSettings& settings, double seconds) {
  const std::vector<uint32_t> rows = some_rows_of(source);
  std::vector<int64_t> tokens;
  int64_t bytes = 0;
  StageAlone read = repeat(Stage::read, rows.size(), seconds / 2, [&](size_t i) {
    const Place place = place_of(source, rows[i]);
    const auto* text = dynamic_cast<const TextSource*>(place.source);
    if (text == nullptr) return;
    const TextBlock& block = text->blocks[place.row];
    tokens.resize(static_cast<size_t>(block.length - 1));
    text->read(block, tokens);
    if (text->file) bytes += (block.length - 1) * text->file->bytes_per_token();
  });
  read.bytes = bytes;
  return {read, masks_alone(source, settings, seconds / 2)};
}

}  // namespace

std::vector<StageAlone> stages_alone(const Source& source, const LoaderSettings& settings, double seconds) {
  if (source.size() == 0) return {};
  switch (source.modality()) {
    case Modality::text:
      return texts_alone(source, settings, seconds);
    case Modality::speech:
    case Modality::spectrogram:
      return recordings_alone(source, settings, seconds);
    default:
      return pictures_alone(source, settings, seconds);
  }
}

}  // namespace d2v
