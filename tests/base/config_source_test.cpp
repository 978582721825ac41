#include "d2v/base/config_source.h"

#include "d2v/base/check.h"
#include "d2v/base/config.h"
#include "d2v/base/file.h"
#include "d2v/base/recipe.h"
#include "d2v/base/safetensors.h"
#include "temporary_folder.h"

#include "doctest.h"

using namespace d2v;

namespace {

double prob_of(const std::filesystem::path& path) {
  Config config;
  auto table = option_table(config);
  apply_source(table, path);
  return config.mask.prob;
}

std::string source_error(const std::filesystem::path& path) {
  try {
    prob_of(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a recipe, a run folder and a checkpoint are configurations") {
  test::TemporaryFolder folder;
  Config config;
  config.mask.prob = 0.6;
  const std::string text = write_ini(option_table(config));
  write_file(folder / "a.ini", text);
  write_file(folder / kConfigFile, text);
  write_safetensors(folder / "c.safetensors", {}, {{kConfigMetadata, text}});
  CHECK(prob_of(folder / "a.ini") == 0.6);
  CHECK(prob_of(folder.path()) == 0.6);
  CHECK(prob_of(folder / "c.safetensors") == 0.6);
}

TEST_CASE("what is none of them is refused, with the source in the message") {
  test::TemporaryFolder folder;
  write_safetensors(folder / "plain.safetensors", {});
  write_safetensors(folder / "typo.safetensors", {}, {{kConfigMetadata, "[mask]\nporb = 1\n"}});
  write_file(folder / "cut.safetensors", "123");
  CHECK(source_error(folder.path()).find("found no config.ini") != std::string::npos);
  CHECK(source_error(folder / "plain.safetensors").find("found no metadata 'config'") != std::string::npos);
  CHECK(
      source_error(folder / "typo.safetensors").find("typo.safetensors:config:2: unknown key 'mask.porb'") !=
      std::string::npos);
  CHECK(source_error(folder / "cut.safetensors").find("only 3 bytes") != std::string::npos);
  CHECK(source_error(folder / "none.ini").find("No such file") != std::string::npos);
}
