#pragma once

#include <memory>

#include "keyspace/keyspace.h"
#include "keyspace/lock_set.h"

namespace holdfast::snapshot {

/// All partitions of a key space, taken in several tries by one thread at a time.
class GlobalLock {
 public:
  explicit GlobalLock(Keyspace& keyspace) : keyspace_(keyspace), waiter_(std::make_shared<NoWaiter>()) {}

  /// True: all partitions are ours until `unlock`. False: try again soon, for the slow lane and some locks may be kept
  /// meanwhile (or `abandon`).
  bool try_lock() {
    if (!trying_) {
      locks_.clear();
      locks_.add_all(keyspace_);
      trying_ = true;
    }
    if (locks_.lock(keyspace_, waiter_) != LockSet::Outcome::kLocked) return false;
    trying_ = false;
    return true;
  }
  void unlock() { locks_.unlock(keyspace_); }
  /// Gives back what unfinished tries hold.
  void abandon() {
    if (trying_) locks_.abandon(keyspace_);
    trying_ = false;
  }

 private:
  /// Nobody is to be woken: the owner tries again by itself.
  class NoWaiter final : public Waiter {
   public:
    void wake() override {}
  };

  Keyspace& keyspace_;
  LockSet locks_;
  bool trying_ = false;
  std::shared_ptr<Waiter> waiter_;
};

}  // namespace holdfast::snapshot
