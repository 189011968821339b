#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace holdfast {

/// Who waits for a lock that it could not get: asked to try again. `wake` is called by the unlocker on its own thread and
/// must only post a message (L6). Shared, because the waiter may be gone when it is woken.
class Waiter {
 public:
  virtual ~Waiter() = default;
  virtual void wake() = 0;
};

/// The waiters of something, woken all at once. Any thread.
class WaiterList {
 public:
  void add(std::shared_ptr<Waiter> waiter);
  void remove(Waiter const* waiter);
  void wake_all();

 private:
  Mutex mutex_;
  std::vector<std::shared_ptr<Waiter>> waiters_ GUARDED_BY(mutex_);
};

/// The exclusive lock of one partition: one word, spinning, barging allowed, with a has-waiters bit (DESIGN L2).
/// Nobody sleeps on it: who cannot get it parks its connection with `park` and goes on with other work.
class CAPABILITY("partition") PartitionLock {
 public:
  bool try_lock() TRY_ACQUIRE(true) {
    uint32_t expected = 0;
    return word_.compare_exchange_strong(expected, kLocked, std::memory_order_acquire, std::memory_order_relaxed);
  }
  /// Tries for about `kSpinMicroseconds`.
  bool spin_lock() TRY_ACQUIRE(true);
  void unlock() RELEASE() {
    if (word_.exchange(0, std::memory_order_release) & kWaiters) [[unlikely]] waiters_.wake_all();
  }
  bool locked() const { return word_.load(std::memory_order_relaxed) & kLocked; }

  /// Registers the waiter to be woken by the next unlock. False when the lock was free meanwhile: try again at once.
  bool park(std::shared_ptr<Waiter> const& waiter);

  static constexpr int64_t kSpinMicroseconds = 20;

 private:
  static constexpr uint32_t kLocked = 1;
  static constexpr uint32_t kWaiters = 2;

  std::atomic<uint32_t> word_{0};
  WaiterList waiters_;
};

/// The slow lane (L3): at most one transaction of the process may wait while it holds partition locks: its holder.
/// There is therefore no cycle of waiters, by construction.
class SlowLane {
 public:
  /// Takes the lane, or registers `waiter` for its release and returns false.
  bool take(std::shared_ptr<Waiter> const& waiter);
  void leave();

 private:
  Mutex mutex_;
  bool taken_ GUARDED_BY(mutex_) = false;
  WaiterList waiters_;
};

}  // namespace holdfast
