#include "d2v/eval/report_pictures.h"

#include <optional>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/eval/neighbours.h"
#include "d2v/eval/run_record.h"
#include "d2v/pipeline/image_splits.h"
#include "d2v/pipeline/mask_preview.h"
#include "d2v/pipeline/synthetic.h"
#include "d2v/train/checkpoint_files.h"

namespace d2v {

namespace {

namespace fs = std::filesystem;

// Whatever goes wrong in `make` becomes a sentence.
template <class Make>
void attempt(const char* what, std::vector<std::string>& missing, const Make& make) {
  try {
    make();
  } catch (const std::exception& error) {
    missing.push_back(fmt::format("no {} in the report: {}", what, error.what()));
  }
}

}  // namespace

std::vector<std::string> make_report_pictures(const fs::path& run, std::span<const Override> overrides,
                                              const std::string& command) {
  Config config = *read_run(run).config;
  auto table = option_table(config);
  apply_overrides(table, overrides);
  if (config.model.modality != Modality::image) return {};
  if (!fs::exists(config.data.path) && !is_synthetic(config.data.path))
    return {fmt::format("no pictures in the report: the data '{}' is not there; give it with --data.path",
                        config.data.path)};
  std::vector<std::string> missing;
  std::optional<ImageSource> source;
  attempt("pictures", missing,
          [&] { source = pretrain_sources(config.data, static_cast<uint64_t>(config.run.seed)).train; });
  if (!source) return missing;
  attempt("mask preview", missing, [&] {
    const MaskPreviewOptions preview{.seed = static_cast<uint64_t>(config.run.seed)};
    const auto png = render_mask_preview(*source, config.data, config.image, config.mask, preview);
    write_file(run / "masks.png", {reinterpret_cast<const char*>(png.data()), png.size()});
  });
  attempt("neighbour strips", missing, [&] {
    check<DataError>(!list_checkpoints(run).empty(), "{} has no checkpoint yet", run.string());
    LoadedModel model = load_model(run, overrides);
    make_neighbours(model, *source, run, {.command = command});
  });
  return missing;
}

}  // namespace d2v
