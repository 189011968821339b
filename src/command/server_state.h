#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "command/busy_scripts.h"
#include "command/client_eviction.h"
#include "command/memory_limit.h"
#include "command/memory_usage.h"
#include "config/choices.h"

namespace holdfast {

/// Something that one command at a time may do. Never waited for: who does not get it tries again later. Any thread.
class ExclusiveUse {
 public:
  bool try_begin() { return !busy_.exchange(true, std::memory_order_acquire); }
  void end() { busy_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> busy_{false};
};

/// SHUTDOWN as all of the process sees it: one attempt at a time, that may be aborted while it saves. Any thread.
class ShutdownState {
 public:
  /// False: an attempt is under way already; wait until `failures` moves.
  bool begin() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (running_) return false;
    running_ = true;
    abort_ = false;
    return true;
  }
  /// The attempt failed or was aborted. (One that succeeds ends the process.)
  void fail() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    running_ = false;
    deadline_ms_ = 0;
    failures_++;
  }
  /// The attempt can no longer be aborted. False: it was aborted before.
  bool commit() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    committed_ = !abort_;
    return committed_;
  }
  /// SHUTDOWN ABORT. False: there is nothing to abort.
  bool abort() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (!running_ || committed_) return false;
    abort_ = true;
    return true;
  }
  bool aborted() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return abort_;
  }
  bool running() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return running_;
  }
  /// Replicas are waited for until then at the latest, Unix ms; 0: they are not.
  void set_deadline_ms(int64_t unix_ms) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    deadline_ms_ = unix_ms;
  }
  int64_t deadline_ms() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return deadline_ms_;
  }
  uint64_t failures() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return failures_;
  }

 private:
  mutable Mutex mutex_;
  bool running_ GUARDED_BY(mutex_) = false;
  bool abort_ GUARDED_BY(mutex_) = false;
  bool committed_ GUARDED_BY(mutex_) = false;
  uint64_t failures_ GUARDED_BY(mutex_) = 0;
  int64_t deadline_ms_ GUARDED_BY(mutex_) = 0;
};

/// Switches and figures of the process that commands of administrators share with the server's own work. Any thread.
struct ServerState {
  BusyScripts busy_scripts;
  MemoryUsage memory;
  MemoryLimit memory_limit;
  ClientMemoryLimit client_limit;
  ShutdownState shutdown;
  /// Who supervises this process in fact; set before the workers start.
  config::Supervised supervised = config::Supervised::kNo;
  /// Tells systemd, if that supervises; set before the workers start.
  std::function<void(std::string_view message)> tell_supervisor = [](std::string_view) {};
  /// CONFIG SET and CONFIG REWRITE: one at a time.
  ExclusiveUse config_change;
};

}  // namespace holdfast
