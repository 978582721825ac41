#include "d2v/base/options.h"

#include <bit>
#include <cmath>
#include <set>
#include <string>

#include "d2v/base/check.h"
#include "d2v/base/config.h"
#include "d2v/base/philox.h"

#include "doctest.h"

using namespace d2v;

namespace {

enum class Colour { red, dark_green };

struct Paint {
  double amount = 0.5;
  int64_t coats = 2;
  bool dry = true;
  std::string name = "wall";
  Length wait = epochs(3);
  std::vector<double> mix{0.1, 0.2};
  Colour colour = Colour::red;

  template <class V>
  void visit(V& v) {
    v("amount", amount, Range{0, 1}, "how much");
    v("coats", coats, at_least(1), "how often");
    v("dry", dry, "whether to wait");
    v("name", name, "of the thing");
    v("wait", wait, at_least(0), "between coats");
    v("mix", mix, Range{0, 1}, "of pigments");
    v("colour", colour, "which");
  }
};
struct House {
  Paint paint;
  template <class V>
  void visit(V& v) {
    v("paint", paint);
  }
};

std::string set_error(const Option& option, std::string_view text) {
  try {
    option.set(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

template <>
struct d2v::EnumNames<Colour> {
  static constexpr std::array<std::string_view, 2> names{"red", "dark_green"};
};

TEST_CASE("a table lists every member once, with type, range, default and help") {
  House house;
  const auto table = option_table(house);
  REQUIRE(table.size() == 7);
  const auto row = [&](size_t i) {
    return table[i].key + " " + table[i].type + " [" + table[i].range + "] " + table[i].default_text;
  };
  CHECK(row(0) == "paint.amount number [0 to 1] 0.5");
  CHECK(row(1) == "paint.coats integer [at least 1] 2");
  CHECK(row(2) == "paint.dry yes|no [] yes");
  CHECK(row(3) == "paint.name text [] wall");
  CHECK(row(4) == "paint.wait length [at least 0] 3ep");
  CHECK(row(5) == "paint.mix numbers [0 to 1] 0.1,0.2");
  CHECK(row(6) == "paint.colour red|dark_green [] red");
  CHECK(table[6].help == "which");
}

TEST_CASE("set writes the bound member") {
  House house;
  auto table = option_table(house);
  table[0].set("2.5e-1");
  table[1].set("1e3");
  table[2].set("no");
  table[3].set(" two words ");
  table[4].set("12.5%");
  table[5].set("1, 0,0.25");
  table[6].set("dark_green");
  CHECK(house.paint.amount == 0.25);
  CHECK(house.paint.coats == 1000);
  CHECK(house.paint.dry == false);
  CHECK(house.paint.name == "two words");
  CHECK(house.paint.wait == percent(12.5));
  CHECK(house.paint.mix == std::vector<double>{1, 0, 0.25});
  CHECK(house.paint.colour == Colour::dark_green);
  table[5].set("");
  CHECK(house.paint.mix.empty());
}

TEST_CASE("every spelling of yes and no") {
  House house;
  const auto table = option_table(house);
  for (const char* yes : {"yes", "true", "1", "on"}) {
    house.paint.dry = false;
    table[2].set(yes);
    CHECK(house.paint.dry);
  }
  for (const char* no : {"no", "false", "0", "off"}) {
    house.paint.dry = true;
    table[2].set(no);
    CHECK_FALSE(house.paint.dry);
  }
}

TEST_CASE("a wrong value names the key, the value and the range, and changes nothing") {
  House house;
  const auto table = option_table(house);
  CHECK(set_error(table[0], "1.5") == "paint.amount = '1.5': expected a number, 0 to 1");
  CHECK(set_error(table[1], "0") == "paint.coats = '0': expected a whole number, at least 1");
  CHECK(set_error(table[6], "darkgreen") ==
        "paint.colour = 'darkgreen': expected one of red|dark_green; did you mean 'dark_green'?");
  for (const char* bad : {"", "x", "0.5x", "nan", "inf", "0,5", "0.5 0.5", "--1", "1e999"}) {
    INFO(bad);
    CHECK(set_error(table[0], bad).find("expected a number") != std::string::npos);
  }
  for (const char* bad : {"", "1.5", "1e-1", "99999999999999999999", "0x10", "1_000"}) {
    INFO(bad);
    CHECK(set_error(table[1], bad).find("expected a whole number") != std::string::npos);
  }
  for (const char* bad : {"", "maybe", "YES!", "2"}) CHECK_FALSE(set_error(table[2], bad).empty());
  CHECK_FALSE(set_error(table[3], "two\nlines").empty());
  for (const char* bad : {"", "ep", "%", "1.5", "10e", "10 epochs", "-1", "-5%"}) {
    INFO(bad);
    CHECK(set_error(table[4], bad).find("a length") != std::string::npos);
  }
  for (const char* bad : {",", "1,", ",1", "0.5,,0.5", "0.5;0.5", "0.5,2"}) {
    INFO(bad);
    CHECK_FALSE(set_error(table[5], bad).empty());
  }
  CHECK(house.paint.amount == 0.5);
  CHECK(house.paint.coats == 2);
  CHECK(house.paint.wait == epochs(3));
  CHECK(house.paint.mix == std::vector<double>{0.1, 0.2});
  CHECK(house.paint.colour == Colour::red);
}

TEST_CASE("what get writes, set reads back to the same value") {
  double number = 0;
  int64_t integer = 0;
  Length length;
  std::vector<double> list;
  const auto a = detail::make_option("x", number, any_value, "");
  const auto b = detail::make_option("x", integer, any_value, "");
  const auto c = detail::make_option("x", length, any_value, "");
  const auto d = detail::make_option("x", list, any_value, "");
  Philox rng({.seed = 3});
  for (int i = 0; i < 20000; ++i) {
    const double x = std::bit_cast<double>(rng.next64());
    if (!std::isfinite(x)) continue;
    number = x;
    a.set(a.get());
    REQUIRE(number == x);
    const int64_t n = static_cast<int64_t>(rng.next64() >> rng.below(64)) * (rng.below(2) ? 1 : -1);
    integer = n;
    b.set(b.get());
    REQUIRE(integer == n);
    const Length l{rng.below(3) == 0 ? std::floor(rng.uniform(0, 1e9)) : rng.uniform(0, 100),
                   static_cast<Length::Unit>(1 + rng.below(2))};
    length = l;
    c.set(c.get());
    REQUIRE(length == l);
    list = {x, 0.1, -x};
    d.set(d.get());
    REQUIRE(list == std::vector<double>{x, 0.1, -x});
  }
}

TEST_CASE("numbers are written in their shortest form") {
  double x = 0.1;
  const auto option = detail::make_option("x", x, any_value, "");
  CHECK(option.get() == "0.1");
  x = 2e-4;
  CHECK(option.get() == "0.0002");
  x = 3;
  CHECK(option.get() == "3");
}

TEST_CASE("a length resolves to updates") {
  CHECK(updates(20000).resolve(100, 5000) == 20000);
  CHECK(epochs(10).resolve(100, 5000) == 1000);
  CHECK(epochs(0.5).resolve(25, 5000) == 13);  // 12.5 rounds away from zero
  CHECK(percent(5).resolve(100, 5000) == 250);
  CHECK(percent(0).resolve(100, 5000) == 0);
  CHECK_THROWS_AS(epochs(1e300).resolve(100, 5000), UsageError);
}

TEST_CASE("the program's own configuration: keys are unique and every default passes its own check") {
  Config config;
  std::set<std::string> keys;
  for (const Option& option : option_table(config)) {
    INFO(option.key);
    CHECK(keys.insert(option.key).second);
    CHECK_FALSE(option.help.empty());
    CHECK_NOTHROW(option.set(option.default_text));
    CHECK(option.get() == option.default_text);
  }
  CHECK(keys.count("mask.prob") == 1);
}
