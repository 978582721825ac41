// Features of a folder or table of samples as a file, for use elsewhere.
#pragma once

#include <filesystem>
#include <string>

#include "d2v/eval/features.h"
#include "d2v/eval/loaded_model.h"
#include "d2v/pipeline/folder_source.h"

namespace d2v {

struct EmbedSettings {
  std::filesystem::path out;           // F.safetensors or F.npy
  std::filesystem::path dump_input{};  // safetensors with the normalised pixels (pictures only); empty: none
  Network network = Network::teacher;
  std::string layers = "middle+last";
  Pooling pooling = Pooling::mean;
  std::string command{};  // kept in the file's metadata
};

struct EmbedResult {
  int64_t samples = 0;
  std::string word;            // what they are called
  std::vector<int64_t> shape;  // of the features
  std::filesystem::path features, ids;
};

// Writes three things, complete or not at all:
//   out                 "features" float32: mean and cls (n, layers·D), all (n, layers, E+T, D), in the order of the ids
//   out's stem + .tsv   id, path, class of each row, with a header line
//   dump_input          "input" float32 (n, C, H, W)
// Throws UsageError: another ending than .safetensors or .npy, no such layer, teacher asked for where there is none,
// all tokens or the input of recordings or texts, which differ in length; DataError where no sample can be read, or texts are of another vocabulary than the model's;
// StorageError.
EmbedResult embed_folder(LoadedModel& model, const FolderSource& source, const EmbedSettings& settings);

}  // namespace d2v
