#include "keyspace/partition_lock.h"

#include <emmintrin.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace holdfast {

void WaiterList::add(std::shared_ptr<Waiter> waiter) {
  MutexLock lock(mutex_);
  waiters_.push_back(std::move(waiter));
}

void WaiterList::remove(Waiter const* waiter) {
  MutexLock lock(mutex_);
  std::erase_if(waiters_, [&](auto const& each) { return each.get() == waiter; });
}

void WaiterList::wake_all() {
  std::vector<std::shared_ptr<Waiter>> woken;
  {
    MutexLock lock(mutex_);
    woken.swap(waiters_);
  }
  for (auto const& waiter : woken) waiter->wake();
}

bool PartitionLock::spin_lock() {
  if (try_lock()) return true;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(kSpinMicroseconds);
  do {
    for (int i = 0; i < 32; i++) {
      uint32_t word = word_.load(std::memory_order_relaxed);
      if (!(word & kLocked) && word_.compare_exchange_weak(word, kLocked, std::memory_order_acquire, std::memory_order_relaxed)) {
        return true;
      }
      _mm_pause();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return false;
}

bool PartitionLock::park(std::shared_ptr<Waiter> const& waiter) {
  waiters_.add(waiter);
  uint32_t word = word_.load(std::memory_order_relaxed);
  while (word & kLocked) {
    // Once the bit is set the present holder's unlock finds us in the list.
    if (word_.compare_exchange_weak(word, kLocked | kWaiters, std::memory_order_acq_rel)) return true;
  }
  waiters_.remove(waiter.get());
  return false;
}

bool SlowLane::take(std::shared_ptr<Waiter> const& waiter) {
  {
    MutexLock lock(mutex_);
    if (!taken_) {
      taken_ = true;
      return true;
    }
  }
  // The order "register, then look again" makes sure that a release in between is not missed.
  waiters_.add(waiter);
  MutexLock lock(mutex_);
  if (taken_) return false;
  taken_ = true;
  waiters_.remove(waiter.get());
  return true;
}

bool SlowLane::taken() const {
  MutexLock lock(mutex_);
  return taken_;
}

void SlowLane::leave() {
  {
    MutexLock lock(mutex_);
    taken_ = false;
  }
  waiters_.wake_all();
}

}  // namespace holdfast
