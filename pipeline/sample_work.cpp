#include "sample_work.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>

#include "d2v/base/check.h"
#include "d2v/pipeline/read_stop.h"

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

std::string full_name(const Source& source, uint32_t row) {
  return (std::filesystem::path(source.where()) / source.name(row)).string();
}

}  // namespace

SampleWork::SampleWork(const Source& source, const LoaderSettings& settings, std::vector<int64_t> lengths,
                       const BadFileList& bad_files)
    : source_(source),
      training_(settings.mode == LoaderMode::train),
      seed_(settings.seed),
      lengths_(std::move(lengths)),
      by_length_(source.size()),
      read_(sample_reader(source, settings)),
      bad_files_(bad_files) {
  std::iota(by_length_.begin(), by_length_.end(), 0u);
  if (lengths_.empty()) return;
  std::stable_sort(by_length_.begin(), by_length_.end(),
                   [&](uint32_t a, uint32_t b) { return lengths_[a] < lengths_[b]; });
}

bool SampleWork::try_read(SampleDone& sample, const Slice& slice, int64_t i, SampleScratch& scratch,
                          const SampleOut& out, SliceFailures& failures) const {
  try {
    const RngKey key{.seed = seed_,
                     .step = static_cast<uint64_t>(slice.epoch),
                     .sample = sample.ref.id,
                     .occurrence = sample.ref.occurrence};
    sample.length = read_({sample.row, sample.ref}, key, slice.shape, scratch, out);
    return true;
  } catch (const DataError& error) {
    failures.add(i, sample.row, error.what());
    return false;
  } catch (const ReadStopped&) {
    throw;
  } catch (const std::exception& error) {
    fail<Error>("{}: {}", full_name(source_, sample.row), error.what());
  }
}

std::optional<SampleDone> SampleWork::read(const Slice& slice, int64_t i, SampleScratch& scratch,
                                           const SampleOut& out, SliceFailures& failures) const {
  const uint32_t row = slice.rows[i];
  SampleDone sample{row, {source_.id(row), slice.occurrences[i]}};
  if (try_read(sample, slice, i, scratch, out, failures)) return sample;
  if (!training_) return std::nullopt;
  std::set<uint32_t> tried{row};
  const SampleRef original = sample.ref;
  auto fitting = by_length_.begin();
  if (!lengths_.empty()) {
    fitting = std::lower_bound(by_length_.begin(), by_length_.end(), slice.shape.shortest,
                               [&](uint32_t at, int64_t length) { return lengths_[at] < length; });
  }
  const auto count = static_cast<uint32_t>(by_length_.end() - fitting);
  for (uint32_t attempt = 0; attempt < kMaxReplacements; ++attempt) {
    check_stop(scratch.audio.stop);
    if (bad_files_.too_many(tried.size())) {
      failures.end(i, nullptr);
      return std::nullopt;
    }
    Philox random({.seed = seed_,
                   .stream = Stream::replace,
                   .step = static_cast<uint64_t>(slice.epoch),
                   .sample = original.id,
                   .occurrence = original.occurrence,
                   .clone = attempt});
    sample.row = fitting[random.below(count)];
    sample.ref = {source_.id(sample.row), replacement_occurrence(original, attempt)};
    if (try_read(sample, slice, i, scratch, out, failures)) return sample;
    tried.insert(sample.row);
  }
  fail<DataError>("{}: none of {} {} drawn in its place can be read either; look at the others of {}",
                  full_name(source_, row), kMaxReplacements, samples_word(source_.modality()),
                  source_.where());
}

RngKey SampleWork::mask_key(int64_t epoch, const SampleRef& ref, int64_t clone) const {
  return {.seed = seed_,
          .stream = Stream::mask,
          .step = static_cast<uint64_t>(epoch),
          .sample = ref.id,
          .occurrence = ref.occurrence,
          .clone = static_cast<uint32_t>(clone)};
}

}  // namespace d2v
