// A tiny real model as a checkpoint, and a folder of pictures for it.
#pragma once

#include <filesystem>
#include <string>

#include "d2v/base/philox.h"
#include "d2v/base/recipe.h"
#include "d2v/nn/aten.h"
#include "d2v/pipeline/png_writer.h"
#include "d2v/train/checkpoint.h"
#include "d2v/train/checkpoint_files.h"
#include "made_up_run.h"

namespace d2v::test {

inline Config tiny_config() {
  Config config;
  config.image.size = 16;
  config.image.patch = 4;
  config.model.dim = 32;
  config.model.heads = 4;
  config.model.prenet_depth = 1;
  config.model.depth = 3;
  config.decoder.dim = 32;
  config.decoder.layers = 2;
  config.target.layers = 2;
  config.mask.clones = 2;
  config.mask.prob = 0.6;
  config.mask.block = 2;
  return config;
}

// A run folder with config.ini and one checkpoint whose teacher differs from its student.
inline void make_up_trained_run(const std::filesystem::path& folder, const Config& config) {
  Config copy = config;
  write_text(folder / "config.ini", write_ini(option_table(copy)));
  const auto objective = make_objective(copy, Precision::fp32);
  TrainingState state(objective->layout());
  state.update = 123;
  objective->teacher().mul_(1.25);
  objective->weights_changed();
  std::filesystem::create_directories(checkpoint_path(folder, 123).parent_path());
  save_checkpoint(checkpoint_path(folder, 123), copy, *objective, state);
}

// Classes "blue" and "red", `each` pictures of 20×20 pixels with noise.
inline void make_up_pictures(const std::filesystem::path& folder, int each) {
  for (const std::string name : {"red", "blue"}) {
    std::filesystem::create_directories(folder / name);
    for (int i = 0; i < each; ++i) {
      Image image;
      image.resize(20, 20);
      Philox noise({.sample = static_cast<uint64_t>(i), .clone = name == "red" ? 1u : 2u});
      for (size_t p = 0; p < image.pixels.size(); ++p) {
        const bool strong = (p % 3 == 0) == (name == "red");
        image.pixels[p] = static_cast<uint8_t>((strong ? 120 : 0) + noise.below(136));
      }
      const auto png = encode_png(image);
      write_text(folder / name / (std::to_string(i) + ".png"),
                 {reinterpret_cast<const char*>(png.data()), png.size()});
    }
  }
}

}  // namespace d2v::test
