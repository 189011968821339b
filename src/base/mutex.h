#pragma once

#include <condition_variable>
#include <mutex>

#include "base/thread_annotations.h"

namespace holdfast {

/// std::mutex with thread-safety annotations. A leaf lock (L5): under it no other lock, no system call, no wait.
class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }
  bool try_lock() TRY_ACQUIRE(true) { return mutex_.try_lock(); }

 private:
  friend class MutexLock;
  std::mutex mutex_;
};

/// Holds a Mutex for its scope; can wait on a condition variable.
class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : lock_(mutex.mutex_) {}
  ~MutexLock() RELEASE() = default;
  MutexLock(MutexLock const&) = delete;
  MutexLock& operator=(MutexLock const&) = delete;

  void wait(std::condition_variable& condition) { condition.wait(lock_); }
  template <class Duration>
  void wait_for(std::condition_variable& condition, Duration duration) {
    condition.wait_for(lock_, duration);
  }

 private:
  std::unique_lock<std::mutex> lock_;
};

}  // namespace holdfast
