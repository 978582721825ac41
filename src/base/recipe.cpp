#include "d2v/base/recipe.h"

#include <map>
#include <unordered_map>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/base/nearest.h"
#include "ini.h"

namespace d2v {
namespace {

constexpr uint64_t kLargestRecipe = 16 << 20;

std::vector<std::string> keys_of(std::span<const Option> table) {
  std::vector<std::string> keys;
  keys.reserve(table.size());
  for (const Option& option : table) keys.push_back(option.key);
  return keys;
}

std::unordered_map<std::string_view, const Option*> index_of(std::span<const Option> table) {
  std::unordered_map<std::string_view, const Option*> index;
  for (const Option& option : table) index.emplace(option.key, &option);
  return index;
}

// Sets one option; errors start with `where`.
void set_option(const std::unordered_map<std::string_view, const Option*>& index,
                std::span<const Option> table, const std::string& key, const std::string& value,
                const std::string& where) {
  const auto found = index.find(key);
  if (found == index.end()) {
    const std::string near = suggestion(key, keys_of(table));
    fail<UsageError>("{}: unknown key '{}'{}", where, key,
                     near.empty() ? "; `d2v pretrain --help` lists all keys" : near);
  }
  try {
    found->second->set(value);
  } catch (const UsageError& error) {
    fail<UsageError>("{}: {}", where, error.what());
  }
}

std::string section_of(std::string_view key) { return std::string(key.substr(0, key.rfind('.'))); }

}  // namespace

void apply_ini(std::vector<Option>& table, std::string_view text, const std::string& source) {
  const auto index = index_of(table);
  std::map<std::string, int> seen;
  for (const ini::Entry& entry : ini::parse(text, source)) {
    const std::string where = fmt::format("{}:{}", source, entry.line);
    const auto [first, fresh] = seen.emplace(entry.key, entry.line);
    check<UsageError>(fresh, "{}: key '{}' was already given in line {}; keep one of them", where, entry.key,
                      first->second);
    set_option(index, table, entry.key, entry.value, where);
  }
}

void apply_recipe(std::vector<Option>& table, const std::string& path) {
  apply_ini(table, read_file(path, kLargestRecipe), path);
}

void apply_overrides(std::vector<Option>& table, std::span<const Override> overrides) {
  const auto index = index_of(table);
  for (const Override& o : overrides) set_option(index, table, o.key, o.value, "command line");
}

std::string write_ini(std::span<const Option> table, Comments comments) {
  std::string text, section;
  for (const Option& option : table) {
    if (const std::string own = section_of(option.key); own != section) {
      text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", own);
      section = own;
    }
    const std::string name = option.key.substr(section.size() + 1);
    if (comments == Comments::help) {
      text += fmt::format("# {}{}{}, default {}: {}\n", option.type, option.range.empty() ? "" : ", ",
                          option.range, ini::quote(option.default_text), option.help);
    }
    text += fmt::format("{} = {}\n", name, ini::quote(option.get()));
  }
  return text;
}

std::vector<Difference> diff(std::span<const Option> a, std::span<const Option> b) {
  const auto in_a = index_of(a), in_b = index_of(b);
  std::vector<Difference> result;
  for (const Option& option : a) {
    const auto other = in_b.find(option.key);
    const std::string left = option.get();
    if (other == in_b.end()) {
      result.push_back({option.key, left, ""});
    } else if (const std::string right = other->second->get(); left != right) {
      result.push_back({option.key, left, right});
    }
  }
  for (const Option& option : b)
    if (!in_a.contains(option.key)) result.push_back({option.key, "", option.get()});
  return result;
}

}  // namespace d2v
