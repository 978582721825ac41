#include "d2v/base/command_line.h"

#include <sstream>

#include "d2v/base/check.h"
#include "d2v/base/config.h"

#include "doctest.h"

using namespace d2v;

namespace {

const CommandSpec kSpec{.name = "train",
                        .usage = "RECIPE [--section.key VALUE]…",
                        .summary = "trains a model",
                        .positional = {"RECIPE"},
                        .min_positional = 1,
                        .max_positional = 2,
                        .options = {{"resume", "", "", "go on"},
                                    {"out", "DIR", "here", "where results go"},
                                    {"steps", "N", "", "how many"}},
                        .takes_config = true};

ParsedLine parse(std::vector<std::string> arguments, const CommandSpec& spec = kSpec) {
  static Config config;
  static const auto table = option_table(config);
  return parse_line(spec, arguments, table);
}

std::string parse_error(std::vector<std::string> arguments) {
  try {
    parse(std::move(arguments));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("positional arguments, own options and overrides are told apart, in any order") {
  const ParsedLine line =
      parse({"--mask.prob", "0.75", "a.ini", "--resume", "--steps=12", "--optim.lr=1e-3", "b"});
  CHECK(line.positional == std::vector<std::string>{"a.ini", "b"});
  CHECK(line.has("resume"));
  CHECK(line.integer("steps", 5) == 12);
  CHECK(line.text("out") == "here");
  REQUIRE(line.overrides.size() == 2);
  CHECK(line.overrides[0].key == "mask.prob");
  CHECK(line.overrides[0].value == "0.75");
  CHECK(line.overrides[1].key == "optim.lr");
  CHECK(line.overrides[1].value == "1e-3");
  CHECK_FALSE(line.help);
}

TEST_CASE("what is not given has its default or the fallback") {
  const ParsedLine line = parse({"a.ini"});
  CHECK_FALSE(line.has("resume"));
  CHECK(line.text("out") == "here");
  CHECK(line.text("steps", "none") == "none");
  CHECK(line.integer("steps", 5) == 5);
  CHECK(line.number("steps", 0.5) == 0.5);
}

TEST_CASE("values may start with a dash, be empty or hold an equals sign") {
  CHECK(parse({"a", "--optim.min_lr", "-1"}).overrides.at(0).value == "-1");
  CHECK(parse({"a", "--data.path="}).overrides.at(0).value == "");
  CHECK(parse({"a", "--data.path=x=y"}).overrides.at(0).value == "x=y");
}

TEST_CASE("-- ends the options") {
  const ParsedLine line = parse({"--resume", "--", "--odd-name"});
  CHECK(line.positional == std::vector<std::string>{"--odd-name"});
}

TEST_CASE("--help wins over everything, also over errors") {
  CHECK(parse({"--help"}).help);
  CHECK(parse({"a", "b", "c", "--nonsense", "-h"}).help);
  CHECK_FALSE(parse({"--", "--help"}).help);
}

TEST_CASE("errors name the option, the nearest valid one and the usage") {
  CHECK(parse_error({"a", "--resme"}) == "d2v train: unknown option '--resme'; did you mean 'resume'?");
  CHECK(parse_error({"a", "--mask.porb", "1"}) ==
        "d2v train: unknown option '--mask.porb'; did you mean 'mask.prob'?");
  CHECK(parse_error({"a", "--mask.porb=1"}) ==
        "d2v train: unknown option '--mask.porb'; did you mean 'mask.prob'?");
  CHECK(parse_error({"a", "--qqqqqqqqqqqq"}) ==
        "d2v train: unknown option '--qqqqqqqqqqqq'; `d2v train --help` lists all");
  CHECK(parse_error({"a", "--mask.pro", "1"}).find("unknown option") !=
        std::string::npos);  // no guessing of prefixes
  CHECK(parse_error({"a", "-x"}) == "d2v train: unknown option '-x'; `d2v train --help` lists all");
  CHECK(parse_error({}) ==
        "d2v train: expected RECIPE, found nothing; usage: d2v train RECIPE [--section.key VALUE]…");
  CHECK(parse_error({"a", "b", "c"}).find("expected 2 arguments at most, found also 'c'") !=
        std::string::npos);
  CHECK(parse_error({"a", "--steps"}).find("--steps") != std::string::npos);
  CHECK(parse_error({"a", "--steps", "--resume"}) ==
        "d2v train: expected a value after --steps, found the option --resume");
  CHECK(parse_error({"a", "--resume=1"}).find("--resume") != std::string::npos);
}

TEST_CASE("numbers of own options are checked like those of the configuration") {
  CHECK_THROWS_WITH_AS(parse({"a", "--steps", "x"}).integer("steps", 1),
                       "--steps = 'x': expected a whole number", UsageError);
  CHECK_THROWS_WITH_AS(parse({"a", "--steps", "0"}).integer("steps", 1, at_least(1)),
                       "--steps = '0': expected a whole number, at least 1", UsageError);
}

TEST_CASE("a command without configuration refuses its keys") {
  CommandSpec spec = kSpec;
  spec.takes_config = false;
  CHECK_THROWS_AS(parse({"a", "--mask.prob", "1"}, spec), UsageError);
}

TEST_CASE("help lists every option with range, default and meaning, and fits the width") {
  Config config;
  const auto table = option_table(config);
  for (const size_t width : {60, 100}) {
    const std::string text = help_text(kSpec, table, width);
    for (const Option& option : table) CHECK(text.find("--" + option.key) != std::string::npos);
    CHECK(text.find("--out DIR") != std::string::npos);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      INFO(line);
      CHECK(line.size() <= std::max<size_t>(width, 68));  // a single long word may stick out
    }
  }
  const std::string text = help_text(kSpec, table, 200);
  CHECK(text.find("where results go (default here)") != std::string::npos);
  CHECK(text.find("masked versions of each sample (M); they share one teacher pass (integer, 1 to 256; "
                  "default 16)") != std::string::npos);
  CHECK(help_text({.name = "x", .usage = "", .summary = "y"}, table, 80).find("mask.prob") ==
        std::string::npos);
}
