// The folder of a run: config.ini, metrics.jsonl, TensorBoard events, run.log, checkpoints/, skipped.tsv, .lock.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "d2v/base/config.h"
#include "d2v/base/folder_lock.h"
#include "d2v/base/recipe.h"

namespace d2v {

struct RunFolder {
  std::filesystem::path path;
  FolderLock lock;
  bool continues = false;  // it held a run of this configuration
  std::string data{};      // source_identity of the training samples, set by pretrain
};

// Options that may change between two sessions of one run: what does not change its results. Where the data and the
// vocabulary lie may change too; that they are the same is checked against the checkpoint.
bool may_change(const std::string& key);

// Differences between two configurations that make them different runs.
std::vector<Difference> conflicts(Config saved, Config now);

// Creates and locks config.run.dir, removes what killed processes left behind, and writes config.ini.
// Throws StorageError (in use, not writable); UsageError: the folder holds a run of another configuration (lists the
// differences), run.resume = never and there is a run, run.resume = must and there is none.
RunFolder open_run_folder(const Config& config);

// metrics.jsonl: one line per logged update, flushed at once.
class MetricsFile {
 public:
  // Drops lines of updates after `last_update` and a last line that a kill cut short, so that no update is there twice.
  // Throws StorageError.
  MetricsFile(const std::filesystem::path& path, int64_t last_update);
  void append(const std::string& line);  // throws StorageError

 private:
  std::filesystem::path path_;
  std::ofstream out_;
};

// What the loader could not read: path, reason, times. Keeps what earlier sessions of the run found.
class SkippedFile {
 public:
  explicit SkippedFile(const std::filesystem::path& path);
  // Adds this session's list to those of before; returns how many files there are now. Throws StorageError.
  struct Entry {
    std::string path, reason;
    int64_t count = 0;
    bool in_scan = false;  // found anew at every start: does not add up
  };
  size_t write(const std::vector<Entry>& session);

 private:
  std::filesystem::path path_;
  std::map<std::string, Entry> before_;
};

}  // namespace d2v
