#include "d2v/eval/folder_samples.h"

#include <algorithm>

#include <ATen/Parallel.h>

#include "d2v/base/check.h"
#include "d2v/base/log.h"
#include "d2v/base/patches.h"
#include "d2v/eval/neighbours.h"
#include "d2v/nn/aten.h"
#include "d2v/pipeline/image_splits.h"
#include "d2v/pipeline/labelled_source.h"
#include "d2v/pipeline/loader.h"
#include "d2v/pipeline/near_duplicates.h"
#include "d2v/pipeline/spectrogram.h"

namespace d2v {

namespace {

std::string word_of(const FolderSource& source) {
  return source.texts ? "texts" : std::string(samples_word(source.kind));
}

// So many samples that a forward pass holds at most about a minute of sound, or 16,384 tokens or patches of spectrograms.
int64_t batch_of(const FolderSource& source, const Config& config) {
  if (source.kind == Modality::image) return config.probe.batch;
  if (source.kind == Modality::spectrogram)
    return std::clamp<int64_t>(16384 / patch_grid(config.spectrogram).positions(), 1, config.probe.batch);
  const bool sound = source.kind == Modality::speech;
  const double most = sound ? config.speech.max_seconds * static_cast<double>(config.speech.sample_rate)
                            : static_cast<double>(config.text.block);
  double longest = 1;
  for (const FolderSample& sample : source.samples)
    longest = std::max(longest, std::min(most, static_cast<double>(sample.length)));
  const double budget = sound ? 64 * static_cast<double>(config.speech.sample_rate) : 16384;
  return std::clamp<int64_t>(static_cast<int64_t>(budget / longest), 1, config.probe.batch);
}

SampleBatch sample_batch(const FolderSource& source, const Config& config, Batch& batch) {
  const DeviceBatch tensors = to_tensors(batch);
  SampleBatch out{{batch.rows.begin(), batch.rows.end()}, tensors.input, tensors.lengths};
  if (source.kind == Modality::image) return out;
  for (const uint32_t row : batch.rows) {
    out.extents.push_back(source.kind == Modality::spectrogram
                              ? spectrogram_frames(config.spectrogram, source.length(row))
                              : std::min(source.length(row), batch.input_shape[1]));
    if (source.texts) out.texts.push_back(source.texts->texts[static_cast<size_t>(source.samples[row].text)]);
  }
  return out;
}

void warn_about(const std::vector<BadFile>& bad, size_t total, const std::string& word) {
  if (bad.empty()) return;
  std::string first;
  for (size_t i = 0; i < std::min<size_t>(bad.size(), 5); ++i)
    first += fmt::format("\n  {}: {}", bad[i].path, bad[i].reason);
  log_warning("{} of {} {} could not be read and were left out{}:{}", bad.size(), total, word,
              bad.size() > 5 ? ", the first of them" : "", first);
}

constexpr uint64_t split_seed = 0;  // the same for all runs, so that their figures compare

FolderSource open_for_probe(const Config& config, const std::string& classes) {
  FolderSource all = open_labelled(config, classes);
  log_info("{}", describe(all));
  const auto unlabelled =
      std::count_if(all.samples.begin(), all.samples.end(), [](auto& s) { return s.label < 0; });
  check<DataError>(unlabelled == 0 && all.classes.size() >= 2,
                   "{}: a probe needs {} in at least two sub-folders, one per class, or other classes "
                   "(--classes PATTERN, a "
                   "table of lines label<TAB>path); found {} classes and {} outside of any",
                   config.data.path, word_of(all), all.classes.size(), unlabelled);
  return all;
}

at::Tensor rows_tensor(const std::vector<uint32_t>& rows) {
  return at::tensor(std::vector<int64_t>(rows.begin(), rows.end()), at::kLong);
}

}  // namespace

Samples folder_samples(const FolderSource& source, const Config& config) {
  Samples samples;
  samples.word = word_of(source);
  std::vector<int64_t> labels;
  for (const FolderSample& sample : source.samples) labels.push_back(sample.label);
  samples.labels = at::tensor(labels, at::kLong);
  samples.each_batch = [&source, config](const UseSamples& use) {
    LoaderSettings settings;
    settings.mode = LoaderMode::embed;
    settings.data = config.data;
    settings.data.batch = batch_of(source, config);
    settings.image = config.image;
    settings.speech = config.speech;
    settings.text = config.text;
    settings.spectrogram = config.spectrogram;
    settings.mask = config.mask;
    settings.seed = static_cast<uint64_t>(config.run.seed);
    settings.threads = loader_threads(config.data, at::get_num_threads());
    Loader loader(source, settings);
    while (BatchPtr batch = loader.next()) {
      if (batch->samples > 0) use(sample_batch(source, config, *batch));
      loader.recycle(std::move(batch));
    }
    warn_about(loader.bad_files(), source.size(), word_of(source));
  };
  return samples;
}

std::vector<SimpleFeatures> simple_features(const FolderSource& train, const Config& config) {
  switch (train.kind) {
    case Modality::speech:
      return {{log_mel_statistics("log-mel", config.speech.sample_rate), "log-mel", "mean+std"},
              {mfcc_statistics("MFCC", config.speech.sample_rate), "MFCC", "mean+std"}};
    case Modality::spectrogram:
      return {{spectrogram_statistics("log-mel"), "log-mel", "mean+std"},
              {spectrogram_mfcc_statistics("MFCC"), "MFCC", "mean+std"}};
    case Modality::text: {
      std::vector<std::string> texts;
      for (const FolderSample& sample : train.samples)
        texts.push_back(train.texts->texts[static_cast<size_t>(sample.text)]);
      return {{tf_idf("TF-IDF", TfIdf(texts)), "words", "TF-IDF"}};
    }
    default: {
      const int64_t side = pixel_side(config.image.size);
      return {{raw_pixels("raw pixels"), "pixels", fmt::format("{}x{}", side, side)}};
    }
  }
}

ProbeFolder probe_folder(const Config& config, const std::string& classes) {
  FolderSource all = open_for_probe(config, classes);
  if (all.kind == Modality::image && !all.split_folders)
    group_near_duplicates(all, config.data.max_pixels, config.data.threads);
  const ImageSplits splits = split_source(all, config.probe.valid_share, config.probe.test_share, split_seed);
  check<DataError>(!splits.test.empty() && !splits.valid.empty(),
                   "{}: too few {} to split: {} for training, {} for validation, {} for the test",
                   config.data.path, word_of(all), splits.train.size(), splits.valid.size(),
                   splits.test.size());
  return {subset(all, chosen_rows(all, splits.train, config.probe.max_train)), subset(all, splits.valid),
          subset(all, splits.test), config};
}

ProbeSplits ProbeFolder::splits() const {
  return {folder_samples(train, config), folder_samples(valid, config), folder_samples(test, config),
          train.classes, simple_features(train, config)};
}

FoldedFolder folded_folder(const Config& config, int64_t count, const std::string& leave_out,
                           const std::string& classes) {
  FolderSource all = open_for_probe(config, classes);
  if (all.split_folders) log_info("folds: the parts of {} are put together", config.data.path);
  if (all.kind == Modality::image && leave_out.empty())
    group_near_duplicates(all, config.data.max_pixels, config.data.threads);
  Folds folds = leave_out.empty() ? stratified_folds(all, count, split_seed) : folds_by_name(all, leave_out);
  return {std::move(all), std::move(folds), config};
}

FoldedSamples FoldedFolder::samples() const {
  FoldedSamples out;
  out.samples = folder_samples(all, config);
  out.classes = all.classes;
  if (all.texts)  // words are counted in what trains a fold
    out.fitted = [this](const at::Tensor& train) {
      const int64_t* first = train.const_data_ptr<int64_t>();
      return simple_features(subset(all, std::vector<uint32_t>(first, first + train.size(0))), config);
    };
  else
    out.simple = simple_features(all, config);
  for (size_t f = 0; f < folds.names.size(); ++f) {
    const ImageSplits rows = fold_split(folds, f);
    out.folds.push_back({folds.names[f], rows_tensor(chosen_rows(all, rows.train, config.probe.max_train)),
                         rows_tensor(rows.valid), rows_tensor(rows.test)});
  }
  return out;
}

}  // namespace d2v
