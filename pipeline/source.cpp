#include "d2v/pipeline/source.h"

#include <array>
#include <bit>

#include "d2v/base/check.h"

namespace d2v {

std::string_view samples_word(Modality modality) {
  constexpr std::array<std::string_view, 4> words{"pictures", "recordings", "blocks of text", "recordings"};
  return words[static_cast<size_t>(modality)];
}

std::string source_identity(const Source& source) {
  uint64_t hash = 0xcbf29ce484222325ull;  // FNV-1a
  for (uint32_t row = 0; row < source.size(); ++row) hash = (hash ^ source.id(row)) * 0x100000001b3ull;
  for (const SourceShare& share : source.shares())
    hash = (hash ^ std::bit_cast<uint64_t>(share.weight)) * 0x100000001b3ull;
  return fmt::format("{} {}, {:016x}", source.size(), samples_word(source.modality()), hash);
}

}  // namespace d2v
