#include "d2v/train/schedules.h"

#include <cmath>
#include <numbers>

namespace d2v {

double learning_rate(const CosineRate& s, int64_t done) {
  if (done < s.warmup) {
    return s.min_lr + static_cast<double>(done) * (s.lr - s.min_lr) / static_cast<double>(s.warmup);
  }
  const int64_t period = s.updates - s.warmup;
  if (period <= 0) return s.lr;
  const int64_t round = (done - s.warmup) / period;
  const double progress = static_cast<double>((done - s.warmup) % period) / static_cast<double>(period);
  const double shrink = std::pow(0.1, static_cast<double>(round));
  const double low = s.min_lr * shrink, high = s.lr * shrink;
  return low + 0.5 * (high - low) * (1 + std::cos(std::numbers::pi * progress));
}

TriStageRate tri_stage(double lr, double start_scale, double end_scale, int64_t updates, double warmup_share,
                       double hold_share, double decay_share) {
  const auto part = [&](double share) { return static_cast<int64_t>(static_cast<double>(updates) * share); };
  return {lr, start_scale, end_scale, part(warmup_share), part(hold_share), part(decay_share)};
}

double learning_rate(const TriStageRate& s, int64_t done) {
  const double start = s.start_scale * s.lr;
  if (done < s.warmup)
    return start + (s.lr - start) / static_cast<double>(s.warmup) * static_cast<double>(done);
  const int64_t past = done - s.warmup - s.hold;
  if (past < 0) return s.lr;
  if (past > s.decay || s.decay == 0) return s.end_scale * s.lr;
  return s.lr * std::exp(std::log(s.end_scale) / static_cast<double>(s.decay) * static_cast<double>(past));
}

double learning_rate(const PolynomialRate& s, int64_t done) {
  if (done < s.warmup) return s.lr * static_cast<double>(done) / static_cast<double>(s.warmup);
  if (done >= s.updates) return s.end_lr;
  const double left = 1 - static_cast<double>(done - s.warmup) / static_cast<double>(s.updates - s.warmup);
  return (s.lr - s.end_lr) * std::pow(left, s.power) + s.end_lr;
}

double learning_rate(const LearningRate& schedule, int64_t done) {
  return std::visit([done](const auto& s) { return learning_rate(s, done); }, schedule);
}

double ema_decay(const EmaDecay& s, int64_t update) {
  if (update >= s.anneal) return s.end_decay;
  const double left = 1 - static_cast<double>(update) / static_cast<double>(s.anneal);
  return s.end_decay - (s.end_decay - s.decay) * left;
}

}  // namespace d2v
