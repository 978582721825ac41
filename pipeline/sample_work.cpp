#include "sample_work.h"

#include "d2v/base/check.h"

namespace d2v {
namespace {

// Draws of a replacement before giving up; reached only where max_bad_fraction allows nearly all files to be broken.
constexpr uint32_t kMaxReplacements = 1000;

// A replacement may come up as itself in the same epoch too; its crops and masks there must differ from those here.
uint32_t replacement_occurrence(const SampleRef& original, uint32_t attempt) {
  const uint64_t mixed =
      (original.id ^ (uint64_t{original.occurrence} << 32 | attempt)) * 0x9e3779b97f4a7c15u;
  return 0x80000000u | static_cast<uint32_t>(mixed >> 33);
}

}  // namespace

SampleWork::SampleWork(const ImageSource& source, const DataConfig& data, const ImageConfig& image,
                       bool training, uint64_t seed)
    : source_(source),
      data_(data),
      image_(image),
      training_(training),
      seed_(seed),
      normalize_(image),
      bad_(source, data.max_bad_fraction) {}

bool SampleWork::try_read(const SampleRead& sample, int64_t epoch, SampleScratch& scratch,
                          std::span<float> out) const {
  try {
    read_file(source_.file(sample.row), scratch.file);
    const RngKey key{.seed = seed_,
                     .step = static_cast<uint64_t>(epoch),
                     .sample = sample.ref.id,
                     .occurrence = sample.ref.occurrence};
    normalize_(training_ ? training_picture(scratch.file, image_, data_.max_pixels, key)
                         : center_picture(scratch.file, image_, data_.max_pixels),
               out);
    return true;
  } catch (const DataError& error) {
    bad_.add(sample.row, error.what());
    return false;
  } catch (const std::exception& error) {
    fail<Error>("{}: {}", source_.file(sample.row).string(), error.what());
  }
}

std::optional<SampleRead> SampleWork::read(uint32_t row, int64_t epoch, SampleScratch& scratch,
                                           std::span<float> out) const {
  SampleRead sample{row, {source_.samples[row].id, 0}};
  if (try_read(sample, epoch, scratch, out)) return sample;
  if (!training_) return std::nullopt;
  const SampleRef original = sample.ref;
  for (uint32_t attempt = 0; attempt < kMaxReplacements; ++attempt) {
    Philox random({.seed = seed_,
                   .stream = Stream::replace,
                   .step = static_cast<uint64_t>(epoch),
                   .sample = original.id,
                   .occurrence = original.occurrence,
                   .clone = attempt});
    sample.row = random.below(static_cast<uint32_t>(source_.size()));
    sample.ref = {source_.samples[sample.row].id, replacement_occurrence(original, attempt)};
    if (try_read(sample, epoch, scratch, out)) return sample;
  }
  fail<DataError>(
      "{}: none of {} pictures drawn in its place can be read either; look at the other files of {}",
      source_.file(row).string(), kMaxReplacements, source_.root.string());
}

void SampleWork::draw_masks(const MaskPlan& plan, int64_t clones, int64_t epoch, const SampleRef& ref,
                            SampleScratch& scratch, std::span<int64_t> visible,
                            std::span<int64_t> masked) const {
  for (int64_t clone = 0; clone < clones; ++clone) {
    draw_mask(plan,
              {.seed = seed_,
               .stream = Stream::mask,
               .step = static_cast<uint64_t>(epoch),
               .sample = ref.id,
               .occurrence = ref.occurrence,
               .clone = static_cast<uint32_t>(clone)},
              scratch.mask,
              visible.subspan(static_cast<size_t>(clone * plan.visible), static_cast<size_t>(plan.visible)),
              masked.subspan(static_cast<size_t>(clone * plan.masked), static_cast<size_t>(plan.masked)));
  }
}

}  // namespace d2v
