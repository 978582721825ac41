#include "sample_lengths.h"

#include <algorithm>

#include "d2v/base/check.h"

namespace d2v {

std::vector<int64_t> used_lengths(const Source& source, const LoaderSettings& settings) {
  if (on_grid(source.modality())) return {};
  std::vector<int64_t> lengths(source.size());
  for (uint32_t row = 0; row < source.size(); ++row) lengths[row] = source.length(row);
  if (source.modality() == Modality::speech) {
    const auto most =
        static_cast<int64_t>(settings.speech.max_seconds * static_cast<double>(settings.speech.sample_rate));
    for (int64_t& length : lengths) length = std::min(length, most);
  }
  return lengths;
}

int64_t batch_length(const Source& source, const LoaderSettings& settings) {
  switch (source.modality()) {
    case Modality::speech:
      return static_cast<int64_t>(settings.speech.batch_seconds *
                                  static_cast<double>(settings.speech.sample_rate));
    case Modality::text:
      return settings.text.document_boundaries ? settings.data.batch * settings.text.block : 0;
    default:
      return 0;
  }
}

bool crops(const Source& source, const LoaderSettings& settings) {
  return source.modality() == Modality::speech && settings.speech.padding == Padding::crop &&
         settings.mode != LoaderMode::embed;
}

SampleGeometry::SampleGeometry(Modality modality, const LoaderSettings& settings) : modality_(modality) {
  if (modality == Modality::image) patches_ = patch_grid(settings.image);
  if (modality == Modality::spectrogram) patches_ = patch_grid(settings.spectrogram);
  if (modality == Modality::speech) layers_ = parse_conv_layers(settings.speech.conv_layers);
}

MaskGrid SampleGeometry::grid(int64_t length) const {
  switch (modality_) {
    case Modality::speech:
      return sequence_grid(conv_frames(layers_, length));
    case Modality::text:
      return sequence_grid(length);
    default:
      return mask_grid(patches_);
  }
}

int64_t SampleGeometry::floats(int64_t length) const {
  switch (modality_) {
    case Modality::speech:
      return length;
    case Modality::text:
      return 0;
    default:
      return patches_.channels * patches_.height * patches_.width;
  }
}

int64_t SampleGeometry::tokens(int64_t length) const { return modality_ == Modality::text ? length : 0; }

std::vector<int64_t> SampleGeometry::input_shape(int64_t samples, int64_t length) const {
  if (on_grid(modality_)) return {samples, patches_.channels, patches_.height, patches_.width};
  return {samples, length};
}

}  // namespace d2v
