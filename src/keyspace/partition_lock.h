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
///
/// While keys of the partition are reserved the word of the free lock is kReserved, so that `try_lock` fails: who has it by
/// `spin_lock` then may use the other keys only.
class CAPABILITY("partition") PartitionLock {
 public:
  /// Free, and no key of the partition is reserved.
  bool try_lock() TRY_ACQUIRE(true) {
    uint32_t expected = 0;
    return word_.compare_exchange_strong(expected, kLocked, std::memory_order_acquire, std::memory_order_relaxed);
  }
  /// Tries for about `kSpinMicroseconds`.
  bool spin_lock() TRY_ACQUIRE(true);
  void unlock() RELEASE() {
    if (word_.exchange(free_word_, std::memory_order_release) & kWaiters) [[unlikely]] waiters_.wake_all();
  }
  /// Not to be had as a whole. Any thread.
  bool taken() const { return word_.load(std::memory_order_relaxed) != 0; }
  /// Keys of the partition are reserved. Precondition: held.
  bool reserved() const { return free_word_ != 0; }
  void set_reserved(bool yes) { free_word_ = yes ? kReserved : 0; }

  /// Registers the waiter to be woken by the next unlock. False when the lock was free meanwhile: try again at once.
  bool park(std::shared_ptr<Waiter> const& waiter);

  static constexpr int64_t kSpinMicroseconds = 20;

 private:
  static constexpr uint32_t kLocked = 1;
  static constexpr uint32_t kWaiters = 2;
  static constexpr uint32_t kReserved = 4;

  std::atomic<uint32_t> word_{0};
  uint32_t free_word_ = 0;  // what `unlock` leaves; guarded by the lock itself
  WaiterList waiters_;
};

/// The slow lane (L3): at most one transaction of the process may wait while it holds partition locks: its holder.
/// There is therefore no cycle of waiters, by construction.
class SlowLane {
 public:
  /// Takes the lane, or registers `waiter` for its release and returns false.
  bool take(std::shared_ptr<Waiter> const& waiter);
  void leave();
  /// Somebody has it. Ordered with `take`: who takes it after this has said no sees what the caller had done before.
  bool taken() const;

 private:
  mutable Mutex mutex_;
  bool taken_ GUARDED_BY(mutex_) = false;
  WaiterList waiters_;
};

}  // namespace holdfast
