#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "command/errors.h"

namespace holdfast {

/// Why write commands are refused at the moment. Set by the server about ten times a second, asked by the gate with one
/// relaxed load each. Any thread.
class WriteGuards {
 public:
  /// What the role in replication forbids.
  enum Restriction : uint32_t { kReadOnlyReplica = 1, kTooFewReplicas = 2, kStaleReplica = 4 };
  std::atomic<uint32_t> restrictions{0};
  bool restricted_by(Restriction restriction) const {
    return (restrictions.load(std::memory_order_relaxed) & restriction) != 0;
  }
  /// The error of a write command that the role forbids; empty: it may write. One relaxed load.
  std::string_view write_refusal() const {
    uint32_t const present = restrictions.load(std::memory_order_relaxed);
    if (present & kTooFewReplicas) return errors::kTooFewReplicas;
    return present & kReadOnlyReplica ? errors::kReadOnlyReplica : std::string_view();
  }

  /// The AOF cannot be written or synced; `error` is the strerror text. Empty: it can.
  void set_log_error(std::string error) {
    bool failed = !error.empty();
    {
      MutexLock lock(mutex_);
      log_error_.swap(error);
    }
    log_failed_.store(failed, std::memory_order_release);
  }
  bool log_failed() const { return log_failed_.load(std::memory_order_acquire); }
  std::string log_error() {
    MutexLock lock(mutex_);
    return log_error_;
  }

 private:
  std::atomic<bool> log_failed_{false};
  Mutex mutex_;
  std::string log_error_ GUARDED_BY(mutex_);
};

}  // namespace holdfast
