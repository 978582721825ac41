#include "d2v/base/nearest.h"

#include <vector>

#include "doctest.h"

using namespace d2v;

TEST_CASE("edit distance counts insertions, deletions, substitutions and swaps") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "abc") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("porb", "prob") == 1);
}

TEST_CASE("the nearest word is found, and nothing where all are far") {
  const std::vector<std::string> words{"mask.prob", "mask.block", "optim.lr", "data.path"};
  CHECK(nearest_word("mask.porb", words) == "mask.prob");
  CHECK(nearest_word("optm.lr", words) == "optim.lr");
  CHECK(nearest_word("prob", words) == "mask.prob");
  CHECK(nearest_word("completely.else", words).empty());
  CHECK(nearest_word("", words).empty());
  CHECK(nearest_word(std::string(100000, 'x'), words).empty());
  CHECK(suggestion("mask.blok", words) == "; did you mean 'mask.block'?");
  CHECK(suggestion("zzzzzz", words).empty());
}
