#include "d2v/pipeline/loader.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/parallel_pipeline.h>
#include <oneapi/tbb/task_arena.h>

#include "batch_queue.h"
#include "collate.h"
#include "d2v/base/check.h"
#include "sample_lengths.h"
#include "sample_work.h"
#include "scratch_pool.h"
#include "tsan.h"

namespace d2v {
namespace {

using Clock = std::chrono::steady_clock;

// Slices in the pipeline at once. Two keep all threads busy at the end of a slice; samples are parallel within one.
constexpr size_t kTokens = 2;

// A slice on its way through the pipeline.
struct Job {
  Slice slice;
  BatchPtr batch;
  SliceFailures failures;
  std::exception_ptr error;
  bool no_share = false;  // the update has no slice for this worker
};

// A slice without samples, which still knows the whole update.
Slice without_samples(Slice slice) {
  slice.rows.clear();
  slice.occurrences.clear();
  return slice;
}

}  // namespace

struct Loader::State {
  State(const Source& source, const LoaderSettings& given)
      : settings(given),
        plan(make_plan(source, given)),
        bad_files(source, given.data.max_bad_fraction),
        collate(source, given, bad_files),
        queue(static_cast<size_t>(std::max<int64_t>(given.data.prefetch, 1))),
        pool(given.allocator),
        arena(static_cast<int>(std::max<int64_t>(given.threads, 1))),
        training(given.mode == LoaderMode::train),
        update(training ? given.first_update : given.worker),
        last_update(training ? given.last_update : plan.updates_per_epoch()),
        part(training ? given.worker : 0) {
    // TBB starts no more workers than there are cores unless told to.
    if (given.threads > static_cast<int64_t>(std::thread::hardware_concurrency())) {
      more_threads.emplace(tbb::global_control::max_allowed_parallelism, static_cast<size_t>(given.threads));
    }
  }

  // A serial stage: one thread at a time, but not always the same one, so they hand over where the stream is.
  Job* produce(tbb::flow_control& control) {
    tsan::received(&update);
    Job* job = next_job(control);
    tsan::handed_over(&update);
    return job;
  }

  Job* next_job(tbb::flow_control& control) {
    if (stopping || update >= last_update) {
      control.stop();
      return nullptr;
    }
    try {
      return make_job();
    } catch (...) {  // must not pass TBB, which would drop the slices at work
      ended_by = std::current_exception();
      control.stop();
      return nullptr;
    }
  }

  Job* make_job() {
    auto job = std::make_unique<Job>();
    const int64_t parts = plan.parts_of(update);
    job->no_share = part >= parts;
    job->slice = job->no_share ? without_samples(plan.slice(update, 0)) : plan.slice(update, part);
    job->batch = pool.take();
    part += training ? settings.workers : 1;
    if (part >= parts) {
      part = training ? settings.worker : 0;
      update += training ? 1 : settings.workers;
    }
    tsan::handed_over(job.get());
    return job.release();
  }

  // Samples of one slice in parallel. Isolated: a thread that waits for the last of them must not start another slice.
  void work(Job& job) {
    try {
      collate.prepare(job.slice, *job.batch);
      const auto count = static_cast<int64_t>(job.slice.rows.size());
      const auto prepare = [&](const tbb::blocked_range<int64_t>& range) {
        std::unique_ptr<SampleScratch> scratch = scratches.take();
        for (int64_t i = range.begin(); i < range.end() && !stopping; ++i) {
          collate.sample(job.slice, i, *scratch, *job.batch, job.failures);
        }
        scratches.give(std::move(scratch));
      };
      tbb::this_task_arena::isolate([&] {
        tbb::parallel_for(tbb::blocked_range<int64_t>(0, count, 1), tsan::Task(prepare),
                          tbb::simple_partitioner());
      });
      tsan::received(&prepare);
      collate.finish(*job.batch);
    } catch (...) {
      job.error = std::current_exception();
    }
  }

