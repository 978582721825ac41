#include "d2v/pipeline/sources.h"

#include "d2v/pipeline/image_splits.h"
#include "d2v/pipeline/open_samples.h"
#include "d2v/pipeline/text_source.h"

namespace d2v {
namespace {

DataSources shared(PretrainSources sources) {
  DataSources result{std::make_shared<FolderSource>(std::move(sources.train)), nullptr, 0};
  if (sources.valid.size() > 0) result.valid = std::make_shared<FolderSource>(std::move(sources.valid));
  return result;
}

}  // namespace

DataSources open_sources(const Config& config) {
  const auto seed = static_cast<uint64_t>(config.run.seed);
  switch (config.model.modality) {
    case Modality::speech:
    case Modality::spectrogram:
      return shared(pretrain_sources(config.data, seed, [&](const auto& folder, const DataConfig& data) {
        return open_recordings(folder, data, RecordingLimits(config),
                               {.cache = length_cache_file(folder), .threads = config.data.threads});
      }));
    case Modality::text: {
      TextSources texts = open_texts(config.data, config.text, seed);
      const int64_t vocabulary_size = texts.train.vocabulary.size;
      DataSources sources{std::make_shared<TextSource>(std::move(texts.train)), nullptr, vocabulary_size};
      if (texts.valid.size() > 0) sources.valid = std::make_shared<TextSource>(std::move(texts.valid));
      return sources;
    }
    default:
      return shared(pretrain_sources(config.data, seed));
  }
}

}  // namespace d2v
