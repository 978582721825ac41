#include "d2v/eval/folder_pictures.h"

#include <algorithm>
#include <unordered_map>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "d2v/base/check.h"
#include "d2v/base/log.h"
#include "d2v/eval/neighbours.h"
#include "d2v/pipeline/image_splits.h"
#include "d2v/pipeline/loader.h"
#include "d2v/pipeline/near_duplicates.h"

namespace d2v {

namespace {

void warn_about(const std::vector<BadFile>& bad, size_t total) {
  if (bad.empty()) return;
  std::string first;
  for (size_t i = 0; i < std::min<size_t>(bad.size(), 5); ++i)
    first += fmt::format("\n  {}: {}", bad[i].path, bad[i].reason);
  log_warning("{} of {} pictures could not be read and were left out{}:{}", bad.size(), total,
              bad.size() > 5 ? ", the first of them" : "", first);
}

}  // namespace

Pictures folder_pictures(const ImageSource& source, const Config& config) {
  Pictures pictures;
  std::vector<int64_t> labels;
  for (const ImageSample& sample : source.samples) labels.push_back(sample.label);
  pictures.labels = at::tensor(labels, at::kLong);
  pictures.each_batch = [&source, config](const UsePictures& use) {
    std::unordered_map<uint64_t, int64_t> row_of;
    for (size_t row = 0; row < source.samples.size(); ++row) row_of.emplace(source.samples[row].id, row);
    LoaderSettings settings;
    settings.mode = LoaderMode::embed;
    settings.data = config.data;
    settings.data.batch = config.probe.batch;
    settings.image = config.image;
    settings.mask = config.mask;
    settings.seed = static_cast<uint64_t>(config.run.seed);
    settings.threads = loader_threads(config.data, at::get_num_threads());
    Loader loader(source, settings);
    while (BatchPtr batch = loader.next()) {
      if (batch->samples > 0) {
        std::vector<int64_t> rows;
        for (const SampleRef& ref : batch->refs) rows.push_back(row_of.at(ref.id));
        use(rows, at::from_blob(batch->input.data(), batch->input_shape, at::kFloat));
      }
      loader.recycle(std::move(batch));
    }
    warn_about(loader.bad_files(), source.size());
  };
  return pictures;
}

ProbeFolder probe_folder(const Config& config) {
  check<UsageError>(!config.data.path.empty(), "which pictures? Give their folder with --data.path DIR");
  ImageSource all = scan_images(config.data.path, config.data);
  log_info("{}", describe(all));
  const auto unlabelled =
      std::count_if(all.samples.begin(), all.samples.end(), [](auto& s) { return s.label < 0; });
  check<DataError>(
      unlabelled == 0 && all.classes.size() >= 2,
      "{}: a probe needs pictures in at least two sub-folders, one per class; found {} classes and {} "
      "pictures outside of any",
      config.data.path, all.classes.size(), unlabelled);
  if (!all.split_folders) group_near_duplicates(all, config.data.max_pixels, config.data.threads);
  const uint64_t seed = 0;  // of the split: the same for all runs, so that their figures compare
  const ImageSplits splits = split_source(all, config.probe.valid_share, config.probe.test_share, seed);
  check<DataError>(!splits.test.empty() && !splits.valid.empty(),
                   "{}: too few pictures to split: {} for training, {} for validation, {} for the test",
                   config.data.path, splits.train.size(), splits.valid.size(), splits.test.size());
  return {subset(all, chosen_rows(all, splits.train, config.probe.max_train)), subset(all, splits.valid),
          subset(all, splits.test), config};
}

ProbeSplits ProbeFolder::splits() const {
  return {folder_pictures(train, config), folder_pictures(valid, config), folder_pictures(test, config),
          train.classes};
}

}  // namespace d2v
