#include "d2v/base/recipe.h"

#include <filesystem>
#include <string>

#include "d2v/base/check.h"
#include "d2v/base/config.h"
#include "d2v/base/philox.h"

#include "doctest.h"

using namespace d2v;

namespace {

std::string ini_error(const std::string& text) {
  Config config;
  auto table = option_table(config);
  try {
    apply_ini(table, text, "my.ini");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

std::string path_after(const std::string& text) {
  Config config;
  auto table = option_table(config);
  apply_ini(table, text, "my.ini");
  return config.data.path;
}

}  // namespace

TEST_CASE("a recipe sets what it names and leaves the rest at its default") {
  Config config;
  auto table = option_table(config);
  apply_ini(table,
            "\xef\xbb\xbf# a recipe\r\n"
            "[mask]\r\n"
            "prob = 0.75   # share\r\n"
            "\n"
            "clones=8\n"
            "[run]\n"
            "  updates = 10ep\n"
            "dir =\n"
            "[mask]\n"
            "kind = random",
            "my.ini");
  CHECK(config.mask.prob == 0.75);
  CHECK(config.mask.clones == 8);
  CHECK(config.mask.kind == MaskKind::random);
  CHECK(config.run.updates == epochs(10));
  CHECK(config.run.dir.empty());
  CHECK(config.mask.block == MaskConfig().block);
}

TEST_CASE("an empty recipe is valid") {
  CHECK(ini_error("").empty());
  CHECK(ini_error("\n\n# nothing\n").empty());
}

TEST_CASE("errors name file, line and the nearest key") {
  CHECK(ini_error("[mask]\n\nporb = 0.5\n") ==
        "my.ini:3: unknown key 'mask.porb'; did you mean 'mask.prob'?");
  CHECK(ini_error("[mask]\nprob = 2\n") == "my.ini:2: mask.prob = '2': expected a number, 0 to 1");
  CHECK(ini_error("[msak]\nprob = 0.5\n") == "my.ini:2: unknown key 'msak.prob'; did you mean 'mask.prob'?");
  CHECK(ini_error("[mask]\nprob = 0.5\nblock = 2\nprob = 0.6\n") ==
        "my.ini:4: key 'mask.prob' was already given in line 2; keep one of them");
  CHECK(ini_error("[mask]\nprob 0.5\n") ==
        "my.ini:2: expected 'key = value' or '[section]', found 'prob 0.5'");
  CHECK(ini_error("[mask\n") == "my.ini:1: expected [section], found '[mask'");
  CHECK(ini_error("[]\n") == "my.ini:1: expected [section], found '[]'");
  CHECK(ini_error("prob = 1\n") == "my.ini:1: expected a [section] before the first key, found 'prob = 1'");
  CHECK(ini_error("[mask]\n= 1\n") == "my.ini:2: expected 'key = value' or '[section]', found '= 1'");
  CHECK(ini_error(std::string("[mask]\nprob\0 = 1\n", 17)) ==
        "my.ini:2: expected a text file, found a zero byte");
  CHECK(ini_error("[mask]\nentirely_different = 1\n") ==
        "my.ini:2: unknown key 'mask.entirely_different'; `d2v pretrain --help` lists all keys");
}

TEST_CASE("quotes keep what INI would lose") {
  CHECK(path_after("[data]\npath = a b  # c") == "a b");
  CHECK(path_after("[data]\npath = \"a#b\" # c") == "a#b");
  CHECK(path_after("[data]\npath = \"a\\\"#\\\\\"") == "a\"#\\");
  CHECK(path_after("[data]\npath = \"\\x23\\x41\"") == "#A");
  CHECK(path_after("[data]\npath = \"\"") == "");
  CHECK(path_after("[data]\npath = a\"b") == "a\"b");
  CHECK(path_after("[data]\npath = a=b\\c") == "a=b\\c");
  CHECK(ini_error("[data]\npath = \"a").find("my.ini:2: expected one closing quote") == 0);
  CHECK(ini_error("[data]\npath = \"a\" b").find("my.ini:2: expected one closing quote") == 0);
  CHECK(ini_error("[data]\npath = \"\\q\"").find("my.ini:2: expected \\\", \\\\ or \\xHH") == 0);
}

TEST_CASE("overrides win over the recipe, the last one over the others") {
  Config config;
  auto table = option_table(config);
  apply_ini(table, "[mask]\nprob = 0.75\n", "my.ini");
  apply_overrides(table, std::vector<Override>{{"mask.prob", "0.6"}, {"mask.prob", "0.5"}});
  CHECK(config.mask.prob == 0.5);
  CHECK_THROWS_WITH_AS(apply_overrides(table, std::vector<Override>{{"mask.prop", "0.6"}}),
                       "command line: unknown key 'mask.prop'; did you mean 'mask.prob'?", UsageError);
  CHECK_THROWS_WITH_AS(apply_overrides(table, std::vector<Override>{{"mask.prob", "x"}}),
                       "command line: mask.prob = 'x': expected a number, 0 to 1", UsageError);
}

TEST_CASE("write_ini reads back to the same configuration, with and without comments") {
  Philox rng({.seed = 21});
  for (int round = 0; round < 200; ++round) {
    Config config;
    auto table = option_table(config);
    config.mask.prob = rng.uniform();
    config.mask.kind = MaskKind::block;
    config.optim.warmup = percent(rng.uniform(0, 100));
    config.image.mean = {rng.uniform(), rng.uniform(), 0};
    config.data.path.clear();
    const std::string letters = "ab #\"\\=[];.x23 '";
    for (uint32_t n = rng.below(12); n > 0; --n)
      config.data.path += letters[rng.below(static_cast<uint32_t>(letters.size()))];
    // An option's text never has spaces at its ends: `set` trims them.
    while (config.data.path.starts_with(' ')) config.data.path.erase(0, 1);
    while (config.data.path.ends_with(' ')) config.data.path.pop_back();
    for (const Comments comments : {Comments::none, Comments::help}) {
      const std::string text = write_ini(table, comments);
      Config again;
      auto other = option_table(again);
      INFO(text);
      REQUIRE_NOTHROW(apply_ini(other, text, "my.ini"));
      REQUIRE(again.data.path == config.data.path);
      REQUIRE(diff(table, other).empty());
      REQUIRE(write_ini(other, comments) == text);
    }
  }
}

TEST_CASE("diff lists the keys whose values differ") {
  Config a, b;
  b.mask.prob = 0.5;
  b.data.path = "x";
  auto left = option_table(a), right = option_table(b);
  auto list = diff(left, right);
  REQUIRE(list.size() == 2);
  CHECK(list[0].key == "data.path");
  CHECK(list[0].a == "");
  CHECK(list[0].b == "x");
  CHECK(list[1].key == "mask.prob");
  CHECK(list[1].a == "0.8");
  CHECK(list[1].b == "0.5");
  right.erase(right.begin());  // a key that only a has
  CHECK(diff(left, right).size() == 3);
  CHECK(diff(right, left).back().key == left[0].key);
}

TEST_CASE("a recipe that cannot be read is an error that names it") {
  Config config;
  auto table = option_table(config);
  CHECK_THROWS_WITH_AS(apply_recipe(table, "/nowhere/x.ini"),
                       "cannot read /nowhere/x.ini: No such file or directory", DataError);
  CHECK_THROWS_WITH_AS(apply_recipe(table, "/"), "cannot read /: expected a file, found a folder", DataError);
}