  void deliver(std::unique_ptr<Job> job) {
    if (stopping) return;
    const std::exception_ptr error = job->error ? job->error : job->failures.error();
    const bool pushed = queue.push({std::move(job->batch), job->failures.in_order(), error, job->no_share});
    if (error || !pushed) stopping = true;
  }

  // The next slice with samples, or without a share of them, after what could not be read of it has been counted.
  BatchPtr take() {
    while (std::optional<ReadySlice> ready = queue.pop()) {
      for (const FailedRead& failed : ready->failures) bad_files.add(failed.row, failed.reason);
      if (ready->error) std::rethrow_exception(ready->error);
      if (ready->batch->samples > 0 || ready->no_share) return std::move(ready->batch);
      pool.give(std::move(ready->batch));
    }
    return nullptr;
  }

  void run() {
    const auto first = [&](tbb::flow_control& control) { return produce(control); };
    const auto middle = [&](Job* job) {
      tsan::received(job);
      work(*job);
      tsan::handed_over(job);
      return job;
    };
    const auto last = [&](Job* job) {
      tsan::received(job);
      deliver(std::unique_ptr<Job>(job));
    };
    arena.execute([&] {
      tbb::parallel_pipeline(
          kTokens, tbb::make_filter<void, Job*>(tbb::filter_mode::serial_in_order, tsan::Task(first)) &
                       tbb::make_filter<Job*, Job*>(tbb::filter_mode::parallel, tsan::Task(middle)) &
                       tbb::make_filter<Job*, void>(tbb::filter_mode::serial_in_order, tsan::Task(last)));
    });
    tsan::received(&first);
    tsan::received(&middle);
    tsan::received(&last);
    if (!stopping) queue.finish(ended_by);
  }

  LoaderSettings settings;
  Plan plan;
  BadFileList bad_files;
  Collate collate;
  BatchQueue queue;
  BatchPool pool;
  std::optional<tbb::global_control> more_threads;
  tbb::task_arena arena;
  std::atomic<bool> stopping = false;
  ScratchPool scratches{stopping};
  bool training;
  int64_t update;
  int64_t last_update;
  int64_t part;
  std::exception_ptr ended_by;  // of the producing stage
  std::exception_ptr thrown;    // by next(), which throws it again

  Clock::time_point started = Clock::now();
  std::atomic<double> stall_seconds = 0;
  std::atomic<int64_t> samples = 0, taken = 0, ready = 0;
  std::thread thread;
};

Loader::Loader(const Source& source, const LoaderSettings& settings)
    : state_(std::make_unique<State>(source, settings)) {
  state_->thread = std::thread([state = state_.get()] {
    try {
      state->run();
    } catch (...) {
      state->queue.finish(std::current_exception());
    }
  });
}

Loader::~Loader() {
  state_->stopping = true;
  state_->queue.close();
  state_->thread.join();
}

BatchPtr Loader::next() {
  const Clock::time_point start = Clock::now();
  state_->ready += static_cast<int64_t>(state_->queue.size());
  ++state_->taken;
  if (state_->thrown) std::rethrow_exception(state_->thrown);
  BatchPtr batch;
  try {
    batch = state_->take();
  } catch (...) {
    state_->stopping = true;
    state_->thrown = std::current_exception();
    throw;
  }
  state_->stall_seconds = state_->stall_seconds + seconds_since(start);
  if (batch) state_->samples += batch->samples;
  return batch;
}

void Loader::recycle(BatchPtr batch) { state_->pool.give(std::move(batch)); }

std::vector<BadFile> Loader::bad_files() const { return state_->bad_files.all(); }

LoaderStats Loader::stats() const {
  return {state_->samples,
          seconds_since(state_->started),
          state_->stall_seconds,
          static_cast<double>(state_->ready) / static_cast<double>(std::max<int64_t>(state_->taken, 1)),
          state_->scratches.times(),
          state_->taken};
}

}  // namespace d2v
