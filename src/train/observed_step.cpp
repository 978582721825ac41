#include "d2v/train/observed_step.h"

#include <algorithm>
#include <memory>
#include <string>

#include <ATen/record_function.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

namespace d2v {

namespace {

constexpr auto kObserverSlot = c10::DebugInfoKind::PROFILER_STATE;  // where the allocator looks

// Lies in the thread's debug slot while the step runs: LibTorch's allocator and its operations report to it.
class StepObserver : public c10::MemoryReportingInfoBase {
 public:
  explicit StepObserver(const PartClock& clock) : clock_(clock), last_(seconds_now()) {}

  bool memoryProfilingEnabled() const override { return true; }
  void reportMemoryUsage(void*, int64_t bytes, size_t, size_t, c10::Device) override {
    live_ += bytes;
    allocations_.most_live_bytes = std::max(allocations_.most_live_bytes, live_);
    if (bytes <= 0) return;
    ++allocations_.count;
    allocations_.bytes += bytes;
  }

  void begin(const char* name) {
    account();
    running_.push_back(kind_of_op(name));
  }
  void end() {
    account();
    running_.pop_back();
  }
  // The time since the last event belongs to the innermost operation and the clock's present part.
  void account() {
    const double now = seconds_now();
    const OpKind kind = running_.empty() ? OpKind::own : running_.back();
    times_[static_cast<size_t>(clock_.part())][static_cast<size_t>(clock_.pass())]
          [static_cast<size_t>(kind)] += now - last_;
    last_ = now;
  }

  ObservedStep result() const {
    ObservedStep out{.allocations = allocations_, .times = {}};
    for (size_t part = 0; part < times_.size(); ++part)
      for (size_t pass = 0; pass < 2; ++pass)
        for (size_t kind = 0; kind < kOpKindNames.size(); ++kind)
          if (times_[part][pass][kind] > 0)
            out.times.push_back({static_cast<StepPart>(part), static_cast<StepPass>(pass),
                                 static_cast<OpKind>(kind), times_[part][pass][kind]});
    return out;
  }

 private:
  const PartClock& clock_;
  double last_;
  std::vector<OpKind> running_;
  std::array<std::array<std::array<double, kOpKindNames.size()>, 2>, kStepPartNames.size()> times_{};
  Allocations allocations_;
  int64_t live_ = 0;
};

// Null in threads that the step does not run in.
StepObserver* observer_here() {
  return dynamic_cast<StepObserver*>(c10::ThreadLocalDebugInfo::get(kObserverSlot));
}

std::unique_ptr<at::ObserverContext> operation_begins(const at::RecordFunction& operation) {
  if (StepObserver* observer = observer_here()) observer->begin(operation.name());
  return nullptr;
}

void operation_ends(const at::RecordFunction&, at::ObserverContext*) {
  if (StepObserver* observer = observer_here()) observer->end();
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool has_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) { return has(text, part); });
}

}  // namespace

OpKind kind_of_op(std::string_view name) {
  std::string small(name);
  std::transform(small.begin(), small.end(), small.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (has(small, "d2v::")) return OpKind::own;
  if (has_any(small, {"attention", "softmax"})) return OpKind::attention;
  if (has(small, "conv")) return OpKind::convolution;
  if (has(small, "norm")) return OpKind::norm;
  if (has(small, "gelu")) return OpKind::gelu;
  if (has_any(small, {"addmm", "matmul", "linear", "::mm", "mmbackward", "bmm"}))
    return OpKind::matrix_product;
  if (has_any(small, {"copy", "cat", "clone", "contiguous", "gather", "scatter", "index", "embedding", "fill",
                      "zero", "empty", "pad", "slice", "select", "view", "reshape", "repeat", "stack"}))
    return OpKind::copy;
  return OpKind::element_wise;
}

double ObservedStep::seconds(OpKind kind) const {
  double sum = 0;
  for (const Entry& entry : times)
    if (entry.kind == kind) sum += entry.seconds;
  return sum;
}

double ObservedStep::seconds(StepPart part, StepPass pass, OpKind kind) const {
  double sum = 0;
  for (const Entry& entry : times)
    if (entry.part == part && entry.pass == pass && entry.kind == kind) sum += entry.seconds;
  return sum;
}

ObservedStep observe_step(PartClock& clock, const std::function<void()>& step) {
  const auto observer = std::make_shared<StepObserver>(clock);
  const auto handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback(operation_begins, operation_ends)
          .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
  const auto before = std::exchange(clock.before_switch, [&observer] { observer->account(); });
  const auto end = [&] {
    at::removeCallback(handle);
    clock.before_switch = before;
  };
  try {
    const c10::DebugInfoGuard guard(kObserverSlot, observer);
    step();
    observer->account();
  } catch (...) {
    end();
    throw;
  }
  end();
  return observer->result();
}

}  // namespace d2v
