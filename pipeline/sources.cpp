#include "d2v/pipeline/sources.h"

#include <algorithm>

#include "d2v/base/check.h"
#include "d2v/pipeline/image_splits.h"
#include "d2v/pipeline/mixed_source.h"
#include "d2v/pipeline/open_samples.h"
#include "d2v/pipeline/text_source.h"

namespace d2v {
namespace {

DataSources shared(PretrainSources sources) {
  DataSources result{std::make_shared<FolderSource>(std::move(sources.train)), nullptr, {}};
  if (sources.valid.size() > 0) result.valid = std::make_shared<FolderSource>(std::move(sources.valid));
  return result;
}

DataSources open_one(const Config& config) {
  const auto seed = static_cast<uint64_t>(config.run.seed);
  switch (config.model.modality) {
    case Modality::speech:
    case Modality::spectrogram:
      return shared(pretrain_sources(config.data, seed, [&](const auto& path, const DataConfig& data) {
        return open_recordings(path, data, RecordingLimits(config),
                               {.cache = length_cache_file(path), .threads = config.data.threads});
      }));
    case Modality::text: {
      TextSources texts = open_texts(config.data, config.text, seed);
      const Vocabulary vocabulary = texts.train.vocabulary;
      DataSources sources{std::make_shared<TextSource>(std::move(texts.train)), nullptr, vocabulary};
      if (texts.valid.size() > 0) sources.valid = std::make_shared<TextSource>(std::move(texts.valid));
      return sources;
    }
    default:
      return shared(pretrain_sources(config.data, seed));
  }
}

void check_vocabularies(const std::vector<MixPart>& parts) {
  const auto vocabulary = [](const MixPart& part) {
    const auto* text = dynamic_cast<const TextSource*>(part.source.get());
    return text != nullptr ? text->vocabulary : Vocabulary{};
  };
  for (const MixPart& part : parts) {
    check<DataError>(
        vocabulary(part) == vocabulary(parts.front()),
        "data.sources: {} has another vocabulary ({} tokens, {:016x}) than {} ({} tokens, {:016x})",
        part.source->where(), vocabulary(part).size, vocabulary(part).hash, parts.front().source->where(),
        vocabulary(parts.front()).size, vocabulary(parts.front()).hash);
  }
}

DataSources open_mix(const Config& config) {
  check<UsageError>(config.data.path.empty(),
                    "data.path {} and data.sources {} are both given; leave one of them empty",
                    config.data.path, config.data.sources);
  const bool share = config.data.valid.ends_with('%');
  std::vector<MixPart> train, valid;
  DataSources result;
  for (const WeightedPath& path : parse_sources(config.data.sources)) {
    Config one = config;
    one.data.path = path.path;
    if (!share) one.data.valid.clear();
    const DataSources part = open_one(one);
    train.push_back({part.train, path.weight});
    if (part.valid) valid.push_back({part.valid, path.weight});
    result.vocabulary = part.vocabulary;
  }
  check_vocabularies(train);
  result.train = std::make_shared<MixedSource>(std::move(train));
  if (!valid.empty()) result.valid = std::make_shared<MixedSource>(std::move(valid));
  if (share || config.data.valid.empty()) return result;
  Config held_out = config;
  held_out.data.path = config.data.valid;
  held_out.data.valid.clear();
  held_out.data.min_class_files = 1;
  result.valid = open_one(held_out).train;
  if (const auto* text = dynamic_cast<const TextSource*>(result.valid.get()))
    check_same_vocabulary(result.vocabulary, *text);
  return result;
}

}  // namespace

DataSources open_sources(const Config& config) {
  return config.data.sources.empty() ? open_one(config) : open_mix(config);
}

}  // namespace d2v
