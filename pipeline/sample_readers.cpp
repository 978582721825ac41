#include "sample_readers.h"

#include <algorithm>
#include <cmath>

#include "d2v/base/check.h"
#include "d2v/pipeline/image_reader.h"
#include "d2v/pipeline/spectrogram.h"
#include "d2v/pipeline/transforms.h"

namespace d2v {
namespace {

constexpr double kVarianceEps = 1e-5;

// Mean 0 and variance 1 over the samples. Sums in double, in order: the same bits everywhere.
void normalize(std::span<float> samples, const std::string& file) {
  double sum = 0, squares = 0;
  for (const float x : samples) sum += x;
  const double count = static_cast<double>(samples.size()), mean = sum / count;
  for (const float x : samples) squares += (x - mean) * (x - mean);
  check<DataError>(squares > 0, "{}: silent: all of its {} samples here are equal", file, samples.size());
  const double scale = 1 / std::sqrt(squares / count + kVarianceEps);
  for (float& x : samples) x = static_cast<float>((x - mean) * scale);
}

// Where `length` of a recording's samples begin: anywhere in training, else in the middle.
int64_t first_sample(int64_t all, int64_t length, bool training, RngKey key) {
  if (!training) return (all - length) / 2;
  key.stream = Stream::crop;
  return static_cast<int64_t>(Philox(key).uniform() * static_cast<double>(all - length + 1));
}

ByteSource bytes_of(const FolderSource& source, uint32_t row, SampleScratch& scratch) {
  const StageTimer timer(&scratch.times, Stage::read);
  return source.bytes_of(row, scratch.file);
}

const FolderSource& folder_of(const Source& source) {
  const auto* folder = dynamic_cast<const FolderSource*>(&source);
  check(folder != nullptr, "{}: expected a folder of {}", source.where(), samples_word(source.modality()));
  return *folder;
}

}  // namespace

ReadSample picture_reader(const FolderSource& source, const LoaderSettings& settings) {
  return [&source, image = settings.image, max_pixels = settings.data.max_pixels,
          scaling = settings.data.jpeg_scaling, training = settings.mode == LoaderMode::train,
          normalize = Normalizer(settings.image)](const SampleRead& sample, const RngKey& key,
                                                  const SliceShape&, SampleScratch& scratch,
                                                  const SampleOut& out) -> int64_t {
    StageTimes* times = &scratch.times;
    {
      const StageTimer timer(times, Stage::read);
      source.read(sample.row, scratch.file);
    }
    times->bytes += static_cast<int64_t>(scratch.file.size());
    const Image picture = training ? training_picture(scratch.file, image, max_pixels, key, times, scaling)
                                   : center_picture(scratch.file, image, max_pixels, times);
    const StageTimer timer(times, Stage::normalize);
    normalize(picture, out.input);
    return 0;
  };
}

ReadSample recording_reader(const FolderSource& source, const LoaderSettings& settings) {
  auto reader = std::make_shared<AudioReader>(settings.speech.sample_rate);
  return [&source, reader, normalized = settings.speech.normalize,
          training = settings.mode == LoaderMode::train](const SampleRead& sample, const RngKey& key,
                                                         const SliceShape& shape, SampleScratch& scratch,
                                                         const SampleOut& out) {
    const int64_t all = source.samples[sample.row].length, length = std::min(all, shape.length);
    const int64_t first = first_sample(all, length, training, key);
    const std::span<float> sound = out.input.first(static_cast<size_t>(length));
    const ByteSource bytes = bytes_of(source, sample.row, scratch);
    reader->read(bytes, first, sound, scratch.audio);
    const StageTimer timer(&scratch.times, Stage::normalize);
    if (normalized) normalize(sound, bytes.name());
    std::fill(out.input.begin() + length, out.input.end(), 0.0f);
    return length;
  };
}

ReadSample spectrogram_reader(const FolderSource& source, const LoaderSettings& settings) {
  auto reader = std::make_shared<AudioReader>(settings.spectrogram.sample_rate);
  auto spectrogram = std::make_shared<Spectrogram>(settings.spectrogram);
  return [&source, reader, spectrogram, training = settings.mode == LoaderMode::train](
             const SampleRead& sample, const RngKey& key, const SliceShape&, SampleScratch& scratch,
             const SampleOut& out) -> int64_t {
    const int64_t all = source.samples[sample.row].length, length = std::min(all, spectrogram->samples());
    const ByteSource bytes = bytes_of(source, sample.row, scratch);
    scratch.sound.resize(static_cast<size_t>(length));
    reader->read(bytes, first_sample(all, length, training, key), scratch.sound, scratch.audio);
    const StageTimer timer(&scratch.times, Stage::normalize);
    const auto [least, most] = std::minmax_element(scratch.sound.begin(), scratch.sound.end());
    check<DataError>(*least < *most, "{}: silent: all of its {} samples here are equal", bytes.name(),
                     length);
    (*spectrogram)(scratch.sound, out.input);
    return 0;
  };
}

ReadSample block_reader(const TextSource& source, const LoaderSettings&) {
  return [&source](const SampleRead& sample, const RngKey&, const SliceShape& shape, SampleScratch& scratch,
                   const SampleOut& out) {
    const StageTimer timer(&scratch.times, Stage::read);
    const TextBlock& block = source.blocks[sample.row];
    const int64_t length = std::min(block.length, shape.length), size = source.vocabulary.size;
    const std::span<int64_t> tokens = out.tokens.first(static_cast<size_t>(length));
    tokens[0] = source.vocabulary.bos;
    source.read(block, tokens.subspan(1));
    if (source.file) scratch.times.bytes += (length - 1) * source.file->bytes_per_token();
    const auto wrong =
        std::find_if(tokens.begin(), tokens.end(), [&](int64_t t) { return t < 0 || t >= size; });
    check<DataError>(wrong == tokens.end(),
                     "{}: {} hold the id {}, the vocabulary has {}; the file was made with another one",
                     source.where(), source.name(sample.row), wrong == tokens.end() ? 0 : *wrong, size);
    std::fill(out.tokens.begin() + length, out.tokens.end(), source.vocabulary.pad);
    return length;
  };
}

ReadSample text_reader(const FolderSource& source) {
  return [&source](const SampleRead& sample, const RngKey&, const SliceShape& shape, SampleScratch& scratch,
                   const SampleOut& out) {
    const StageTimer timer(&scratch.times, Stage::read);
    const std::vector<int64_t>& tokens =
        source.texts->tokens[static_cast<size_t>(source.samples[sample.row].text)];
    const auto length = std::min(static_cast<int64_t>(tokens.size()), shape.length);
    std::copy_n(tokens.begin(), length, out.tokens.begin());
    std::fill(out.tokens.begin() + length, out.tokens.end(), source.texts->vocabulary.pad);
    return length;
  };
}

ReadSample mixed_reader(const MixedSource& source, const LoaderSettings& settings) {
  std::vector<ReadSample> readers;
  for (const MixPart& part : source.parts()) readers.push_back(sample_reader(*part.source, settings));
  return [&source, readers](const SampleRead& sample, const RngKey& key, const SliceShape& shape,
                            SampleScratch& scratch, const SampleOut& out) {
    const auto [part, row] = source.place(sample.row);
    return readers[part]({row, sample.ref}, key, shape, scratch, out);
  };
}

ReadSample sample_reader(const Source& source, const LoaderSettings& settings) {
  if (const auto* mix = dynamic_cast<const MixedSource*>(&source)) return mixed_reader(*mix, settings);
  switch (source.modality()) {
    case Modality::speech:
      return recording_reader(folder_of(source), settings);
    case Modality::spectrogram:
      return spectrogram_reader(folder_of(source), settings);
    case Modality::text:
      if (const auto* blocks = dynamic_cast<const TextSource*>(&source))
        return block_reader(*blocks, settings);
      return text_reader(folder_of(source));
    default:
      return picture_reader(folder_of(source), settings);
  }
}

}  // namespace d2v
