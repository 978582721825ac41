// "synthetic:KEY=VALUE/…" to a SyntheticSet.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "d2v/base/check.h"
#include "d2v/base/nearest.h"
#include "d2v/pipeline/synthetic.h"

namespace d2v {
namespace {

constexpr std::string_view kPrefix = "synthetic:";

double parse_number(const std::string& spec, std::string_view key, std::string_view text, double low,
                    double high) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check<UsageError>(error == std::errc{} && end == text.data() + text.size() && value >= low && value <= high,
                    "{}: {}: expected a number from {} to {}, found '{}'", spec, key, low, high, text);
  return value;
}

int64_t parse_count(const std::string& spec, std::string_view key, std::string_view text, int64_t low,
                    int64_t high) {
  const double value = parse_number(spec, key, text, static_cast<double>(low), static_cast<double>(high));
  check<UsageError>(value == std::floor(value), "{}: {}: expected a whole number, found '{}'", spec, key,
                    text);
  return static_cast<int64_t>(value);
}

void parse_seconds(SyntheticSet& set, std::string_view text) {
  constexpr double kMost = 3600;
  const size_t dash = text.find('-');
  set.seconds_min = parse_number(set.spec, "seconds", text.substr(0, dash), 0.01, kMost);
  set.seconds_max = dash == text.npos
                        ? set.seconds_min
                        : parse_number(set.spec, "seconds", text.substr(dash + 1), set.seconds_min, kMost);
}

void set_value(SyntheticSet& set, std::string_view key, std::string_view text) {
  const auto count = [&](int64_t& value, int64_t low, int64_t high) {
    value = parse_count(set.spec, key, text, low, high);
  };
  int64_t seed = 0;
  if (key == "samples") return count(set.samples, 1, 100'000'000);
  if (key == "classes") return count(set.classes, 1, 10'000);
  if (key == "seed") {
    count(seed, 0, int64_t{1} << 53);
    set.seed = static_cast<uint64_t>(seed);
    return;
  }
  std::vector<std::string> keys{"samples", "classes", "seed"};
  switch (set.modality) {
    case Modality::image:
      if (key == "side") return count(set.side, 4, 8192);
      keys.emplace_back("side");
      break;
    case Modality::speech:
    case Modality::spectrogram:
      if (key == "seconds") return parse_seconds(set, text);
      if (key == "rate") return count(set.rate, 1000, 192'000);
      keys.insert(keys.end(), {"seconds", "rate"});
      break;
    case Modality::text:
      if (key == "vocabulary") return count(set.vocabulary, 16, 1 << 24);
      keys.emplace_back("vocabulary");
      break;
  }
  fail<UsageError>("{}: no key '{}' for made-up {}, expected one of {}{}", set.spec, key,
                   samples_word(set.modality), fmt::join(keys, ", "), suggestion(key, keys));
}

}  // namespace

bool is_synthetic(const std::filesystem::path& path) { return path.native().starts_with(kPrefix); }

SyntheticSet parse_synthetic(const std::string& spec, Modality modality) {
  check<UsageError>(is_synthetic(spec), "{}: expected 'synthetic:'", spec);
  SyntheticSet set;
  set.modality = modality;
  set.spec = spec;
  std::string_view left = std::string_view(spec).substr(kPrefix.size());
  while (!left.empty()) {
    const std::string_view part = left.substr(0, left.find('/'));
    left.remove_prefix(std::min(part.size() + 1, left.size()));
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    check<UsageError>(
        equals != part.npos,
        "{}: expected KEY=VALUE between '/', such as synthetic:samples=1000/classes=10; found '{}'", spec,
        part);
    set_value(set, part.substr(0, equals), part.substr(equals + 1));
  }
  return set;
}

}  // namespace d2v
