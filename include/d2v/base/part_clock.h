// Where the time of a training step goes, part by part (section 1 of the method), forward and backward apart.
//
// One clock runs at a time: entering a part ends the one before. Code that may be measured holds a pointer to a clock,
// null in training, so that not measuring costs a comparison. One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string_view>
#include <utility>

namespace d2v {

enum class StepPart {
  other,          // between the parts: gradients set to zero, keys, what the benchmark itself does
  wait,           // for the loader's next slice
  local_encoder,  // patches, waveform convolutions or embeddings, once per sample
  gather,         // positions, visible tokens of every mask, extra tokens, ALiBi
  student,        // prenet and blocks
  restore,        // order and noise, or mask tokens, in front of the decoder
  decoder,        // convolutions or blocks, and the projection; data2vec 1: the head
  teacher,        // all of its forward pass
  targets,        // normalised and averaged
  loss,           // with the moments for monitoring
  optimizer,      // norm, clipping, AdamW, EMA, low-precision copies
};
inline constexpr std::array<std::string_view, 11> kStepPartNames{"other",          "wait for data",
                                                                 "local encoder",  "positions, gather",
                                                                 "student",        "noise, restore order",
                                                                 "decoder",        "teacher",
                                                                 "targets",        "loss",
                                                                 "optimizer + EMA"};

enum class StepPass { forward, backward };

// Seconds.
struct PartTimes {
  std::array<std::array<double, 2>, kStepPartNames.size()> seconds{};

  double& at(StepPart part, StepPass pass) {
    return seconds[static_cast<size_t>(part)][static_cast<size_t>(pass)];
  }
  double at(StepPart part, StepPass pass) const {
    return seconds[static_cast<size_t>(part)][static_cast<size_t>(pass)];
  }
  double of(StepPart part) const { return at(part, StepPass::forward) + at(part, StepPass::backward); }
  double of(StepPass pass) const {
    double sum = 0;
    for (const auto& part : seconds) sum += part[static_cast<size_t>(pass)];
    return sum;
  }
  double total() const { return of(StepPass::forward) + of(StepPass::backward); }
};

// A monotonic clock in seconds.
double seconds_now();

class PartClock {
 public:
  using Now = std::function<double()>;
  // `now` in seconds.
  explicit PartClock(Now now = seconds_now) : now_(std::move(now)) {}

  // Starts at zero, in `other`.
  void start() {
    times_ = {};
    part_ = StepPart::other;
    pass_ = StepPass::forward;
    last_ = now_();
  }
  // What was going on ends, `part` begins.
  void enter(StepPart part, StepPass pass = StepPass::forward) {
    if (before_switch) before_switch();
    const double time = now_();
    times_.at(part_, pass_) += time - last_;
    last_ = time;
    part_ = part;
    pass_ = pass;
  }
  // → the times since start().
  PartTimes stop() {
    enter(StepPart::other);
    return times_;
  }
  StepPart part() const { return part_; }
  StepPass pass() const { return pass_; }

  std::function<void()> before_switch;  // called while the part that ends is still part(); may be empty

 private:
  Now now_;
  PartTimes times_;
  StepPart part_ = StepPart::other;
  StepPass pass_ = StepPass::forward;
  double last_ = 0;
};

// Does nothing where there is no clock.
inline void enter(PartClock* clock, StepPart part, StepPass pass = StepPass::forward) {
  if (clock != nullptr) clock->enter(part, pass);
}

}  // namespace d2v
