#include "d2v/eval/embed.h"

#include <array>
#include <map>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/eval/folder_samples.h"
#include "d2v/eval/npy.h"
#include "d2v/nn/aten.h"
#include "d2v/nn/tensor_file.h"

namespace d2v {

namespace {

namespace fs = std::filesystem;

void write_tensor(const fs::path& path, const std::string& name, const at::Tensor& values,
                  const std::map<std::string, std::string>& metadata) {
  const at::Tensor whole = values.contiguous();
  const std::array<TensorToStore, 1> tensors{to_store(name, whole)};
  write_safetensors(path, tensors, metadata);
}

std::string ids_text(const FolderSource& source, const at::Tensor& rows) {
  std::string text = "id\tpath\tclass\n";
  for (int64_t i = 0; i < rows.size(0); ++i) {
    const FolderSample& sample = source.samples[static_cast<size_t>(rows.const_data_ptr<int64_t>()[i])];
    std::string path = sample.path;  // a name may hold what would tear the line apart
    for (char& c : path)
      if (c == '\t' || c == '\n' || c == '\r') c = ' ';
    text += fmt::format("{:016x}\t{}\t{}\n", sample.id, path,
                        sample.label < 0 ? "" : source.classes[static_cast<size_t>(sample.label)]);
  }
  return text;
}

}  // namespace

EmbedResult embed_folder(LoadedModel& model, const FolderSource& source, const EmbedSettings& settings) {
  const std::string ending = settings.out.extension().string();
  check<UsageError>(ending == ".safetensors" || ending == ".npy",
                    "--out {}: expected a name that ends in .safetensors or "
                    ".npy",
                    settings.out.string());
  check<UsageError>(settings.network == Network::student || model.has_teacher(),
                    "{} has no teacher: use --network student", model.checkpoint.string());
  check<UsageError>(on_grid(source.kind) || (settings.pooling != Pooling::all && settings.dump_input.empty()),
                    "--tokens all and --dump-input are for pictures and spectrograms: {} differ in length",
                    source.texts ? "texts" : "recordings");
  check_vocabulary(model, source);
  const std::vector<int64_t> layers = parse_layers(settings.layers, model.blocks());
  std::vector<FeatureSource> sources{
      network_features("embed", *model.objective, settings.network, layers, settings.pooling)};
  if (!settings.dump_input.empty())
    sources.push_back({"input", [](const SampleBatch& batch) { return batch.input.clone(); }});
  const Samples samples = folder_samples(source, *model.config);
  ExtractedFeatures found = extract(samples, sources);

  at::Tensor features = found.sources[0].values;
  if (settings.pooling != Pooling::all) features = features.flatten(1);
  const std::map<std::string, std::string> metadata{
      {"command", settings.command},
      {"checkpoint", model.checkpoint.string()},
      {"network", settings.network == Network::teacher ? "teacher" : "student"},
      {"layers", layers_text(layers)},
      {"tokens", settings.pooling == Pooling::mean  ? "mean"
                 : settings.pooling == Pooling::cls ? "cls"
                                                    : "all"}};
  if (ending == ".npy")
    write_npy(settings.out, features);
  else
    write_tensor(settings.out, "features", features, metadata);
  if (!settings.dump_input.empty())
    write_tensor(settings.dump_input, "input", found.sources[1].values, metadata);

  EmbedResult result{features.size(0), samples.word, features.sizes().vec(), settings.out, settings.out};
  result.ids.replace_extension(".tsv");
  write_file(result.ids, ids_text(source, found.rows));
  return result;
}

}  // namespace d2v
