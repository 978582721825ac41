// Options of the trainer: run, optimizer, EMA, checkpoints, health.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "d2v/base/options.h"

namespace d2v {

enum class ResumeMode { automatic, never, must };
template <>
struct EnumNames<ResumeMode> {
  static constexpr std::array<std::string_view, 3> names{"auto", "never", "must"};
};

enum class Precision { automatic, fp32, bf16 };
template <>
struct EnumNames<Precision> {
  static constexpr std::array<std::string_view, 3> names{"auto", "fp32", "bf16"};
};

enum class DeviceKind { cpu, cuda, automatic };
template <>
struct EnumNames<DeviceKind> {
  static constexpr std::array<std::string_view, 3> names{"cpu", "cuda", "auto"};
};

struct RunConfig {
  std::string dir = "runs/latest";
  int64_t seed = 1;
  Length updates{100, Length::Unit::epochs};
  int64_t stop_at = 0;
  ResumeMode resume = ResumeMode::automatic;
  Precision precision = Precision::automatic;
  DeviceKind device = DeviceKind::cpu;
  int64_t threads = 0;
  int64_t accumulate = 1;
  int64_t log_every = 10;
  Length valid_every{0, Length::Unit::updates};

  template <class V>
  void visit(V& v) {
    v("dir", dir, "run folder: configuration, metrics, checkpoints, report");
    v("seed", seed, Range{0, 9e15}, "seed of everything random");
    v("updates", updates, at_least(1), "length of the run: updates (20000) or epochs (10ep)");
    v("stop_at", stop_at, Range{0, 9e15},
      "save and stop after this update, schedules unchanged; 0: at the end");
    v("resume", resume,
      "auto: go on where this folder's run stopped; never: refuse a folder with a run; must: refuse one "
      "without");
    v("precision", precision,
      "number format of matrix products; auto: bf16 where the processor has it, else fp32");
    v("device", device,
      "where the step runs; auto: on the first CUDA device, where there is none on the CPU");
    v("threads", threads, Range{0, 1024}, "threads of the trainer; 0: all cores");
    v("accumulate", accumulate, Range{1, 65536},
      "forward and backward passes per update; must divide data.batch");
    v("log_every", log_every, Range{1, 1e9}, "updates between two lines of metrics.jsonl");
    v("valid_every", valid_every, at_least(0), "updates between two held-out losses; 0: only at the end");
  }
};

enum class EpsMode { reference, framework };
template <>
struct EnumNames<EpsMode> {
  static constexpr std::array<std::string_view, 2> names{"reference", "framework"};
};

enum class RateSchedule { cosine, tri_stage, polynomial };
template <>
struct EnumNames<RateSchedule> {
  static constexpr std::array<std::string_view, 3> names{"cosine", "tri_stage", "polynomial"};
};

struct OptimConfig {
  RateSchedule schedule = RateSchedule::cosine;
  double lr = 1e-3;
  double min_lr = 0;
  Length warmup{10, Length::Unit::percent};
  Length hold{0, Length::Unit::percent};
  double start_scale = 0.01;
  double end_scale = 0.01;
  double power = 1;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double eps = 1e-8;
  EpsMode eps_mode = EpsMode::reference;
  double weight_decay = 0.05;
  bool decay_all = false;
  double clip_norm = 4;

  template <class V>
  void visit(V& v) {
    v("schedule", schedule,
      "after the linear warm-up: cosine to min_lr; tri_stage: hold, then exponential decay; polynomial decay "
      "to min_lr");
    v("lr", lr, Range{0, 100}, "highest learning rate");
    v("min_lr", min_lr, Range{0, 100},
      "cosine: learning rate at the start of the warm-up and at the end; polynomial: at the end");
    v("warmup", warmup, at_least(0), "length of the linear warm-up");
    v("hold", hold, at_least(0), "tri_stage: length of the stage at the highest learning rate");
    v("start_scale", start_scale, Range{0, 1}, "tri_stage: the warm-up starts at this share of lr");
    v("end_scale", end_scale, Range{1e-12, 1}, "tri_stage: the decay ends at this share of lr");
    v("power", power, Range{0.01, 100}, "polynomial: power of the share of the run that is left");
    v("beta1", beta1, Range{0, 0.999999}, "Adam: decay of the gradient's mean");
    v("beta2", beta2, Range{0, 0.9999999}, "Adam: decay of the gradient's square");
    v("eps", eps, Range{0, 1}, "Adam: added to the root of the second moment");
    v("eps_mode", eps_mode,
      "reference: eps is not divided by the bias correction; framework: it is, as in PyTorch's AdamW");
    v("weight_decay", weight_decay, Range{0, 100}, "decoupled weight decay of matrices");
    v("decay_all", decay_all, "decay biases, norms and ALiBi scales too, as the released runs did");
    v("clip_norm", clip_norm, Range{0, 1e9}, "largest global gradient norm; 0: no clipping");
  }
};

struct EmaConfig {
  double decay = 0.9998;
  double end_decay = 0.99999;
  Length anneal{100000, Length::Unit::updates};
  bool local_encoder = true;
  bool encoder_only = false;

  template <class V>
  void visit(V& v) {
    v("decay", decay, Range{0, 1}, "EMA decay of the teacher at the start");
    v("end_decay", end_decay, Range{0, 1}, "EMA decay from the end of the anneal on");
    v("anneal", anneal, at_least(0), "length of the linear anneal from decay to end_decay");
    v("local_encoder", local_encoder, "the teacher has a local encoder of its own");
    v("encoder_only", encoder_only, "only the shared blocks are averaged");
  }
};

struct CheckpointConfig {
  Length every{10, Length::Unit::percent};
  double every_minutes = 10;
  int64_t keep_last = 2;
  Length keep_every{0, Length::Unit::updates};

  template <class V>
  void visit(V& v) {
    v("every", every, at_least(0), "updates between two checkpoints; 0: only by time and at the end");
    v("every_minutes", every_minutes, Range{0, 1e6}, "minutes between two checkpoints; 0: only by updates");
    v("keep_last", keep_last, Range{1, 1e6}, "how many of the latest checkpoints stay on disk");
    v("keep_every", keep_every, at_least(0), "checkpoints of multiples of this stay for good; 0: none");
  }
};

// Warnings and stops before a collapse wastes the run (section 4 of the method: variance guard).
struct HealthConfig {
  double min_target_var = 0.1;
  double min_pred_var = 0.01;
  int64_t guard_after = 5000;
  int64_t max_skipped = 100;
  int64_t rank_every = 50;

  template <class V>
  void visit(V& v) {
    v("min_target_var", min_target_var, Range{0, 100},
      "stop when the targets' deviation falls below; 0: never");
    v("min_pred_var", min_pred_var, Range{0, 100},
      "stop when the predictions' deviation falls below; 0: never");
    v("guard_after", guard_after, Range{0, 1e12}, "updates before these two limits apply");
    v("max_skipped", max_skipped, Range{1, 1e9},
      "stop after so many updates in a row with a non-finite gradient");
    v("rank_every", rank_every, Range{1, 1e9}, "updates between two measurements of the effective rank");
  }
};

enum class InitTeacher { teacher, student };
template <>
struct EnumNames<InitTeacher> {
  static constexpr std::array<std::string_view, 2> names{"teacher", "student"};
};

struct InitConfig {
  std::string from;
  InitTeacher teacher = InitTeacher::teacher;

  template <class V>
  void visit(V& v) {
    v("from", from, "checkpoint whose weights start a new run; positions are interpolated to the new grid");
    v("teacher", teacher, "which weights of that checkpoint the new teacher starts from");
  }
};

}  // namespace d2v
