// The nearest known word to a mistyped one, for error messages.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace d2v {

// Insertions, deletions, substitutions and swaps of neighbours that turn a into b (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b);

// The word at the smallest distance, the first of several; empty when all are further than a third of the
// longer word's length (at least 1). A dotted key also matches by its last part: `prob` finds `mask.prob`.
std::string nearest_word(std::string_view word, std::span<const std::string> words);

// "; did you mean 'WORD'?", or nothing when no word is near.
std::string suggestion(std::string_view word, std::span<const std::string> words);

}  // namespace d2v
