#include "d2v/pipeline/mixed_source.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>
#include <string_view>

#include "d2v/base/check.h"

namespace d2v {
namespace {

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// PATH:WEIGHT, or nothing where the text does not end in ':NUMBER'.
std::optional<WeightedPath> weighted(std::string_view text) {
  text = trimmed(text);
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  const std::string_view number = trimmed(text.substr(colon + 1));
  double weight = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), weight);
  if (error != std::errc{} || end != number.data() + number.size()) return std::nullopt;
  return WeightedPath{std::string(trimmed(text.substr(0, colon))), weight};
}

std::string in_folder(const Source& source, const std::string& name) {
  return (std::filesystem::path(source.where()) / name).string();
}

}  // namespace

std::vector<WeightedPath> parse_sources(const std::string& text) {
  std::vector<WeightedPath> paths;
  std::string_view left = text;
  while (!trimmed(left).empty()) {
    size_t comma = left.find(',');
    auto path = weighted(left.substr(0, comma));
    while (!path && comma != left.npos) {  // a comma of the path
      comma = left.find(',', comma + 1);
      path = weighted(left.substr(0, comma));
    }
    check<UsageError>(path.has_value() && !path->path.empty(),
                      "data.sources: expected PATH:WEIGHT, PATH:WEIGHT…, found no weight in '{}'",
                      trimmed(left));
    check<UsageError>(path->weight > 0 && std::isfinite(path->weight),
                      "data.sources: {}: expected a weight above 0, found {}", path->path, path->weight);
    paths.push_back(std::move(*path));
    left.remove_prefix(comma == left.npos ? left.size() : comma + 1);
  }
  check<UsageError>(!paths.empty(), "data.sources: expected PATH:WEIGHT, PATH:WEIGHT…, found '{}'", text);
  return paths;
}

MixedSource::MixedSource(std::vector<MixPart> parts) : parts_(std::move(parts)) {
  check(!parts_.empty(), "a mix of no sources");
  uint64_t rows = 0;
  for (const MixPart& part : parts_) {
    const Source& source = *part.source;
    check(source.modality() == modality(), "a mix of {} and {}", samples_word(modality()),
          samples_word(source.modality()));
    check<DataError>(rows + source.size() <= std::numeric_limits<uint32_t>::max(),
                     "data.sources: more samples than 32 bits can number");
    shares_.push_back({static_cast<uint32_t>(rows), static_cast<uint32_t>(source.size()), part.weight});
    rows += source.size();
    for (const BadFile& bad : source.left_out())
      left_out_.push_back({in_folder(source, bad.path), bad.reason, bad.count, bad.broken});
    for (const BadFile& other : source.others())
      others_.push_back({in_folder(source, other.path), other.reason, other.count, other.broken});
  }
}

std::pair<size_t, uint32_t> MixedSource::place(uint32_t row) const {
  const auto behind =
      std::upper_bound(shares_.begin(), shares_.end(), row,
                       [](uint32_t at, const SourceShare& share) { return at < share.first; });
  const auto part = static_cast<size_t>(behind - shares_.begin()) - 1;
  return {part, row - shares_[part].first};
}

uint64_t MixedSource::id(uint32_t row) const {
  const auto [part, at] = place(row);
  return parts_[part].source->id(at) ^ uint64_t { part } * 0x9e3779b97f4a7c15u;
}

std::string MixedSource::name(uint32_t row) const {
  const auto [part, at] = place(row);
  return in_folder(*parts_[part].source, parts_[part].source->name(at));
}

int64_t MixedSource::length(uint32_t row) const {
  const auto [part, at] = place(row);
  return parts_[part].source->length(at);
}

std::string MixedSource::describe() const {
  double sum = 0;
  for (const MixPart& part : parts_) sum += part.weight;
  std::string text = fmt::format("{} {} of {} sources", size(), samples_word(modality()), parts_.size());
  for (const MixPart& part : parts_)
    text += fmt::format("\n  {:.1f}% from {}", 100 * part.weight / sum, part.source->describe());
  return text;
}

}  // namespace d2v
