#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <optional>

#include "base/mutex.h"

namespace holdfast::log {

/// Lets one thread sleep until another notifies it. A notification that comes before the wait is not lost.
class WakeSignal {
 public:
  /// Any thread.
  void notify() EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      notified_ = true;
    }
    condition_.notify_one();
  }

  /// Sleeps until notified, at most `timeout_us` when given. The one waiting thread.
  void wait(std::optional<int64_t> timeout_us) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (timeout_us) {
      if (!notified_ && *timeout_us > 0) lock.wait_for(condition_, std::chrono::microseconds(*timeout_us));
    } else {
      while (!notified_) lock.wait(condition_);
    }
    notified_ = false;
  }

 private:
  Mutex mutex_;
  std::condition_variable condition_;
  bool notified_ GUARDED_BY(mutex_) = false;
};

}  // namespace holdfast::log
