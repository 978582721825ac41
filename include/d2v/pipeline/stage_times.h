// Where the loader's threads spend their time, stage by stage.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace d2v {

// What is done to a sample, in this order. `resample` is of recordings, whose spectrograms belong to `normalize`; `resize` is
// of pictures, with the flip. Texts are tokens on disk already: they are only read.
enum class Stage { read, decode, resample, resize, normalize, masks };
inline constexpr std::array<std::string_view, 6> kStageNames{"read",   "decode",    "resample",
                                                             "resize", "normalize", "masks"};
inline constexpr std::string_view name_of(Stage stage) { return kStageNames[static_cast<size_t>(stage)]; }

// Sums over samples.
struct StageTimes {
  std::array<int64_t, kStageNames.size()> nanoseconds{};
  int64_t bytes = 0;    // read from files
  int64_t samples = 0;  // finished

  int64_t& operator[](Stage stage) { return nanoseconds[static_cast<size_t>(stage)]; }
  int64_t operator[](Stage stage) const { return nanoseconds[static_cast<size_t>(stage)]; }
  StageTimes& operator+=(const StageTimes& other) {
    for (size_t i = 0; i < nanoseconds.size(); ++i) nanoseconds[i] += other.nanoseconds[i];
    bytes += other.bytes;
    samples += other.samples;
    return *this;
  }
};

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Adds the time between its making and its end to a stage. `times` null: does nothing.
class StageTimer {
 public:
  StageTimer(StageTimes* times, Stage stage) : times_(times), stage_(stage) {
    if (times_ != nullptr) start_ = Clock::now();
  }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;
  ~StageTimer() {
    if (times_ == nullptr) return;
    (*times_)[stage_] += std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  StageTimes* times_;
  Stage stage_;
  Clock::time_point start_;
};

}  // namespace d2v
