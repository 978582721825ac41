// A run folder as a training would leave it, without training.
#pragma once

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include "d2v/base/config.h"
#include "d2v/base/philox.h"
#include "d2v/base/recipe.h"

namespace d2v::test {

// An empty folder that is removed with the object.
struct ScratchFolder {
  explicit ScratchFolder(const std::string& name)
      : path(std::filesystem::temp_directory_path() / ("d2v_eval_" + name + "_" + std::to_string(getpid()))) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  std::filesystem::path path;
};

inline void write_text(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

// config.ini, metrics.jsonl of 2,000 updates and run.log.
inline void make_up_run(const std::filesystem::path& folder, double lr = 1e-3, uint64_t seed = 1) {
  Config config;
  config.run.updates = updates(2000);
  config.run.seed = static_cast<int64_t>(seed);
  config.optim.lr = lr;
  config.data.path = "pictures & <more>";
  write_text(folder / "config.ini", write_ini(option_table(config)));
  write_text(folder / "run.log",
             "2026-01-31 12:34:56 info: d2v pretrain recipes/r.ini --run.seed 1 (version 0.1.0)\n"
             "2026-01-31 12:40:00 warning: predictions' deviation fell from 0.41 to 0.12 <soon>\n");
  std::string lines;
  Philox noise({.seed = seed});
  for (int update = 10; update <= 2000; update += 10) {
    const double done = update / 2000.0, loss = 0.35 + 0.9 * std::exp(-5 * done) + 0.02 * noise.normal();
    lines += fmt::format(
        "{{\"update\":{},\"samples\":{},\"epoch\":{},\"loss\":{},\"loss_regression\":{},\"loss_cls\":{},"
        "\"lr\":{},\"ema_decay\":{},"
        "\"gradient_norm\":{},\"target_var\":{},\"pred_var\":{},\"samples_per_second\":{},"
        "\"views_per_second\":{},\"stall_pct\":{}",
        update, update * 64, update / 100.0, loss, 0.7 * loss, 0.3 * loss,
        lr * std::min(1.0, done * 10) * (1.05 - done), 0.99 + 0.009 * done, 1 + noise.uniform(),
        0.8 - 0.1 * done, 0.3 + 0.2 * done, 200 + 10 * noise.normal(), 1600 + 80 * noise.normal(),
        3 * noise.uniform());
    if (update % 100 == 0)
      lines += fmt::format(",\"target_rank\":{},\"local_rank\":{},\"valid_loss\":{}", 40 + 20 * done,
                           30 + 5 * done, loss + 0.03);
    lines += "}\n";
  }
  write_text(folder / "metrics.jsonl", lines);
}

}  // namespace d2v::test
