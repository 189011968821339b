#include "keyspace/lock_set.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/check.h"
#include "keyspace/keyspace.h"

namespace holdfast {

void LockSet::clear() {
  DCHECK(!held_ && !lane_);
  keys_.clear();
  partitions_.clear();
  hint_ = 0;
  next_ = 0;
  attempts_ = 0;
  growths_ = 0;
  sorted_ = true;
  global_ = false;
  lane_wanted_ = false;
}

void LockSet::add_key(Keyspace const& keyspace, std::string_view key) { add_key(keyspace, key, keyspace.hash(key)); }

void LockSet::add_key(Keyspace const& keyspace, std::string_view key, uint64_t hash) {
  keys_.push_back({key.data(), key.size(), hash});
  add_partition(keyspace.partition_index(hash));
}

void LockSet::add_partition(uint32_t partition) {
  if (global_) return;
  if (!partitions_.empty()) sorted_ = false;
  partitions_.push_back(partition);
}

void LockSet::add_all(Keyspace const& keyspace) {
  global_ = true;
  sorted_ = true;
  partitions_.resize(keyspace.partition_count());
  for (uint32_t i = 0; i < partitions_.size(); i++) partitions_[i] = i;
}

void LockSet::sort() {
  if (sorted_) return;
  std::sort(partitions_.begin(), partitions_.end());
  partitions_.erase(std::unique(partitions_.begin(), partitions_.end()), partitions_.end());
  sorted_ = true;
}

bool LockSet::lock_from(Keyspace& keyspace, size_t& next) {
  for (; next < partitions_.size(); next++) {
    if (!keyspace.partition(partitions_[next]).lock.spin_lock()) return false;
  }
  return true;
}

void LockSet::unlock_first(Keyspace& keyspace, size_t count) {
  for (size_t i = count; i > 0; i--) keyspace.partition(partitions_[i - 1]).lock.unlock();
}

LockSet::Outcome LockSet::lock(Keyspace& keyspace, std::shared_ptr<Waiter> const& waiter) {
  DCHECK(!held_);
  sort();
  if (!keyspace.concurrent()) {
    held_ = true;
    return Outcome::kLocked;
  }
  while (true) {
    if (!lane_ && (global_ || lane_wanted_ || attempts_ >= kAttemptsBeforeLane)) {
      if (!keyspace.lane().take(waiter)) return Outcome::kParked;
      lane_ = true;
      next_ = 0;
    }
    if (lock_from(keyspace, next_)) {
      held_ = true;
      return Outcome::kLocked;
    }
    size_t failed = next_;
    if (!lane_) {
      unlock_first(keyspace, next_);
      next_ = 0;
      attempts_++;
    }
    if (keyspace.partition(partitions_[failed]).lock.park(waiter)) return Outcome::kParked;
  }
}

bool LockSet::try_lock(Keyspace& keyspace) {
  DCHECK(!held_ && !global_);
  sort();
  if (keyspace.concurrent()) {
    size_t next = 0;
    if (!lock_from(keyspace, next)) {
      unlock_first(keyspace, next);
      return false;
    }
  }
  held_ = true;
  return true;
}

void LockSet::assume() {
  DCHECK(!held_ && !lane_);
  sort();
  held_ = true;
  assumed_ = true;
}

void LockSet::unlock(Keyspace& keyspace) {
  DCHECK(held_);
  held_ = false;
  if (!keyspace.concurrent() || std::exchange(assumed_, false)) return;
  unlock_first(keyspace, partitions_.size());
  next_ = 0;
  if (lane_) {
    lane_ = false;
    keyspace.lane().leave();
  }
}

void LockSet::abandon(Keyspace& keyspace) {
  if (lane_) {
    unlock_first(keyspace, next_);
    lane_ = false;
    keyspace.lane().leave();
  }
  next_ = 0;
}

void LockSet::forget_keys() {
  for (Key& key : keys_) key.data = nullptr;
}

bool LockSet::has_hash(uint64_t hash) const {
  return std::ranges::any_of(keys_, [hash](Key const& key) { return key.hash == hash; });
}

bool LockSet::covers_waiters(Keyspace& keyspace) {
  if (!keyspace.targets_waited_for.load(std::memory_order_relaxed) || global_) [[likely]] return true;
  return covers_targets(keyspace);
}

bool LockSet::covers_targets(Keyspace& keyspace) {
  DCHECK(held_);
  std::vector<uint32_t> missing;
  // Grows while it is walked. Who waits for a target whose partition is not locked is looked at in the next round.
  for (size_t i = 0; i < keys_.size(); i++) {
    uint64_t const hash = keys_[i].hash;
    uint32_t const home = keyspace.partition_index(hash);
    if (!contains(home)) continue;
    keyspace.partition(home).waiters.find_targets(hash, [&](uint64_t target_hash) {
      if (has_hash(target_hash)) return;
      keys_.push_back({nullptr, 0, target_hash});
      uint32_t const partition = keyspace.partition_index(target_hash);
      if (!contains(partition)) missing.push_back(partition);
    });
  }
  if (missing.empty()) return true;
  unlock(keyspace);
  if (++growths_ > kGrowthsBeforeAll) {
    add_all(keyspace);
  } else {
    for (uint32_t partition : missing) add_partition(partition);
  }
  return false;
}

bool LockSet::may_extend(Keyspace const& keyspace) const {
  DCHECK(held_);
  return lane_ || assumed_ || !keyspace.concurrent();
}

bool LockSet::take_further(Keyspace& keyspace, uint32_t partition, std::function<bool()> const& go_on) {
  if (!assumed_ && keyspace.concurrent()) {
    while (!keyspace.partition(partition).lock.spin_lock()) {
      if (!go_on()) return false;
      std::this_thread::yield();  // the holder may need this processor to come to its end
    }
  }
  partitions_.insert(std::lower_bound(partitions_.begin(), partitions_.end(), partition), partition);
  return true;
}

LockSet::Further LockSet::hold_key(Keyspace& keyspace, std::string_view key, std::function<bool()> const& go_on) {
  DCHECK(held_);
  uint64_t const hash = keyspace.hash(key);
  // Asked of keys that are held, so that nobody begins to wait meanwhile.
  auto waited_for = [&] { return keyspace.targets_waited_for.load(std::memory_order_relaxed); };
  if (contains(keyspace.partition_index(hash)) && (global_ || !waited_for())) [[likely]] return Further::kHeld;
  std::vector<uint64_t> hashes{hash};
  for (size_t i = 0; i < hashes.size(); i++) {  // grows while it is walked
    uint32_t const home = keyspace.partition_index(hashes[i]);
    if (!contains(home)) {
      if (!may_extend(keyspace)) return Further::kRefused;
      if (!take_further(keyspace, home, go_on)) return Further::kGivenUp;
    }
    if (!waited_for()) break;
    keyspace.partition(home).waiters.find_targets(hashes[i], [&](uint64_t target) {
      if (std::ranges::find(hashes, target) == hashes.end()) hashes.push_back(target);
    });
  }
  return Further::kHeld;
}

LockSet::Further LockSet::hold_all(Keyspace& keyspace, std::function<bool()> const& go_on) {
  if (global_) return Further::kHeld;
  if (!may_extend(keyspace)) return Further::kRefused;
  for (uint32_t i = 0; i < keyspace.partition_count(); i++) {
    if (!contains(i) && !take_further(keyspace, i, go_on)) return Further::kGivenUp;
  }
  add_all(keyspace);
  return Further::kHeld;
}

bool LockSet::contains(uint32_t partition) const {
  return global_ || std::binary_search(partitions_.begin(), partitions_.end(), partition);
}

uint64_t LockSet::hash_of(Keyspace const& keyspace, std::string_view key) const {
  // Handlers take their keys in order: the one looked for is mostly the last one again, or the next.
  size_t count = keys_.size();
  for (size_t probe = 0; probe < 2 && hint_ + probe < count; probe++) {
    Key const& candidate = keys_[hint_ + probe];
    if (candidate.data && candidate.data == key.data() && candidate.size == key.size()) {
      hint_ += probe;
      return candidate.hash;
    }
  }
  return keyspace.hash(key);
}

}  // namespace holdfast
