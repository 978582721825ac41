// Scalars for TensorBoard: an event file, TFRecord framing around Event messages
// (tensorflow/core/util/event.proto).
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace d2v {

struct Scalar {
  std::string name;  // "train/loss": TensorBoard groups by the part before the slash
  double value = 0;  // stored as float
};

class TensorboardWriter {
 public:
  // Creates events.out.tfevents.TIME.HOST.PID.N in `folder`. TensorBoard merges the files of a folder;
  // `purge_step`, where given, tells it to forget what earlier files say from that step on, for a run that
  // went back to a checkpoint. Throws StorageError.
  explicit TensorboardWriter(const std::filesystem::path& folder, int64_t purge_step = -1);

  // One event, on disk (though not synced) when the call returns. Throws StorageError.
  void write(int64_t step, std::span<const Scalar> scalars);

  const std::filesystem::path& path() const { return path_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void write_record(const std::string& event);

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace d2v
