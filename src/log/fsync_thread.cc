#include "log/fsync_thread.h"

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/thread_scope.h"

namespace holdfast::log {

void FsyncThread::start() {
  thread_ = std::thread([this] {
    ThreadScope const scope("log-fsync");
    loop();
  });
}

FsyncThread::~FsyncThread() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void FsyncThread::submit(Job job) {
  {
    MutexLock lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
}

void FsyncThread::wait_idle() {
  MutexLock lock(mutex_);
  while (running_ || !jobs_.empty()) lock.wait(changed_);
}

void FsyncThread::wait_idle_for(int64_t limit_us) {
  int64_t const until_us = clock_.monotonic_us() + limit_us;
  MutexLock lock(mutex_);
  while (running_ || !jobs_.empty()) {
    int64_t const left_us = until_us - clock_.monotonic_us();
    if (left_us <= 0) return;
    lock.wait_for(changed_, std::chrono::microseconds(left_us));
  }
}

void FsyncThread::run_here(Job job) {
  wait_idle();
  sync(job);
}

size_t FsyncThread::pending() const {
  MutexLock lock(mutex_);
  return jobs_.size() + (running_ ? 1 : 0);
}

int64_t FsyncThread::running_us() const {
  MutexLock lock(mutex_);
  return running_ ? clock_.monotonic_us() - running_since_us_ : 0;
}

void FsyncThread::loop() {
  for (;;) {
    Job job;
    {
      MutexLock lock(mutex_);
      while (jobs_.empty() && !stop_) lock.wait(changed_);
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
      running_ = true;
      running_since_us_ = clock_.monotonic_us();
    }
    sync(job);
    // A finished increment is closed outside of the mutex.
    job = {};
    {
      MutexLock lock(mutex_);
      running_ = false;
    }
    changed_.notify_all();
    on_done_();
  }
}

void FsyncThread::sync(Job const& job) {
  if (durability_.is_broken(job.generation)) return;
  Status const synced = job.file->sync();
  // EINVAL: the file system knows no fsync.
  if (synced || synced.error().errnum == EINVAL) {
    durability_.synced(job.generation, job.offset);
    return;
  }
  logger_.warning("Fail to fsync the AOF file: %s", std::strerror(synced.error().errnum));
  durability_.sync_failed(job.generation, synced.error().errnum);
}

}  // namespace holdfast::log
