#include "d2v/train/lengths.h"

#include <algorithm>

#include "d2v/base/check.h"

namespace d2v {
namespace {

bool averages_weights(const Config& config) { return config.model.objective != ObjectiveKind::mae; }

std::string text_of(const Length& length) {
  const char* unit = length.unit == Length::Unit::epochs    ? "ep"
                     : length.unit == Length::Unit::percent ? "%"
                                                            : "";
  return fmt::format("{:g}{}", length.value, unit);
}

std::string rate_text(const OptimConfig& optim, const RunLengths& lengths) {
  double start = optim.min_lr;
  std::string rest = fmt::format("a cosine to {:g}", optim.min_lr);
  if (optim.schedule == RateSchedule::tri_stage) {
    start = optim.start_scale * optim.lr;
    rest = fmt::format("{} updates there (optim.hold = {}) and an exponential decay to {:g}", lengths.hold,
                       text_of(optim.hold), optim.end_scale * optim.lr);
  } else if (optim.schedule == RateSchedule::polynomial) {
    start = 0;
    rest = fmt::format("down to {:g} with power {:g}", optim.min_lr, optim.power);
  }
  return fmt::format("learning rate: {:g} to {:g} over {} updates (optim.warmup = {}), then {}", start,
                     optim.lr, lengths.warmup, text_of(optim.warmup), rest);
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
  out.hold = resolve(config.optim.hold);
  out.anneal = resolve(config.ema.anneal);
  out.valid_every = period(config.run.valid_every);
  out.checkpoint_every = period(config.checkpoint.every);
  out.keep_every = period(config.checkpoint.keep_every);
  return out;
}

LearningRate rate_of(const Config& config, const RunLengths& lengths) {
  const OptimConfig& o = config.optim;
  switch (o.schedule) {
    case RateSchedule::cosine:
      return CosineRate{o.lr, o.min_lr, lengths.warmup, lengths.updates};
    case RateSchedule::tri_stage: {
      const int64_t decay = std::max<int64_t>(0, lengths.updates - lengths.warmup - lengths.hold);
      return TriStageRate{o.lr, o.start_scale, o.end_scale, lengths.warmup, lengths.hold, decay};
    }
    case RateSchedule::polynomial:
      return PolynomialRate{o.lr, o.min_lr, o.power, lengths.warmup, lengths.updates};
  }
  fail("no such schedule");
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
  out.push_back(rate_text(config.optim, lengths));
  if (averages_weights(config))
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
  if (config.optim.schedule == RateSchedule::tri_stage && lengths.warmup < lengths.updates &&
      lengths.warmup + lengths.hold >= lengths.updates) {
    out.push_back(fmt::format(
        "warm-up and hold take {} updates (optim.hold = {}) but the run has only {}: the learning rate never "
        "decays",
        lengths.warmup + lengths.hold, text_of(config.optim.hold), lengths.updates));
  }
  if (averages_weights(config) && lengths.anneal > lengths.updates &&
      config.ema.decay != config.ema.end_decay) {
    const double last = ema_decay(decay_of(config, lengths), lengths.updates);
    out.push_back(fmt::format(
        "the EMA anneal takes {} updates (ema.anneal = {}) but the run has only {}: the decay ends at "
        "{:.6g} instead of {:g}",
        lengths.anneal, text_of(config.ema.anneal), lengths.updates, last, config.ema.end_decay));
  }
  return out;
}

}  // namespace d2v
