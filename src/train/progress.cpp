#include "d2v/train/progress.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "d2v/base/command_line.h"
#include "d2v/base/log.h"

namespace d2v {
namespace {

constexpr double kRedrawSeconds = 0.1, kPlainSeconds = 30;
constexpr size_t kPlainWidth = 200;

double seconds_between(std::chrono::steady_clock::time_point a, std::chrono::steady_clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

}  // namespace

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  const auto s = static_cast<int64_t>(std::llround(std::max(0.0, seconds)));
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  if (s < 86400) return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{}d {:02}:{:02}", s / 86400, s / 3600 % 24, s / 60 % 60);
}

std::string progress_text(const Metrics& m, const RunLengths& lengths, double seconds_left, size_t width) {
  const double share = 100.0 * static_cast<double>(m.update) / static_cast<double>(lengths.updates);
  const bool waits = m.loader && m.loader->bottleneck != "step";
  const std::string fields[] = {
      fmt::format("{}/{} {:.0f}%", m.update, lengths.updates, std::floor(share)),
      fmt::format("epoch {:.2f}", m.epoch),
      fmt::format("loss {:.4f}", m.loss),
      "ETA " + duration_text(seconds_left),
      fmt::format("{:.1f} samples/s", m.speed.samples_per_second),
      fmt::format("lr {:.2e}", m.lr),
      fmt::format("EMA {:.6g}", m.ema_decay),
      fmt::format("{:.0f} masked views/s", m.speed.views_per_second),
      fmt::format("stall {:.1f}%{}", m.speed.stall_percent,
                  waits ? fmt::format(" ({})", m.loader->bottleneck) : std::string()),
  };
  std::string line;
  for (const std::string& field : fields) {
    const std::string with = line.empty() ? field : line + "  " + field;
    if (with.size() <= width || line.empty()) line = with;
  }
  return line;
}

Progress::Progress(const RunLengths& lengths, int64_t start_update)
    : lengths_(lengths), start_update_(start_update), start_(Clock::now()) {}

Progress::~Progress() { set_status(""); }

void Progress::show(const Metrics& metrics) {
  const auto now = Clock::now();
  const bool live = status_is_live();
  const bool first = shown_ == Clock::time_point{};
  if (!first && seconds_between(shown_, now) < (live ? kRedrawSeconds : kPlainSeconds)) return;
  if (first && !live && seconds_between(start_, now) < 1) return;  // nothing to say about the first instant
  shown_ = now;
  const double per_update = seconds_between(start_, now) /
                            static_cast<double>(std::max<int64_t>(1, metrics.update - start_update_));
  const double left = per_update * static_cast<double>(lengths_.stop_at - metrics.update);
  if (live) {
    set_status(progress_text(metrics, lengths_, left, terminal_width()));
  } else {
    log_info("{}", progress_text(metrics, lengths_, left, kPlainWidth));
  }
}

}  // namespace d2v
