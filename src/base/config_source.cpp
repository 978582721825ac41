#include "d2v/base/config_source.h"

#include "d2v/base/check.h"
#include "d2v/base/recipe.h"
#include "d2v/base/safetensors.h"

namespace d2v {

void apply_source(std::vector<Option>& table, const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    const auto file = path / kConfigFile;
    check<DataError>(
        std::filesystem::exists(file, ignored),
        "{}: expected a run folder, found no {} in it; give a recipe, a run folder or a checkpoint",
        path.string(), kConfigFile);
    return apply_recipe(table, file.string());
  }
  if (path.extension() != ".safetensors") return apply_recipe(table, path.string());
  const SafetensorsReader checkpoint(path);
  const auto found = checkpoint.metadata().find(kConfigMetadata);
  check<DataError>(found != checkpoint.metadata().end(),
                   "{}: expected a checkpoint of this program, found no metadata '{}' in it", path.string(),
                   kConfigMetadata);
  apply_ini(table, found->second, path.string() + ":" + kConfigMetadata);
}

}  // namespace d2v
