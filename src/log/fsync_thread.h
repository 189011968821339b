#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/logger.h"
#include "base/mutex.h"
#include "log/durability.h"
#include "log/increment_file.h"

namespace holdfast::log {

/// Fsyncs increments beside the writer thread, so that a slow disk does not stop the writing (everysec). Jobs are done
/// in order. Also the one place where the outcome of an fsync is judged.
class FsyncThread {
 public:
  struct Job {
    /// The last reference of a finished increment is dropped here, which closes it.
    std::shared_ptr<IncrementFile> file;
    uint64_t generation = 0;
    /// What the file holds of the stream.
    uint64_t offset = 0;
  };

  /// `on_done` is called after every job, on this thread.
  FsyncThread(Clock const& clock, Logger& logger, Durability& durability, std::function<void()> on_done)
      : clock_(clock), logger_(logger), durability_(durability), on_done_(std::move(on_done)) {}
  /// Finishes all jobs.
  ~FsyncThread();

  /// Begins the thread; once.
  void start();

  void submit(Job job) EXCLUDES(mutex_);
  /// Waits until all jobs are done.
  void wait_idle() EXCLUDES(mutex_);
  /// Waits for that, but no longer than `limit_us`.
  void wait_idle_for(int64_t limit_us) EXCLUDES(mutex_);
  /// Does a job on the caller's thread, after all that were submitted. The writer thread only.
  void run_here(Job job) EXCLUDES(mutex_);

  /// Jobs submitted and not done.
  size_t pending() const EXCLUDES(mutex_);
  /// Microseconds since the running job began, 0 when none runs.
  int64_t running_us() const EXCLUDES(mutex_);

 private:
  void loop();
  void sync(Job const& job);

  Clock const& clock_;
  Logger& logger_;
  Durability& durability_;
  std::function<void()> on_done_;

  mutable Mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_ GUARDED_BY(mutex_);
  bool running_ GUARDED_BY(mutex_) = false;
  int64_t running_since_us_ GUARDED_BY(mutex_) = 0;
  bool stop_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace holdfast::log
