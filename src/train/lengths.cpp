#include "d2v/train/lengths.h"

#include <algorithm>

#include "d2v/base/check.h"

namespace d2v {
namespace {

std::string text_of(const Length& length) {
  const char* unit = length.unit == Length::Unit::epochs    ? "ep"
                     : length.unit == Length::Unit::percent ? "%"
                                                            : "";
  return fmt::format("{:g}{}", length.value, unit);
}

}  // namespace

RunLengths resolve_lengths(const Config& config, int64_t updates_per_epoch) {
  check<UsageError>(updates_per_epoch > 0,
                    "an epoch has no update: the data set has fewer samples than data.batch = {}",
                    config.data.batch);
  check<UsageError>(config.run.updates.unit != Length::Unit::percent,
                    "run.updates = {}: the length of the run cannot be a share of itself; write updates "
                    "(20000) or epochs (10ep)",
                    text_of(config.run.updates));
  RunLengths out;
  out.per_epoch = updates_per_epoch;
  out.updates = config.run.updates.resolve(updates_per_epoch, 0);
  check<UsageError>(out.updates > 0, "run.updates = {} comes to no update at all ({} updates in an epoch)",
                    text_of(config.run.updates), updates_per_epoch);
  const auto resolve = [&](const Length& length) { return length.resolve(updates_per_epoch, out.updates); };
  // A length that is not 0 must not become 0 by rounding: 0 means "never".
  const auto period = [&](const Length& length) {
    return length.value > 0 ? std::max<int64_t>(1, resolve(length)) : 0;
  };
  out.stop_at = config.run.stop_at > 0 ? std::min(config.run.stop_at, out.updates) : out.updates;
  out.warmup = resolve(config.optim.warmup);
  out.anneal = resolve(config.ema.anneal);
  out.valid_every = period(config.run.valid_every);
  out.checkpoint_every = period(config.checkpoint.every);
  out.keep_every = period(config.checkpoint.keep_every);
  return out;
}

CosineRate rate_of(const Config& config, const RunLengths& lengths) {
  return {config.optim.lr, config.optim.min_lr, lengths.warmup, lengths.updates};
}

EmaDecay decay_of(const Config& config, const RunLengths& lengths) {
  return {config.ema.decay, config.ema.end_decay, lengths.anneal};
}

std::vector<std::string> describe_lengths(const Config& config, const RunLengths& lengths) {
  std::vector<std::string> out;
  const auto epochs = static_cast<double>(lengths.updates) / static_cast<double>(lengths.per_epoch);
  out.push_back(fmt::format("run: {} updates = {:.4g} epochs of {} updates, {} samples each", lengths.updates,
                            epochs, lengths.per_epoch, config.data.batch));
  if (lengths.stop_at < lengths.updates)
    out.push_back(fmt::format("this session stops after update {}", lengths.stop_at));
  out.push_back(
      fmt::format("learning rate: {:g} to {:g} over {} updates (optim.warmup = {}), then a cosine to {:g}",
                  config.optim.min_lr, config.optim.lr, lengths.warmup, text_of(config.optim.warmup),
                  config.optim.min_lr));
  out.push_back(fmt::format("EMA decay: {:g} to {:g} over {} updates (ema.anneal = {})", config.ema.decay,
                            config.ema.end_decay, lengths.anneal, text_of(config.ema.anneal)));
  std::string saves = "at the end";
  if (config.checkpoint.every_minutes > 0)
    saves = fmt::format("every {:g} minutes, {}", config.checkpoint.every_minutes, saves);
  if (lengths.checkpoint_every > 0)
    saves = fmt::format("every {} updates, {}", lengths.checkpoint_every, saves);
  out.push_back("checkpoints: " + saves);
  return out;
}

std::vector<std::string> length_warnings(const Config& config, const RunLengths& lengths) {
  std::vector<std::string> out;
  if (lengths.warmup >= lengths.updates) {
    out.push_back(fmt::format(
        "the warm-up takes {} updates (optim.warmup = {}) but the run has only {}: the learning rate "
        "never reaches {:g}",
        lengths.warmup, text_of(config.optim.warmup), lengths.updates, config.optim.lr));
  }
  if (lengths.anneal > lengths.updates && config.ema.decay != config.ema.end_decay) {
    const double last = ema_decay(decay_of(config, lengths), lengths.updates);
    out.push_back(fmt::format(
        "the EMA anneal takes {} updates (ema.anneal = {}) but the run has only {}: the decay ends at "
        "{:.6g} instead of {:g}",
        lengths.anneal, text_of(config.ema.anneal), lengths.updates, last, config.ema.end_decay));
  }
  return out;
}

}  // namespace d2v
