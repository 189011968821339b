#include "keyspace/lock_set.h"

#include <algorithm>
#include <array>
#include <span>
#include <thread>
#include <utility>

#include "base/check.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

/// Two or three cache lines each: what a first-level cache holds beside the rest.
constexpr size_t kKeysPrefetched = 128;

template <class Number>
void sort_unique(std::vector<Number>& numbers) {
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

/// Adds what serving the waiters of a key in `home` changes, unless it is there.
void add_targets(Partition const& home, uint64_t hash, std::vector<uint64_t>& hashes) {
  home.waiters.find_targets(hash, [&](uint64_t target) {
    if (std::ranges::find(hashes, target) == hashes.end()) hashes.push_back(target);
  });
}

}  // namespace

void LockSet::clear() {
  DCHECK(!held_ && !lane_ && !open_);
  keys_.clear();
  further_.clear();
  further_max_ = kFurtherMax;
  whole_ = false;
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
  add_home(keyspace.partition_index(hash));
}

void LockSet::add_partition(uint32_t partition) {
  whole_ = true;
  add_home(partition);
}

void LockSet::add_home(uint32_t partition) {
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
  sort_unique(partitions_);
  sorted_ = true;
}

LockSet::Obstacle LockSet::lock_from(Keyspace& keyspace, size_t& next, std::shared_ptr<Waiter> const& waiter) {
  for (; next < partitions_.size(); next++) {
    Partition& partition = keyspace.partition(partitions_[next]);
    if (partition.lock.try_lock()) [[likely]] continue;
    if (Obstacle const obstacle = lock_slowly(partition, waiter); obstacle != Obstacle::kNone) return obstacle;
  }
  return Obstacle::kNone;
}

LockSet::Obstacle LockSet::lock_slowly(Partition& partition, std::shared_ptr<Waiter> const& waiter) {
  if (!partition.lock.spin_lock()) return Obstacle::kLocked;
  if (!partition.lock.reserved() || !meets_reservation(partition)) return Obstacle::kNone;
  if (waiter) partition.reservations->waiters.add(waiter);
  partition.lock.unlock();
  return Obstacle::kReserved;
}

bool LockSet::meets_reservation(Partition const& partition) const {
  if (whole()) return true;
  return std::ranges::any_of(keys_, [&](Key const& key) { return reserved_by_another(partition, key.hash); });
}

bool LockSet::reserved_by_another(Partition const& partition, uint64_t hash) const {
  if (!partition.lock.reserved()) return false;
  LockSet const* const owner = partition.reservations->owner_of(hash);
  return owner && owner != this;
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
    Obstacle const obstacle = lock_from(keyspace, next_, waiter);
    if (obstacle == Obstacle::kNone) {
      held_ = true;
      return Outcome::kLocked;
    }
    if (obstacle == Obstacle::kReserved) {
      // Its owner may need what we have, and lasts: nothing is kept. Who wants all keeps the lane, so that no set is opened.
      unlock_first(keyspace, next_);
      next_ = 0;
      attempts_ = 0;
      if (!global_) leave_lane(keyspace);
      return Outcome::kParked;
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
    if (lock_from(keyspace, next, nullptr) != Obstacle::kNone) {
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
  DCHECK(held_ && !open_);
  held_ = false;
  if (!keyspace.concurrent() || std::exchange(assumed_, false)) return;
  unlock_first(keyspace, partitions_.size());
  next_ = 0;
  leave_lane(keyspace);
}

void LockSet::abandon(Keyspace& keyspace) {
  if (lane_) unlock_first(keyspace, next_);
  leave_lane(keyspace);
  next_ = 0;
}

void LockSet::leave_lane(Keyspace& keyspace) {
  if (!std::exchange(lane_, false)) return;
  keyspace.lane().leave();
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
      if (!contains(partition) || reserved_by_another(keyspace.partition(partition), target_hash)) missing.push_back(partition);
    });
  }
  if (missing.empty()) return true;
  unlock(keyspace);
  if (++growths_ > kGrowthsBeforeAll) {
    add_all(keyspace);
  } else {
    for (uint32_t partition : missing) add_home(partition);
  }
  return false;
}

bool LockSet::may_extend(Keyspace const& keyspace) const {
  DCHECK(held_);
  return lane_ || assumed_ || !keyspace.concurrent();
}

LockSet::Further LockSet::take_further(Keyspace& keyspace, uint32_t partition, uint64_t hash, std::function<bool()> const& go_on) {
  if (!assumed_ && keyspace.concurrent()) {
    Partition& wanted = keyspace.partition(partition);
    while (!wanted.lock.spin_lock()) {
      if (!go_on()) return Further::kGivenUp;
      std::this_thread::yield();  // the holder may need this processor to come to its end
    }
    if (reserved_by_another(wanted, hash)) {
      // Its owner may need what we have locked, and comes to its end only then.
      wanted.lock.unlock();
      CHECK(open(keyspace));
      return Further::kOpened;
    }
  }
  note_held(partition);
  return Further::kHeld;
}

void LockSet::note_held(uint32_t partition) {
  if (!contains(partition)) partitions_.insert(std::lower_bound(partitions_.begin(), partitions_.end(), partition), partition);
}

LockSet::Further LockSet::hold_home(Keyspace& keyspace, uint64_t hash, std::function<bool()> const& go_on) {
  uint32_t const home = keyspace.partition_index(hash);
  bool const here = contains(home);
  if (here && !reserved_by_another(keyspace.partition(home), hash)) [[likely]] return Further::kHeld;
  if (!may_extend(keyspace)) return Further::kRefused;
  if (!here) return take_further(keyspace, home, hash, go_on);
  CHECK(open(keyspace));
  return Further::kOpened;
}

LockSet::Further LockSet::hold_key(Keyspace& keyspace, std::string_view key, std::function<bool()> const& go_on) {
  DCHECK(held_ && !open_);
  uint64_t const hash = keyspace.hash(key);
  if (keyspace.concurrent()) note_further(hash);
  Further held = hold_home(keyspace, hash, go_on);
  // Asked of keys that are held, so that nobody begins to wait meanwhile.
  if (held != Further::kHeld || global_ || !keyspace.targets_waited_for.load(std::memory_order_relaxed)) [[likely]] return held;
  std::vector<uint64_t> hashes{hash};
  for (size_t i = 0; i < hashes.size(); i++) {  // grows while it is walked
    if (i > 0) {
      held = hold_home(keyspace, hashes[i], go_on);
      if (held != Further::kHeld) return held;
      note_further(hashes[i]);
    }
    add_targets(keyspace.partition(keyspace.partition_index(hashes[i])), hashes[i], hashes);
  }
  return Further::kHeld;
}

LockSet::Further LockSet::hold_all(Keyspace& keyspace, std::function<bool()> const& go_on) {
  if (global_) return Further::kHeld;
  if (!may_extend(keyspace)) return Further::kRefused;
  if (keyspace.concurrent() && !assumed_) {
    // While we have the lane no set is opened, and those that are open come to their end if nothing is locked by us.
    if (keyspace.open_sets.load() > (open_ ? 1 : 0)) CHECK(open_ || open(keyspace));
    while (keyspace.open_sets.load() > (open_ ? 1 : 0)) {
      if (!go_on()) return Further::kGivenUp;
      std::this_thread::yield();
    }
    if (open_) close(keyspace, go_on);
  }
  for (uint32_t i = 0; i < keyspace.partition_count(); i++) {
    if (contains(i)) continue;
    if (take_further(keyspace, i, 0, go_on) != Further::kHeld) return Further::kGivenUp;
  }
  add_all(keyspace);
  return Further::kHeld;
}

void LockSet::note_further(uint64_t hash) {
  if (!further_.empty() && further_.back() == hash) return;
  if (further_.size() == further_max_) {
    sort_unique(further_);
    further_max_ = std::max(kFurtherMax, 2 * further_.size());
  }
  further_.push_back(hash);
}

bool LockSet::open(Keyspace& keyspace) {
  DCHECK(held_ && !open_);
  if (!keyspace.concurrent() || assumed_ || whole()) return false;
  // In this order: who takes the lane from here on sees that a set is open.
  keyspace.open_sets.fetch_add(1);
  if (!lane_ && keyspace.lane().taken()) {
    keyspace.open_sets.fetch_sub(1);
    return false;
  }
  for (Key const& key : keys_) reserve(keyspace, key.hash);
  for (uint64_t hash : further_) reserve(keyspace, hash);
  unlock_first(keyspace, partitions_.size());
  open_ = true;
  return true;
}

void LockSet::reserve(Keyspace& keyspace, uint64_t hash) {
  uint32_t const home = keyspace.partition_index(hash);
  if (!contains(home)) return;
  Partition& partition = keyspace.partition(home);
  if (!partition.reservations) partition.reservations = std::make_unique<Reservations>();
  partition.reservations->add(hash, this);
  partition.lock.set_reserved(true);
}

bool LockSet::lock_each(Keyspace& keyspace, std::vector<uint32_t> const& partitions) {
  for (size_t i = 0; i < partitions.size(); i++) {
    if (keyspace.partition(partitions[i]).lock.spin_lock()) continue;
    while (i > 0) keyspace.partition(partitions[--i]).lock.unlock();
    return false;
  }
  return true;
}

LockSet::Further LockSet::enter(Keyspace& keyspace, std::vector<uint64_t>& hashes, std::function<bool()> const& go_on) {
  DCHECK(open_ && entered_.empty());
  while (true) {
    if (std::optional<Further> const entered = try_enter(keyspace, hashes)) return *entered;
    if (!go_on()) return Further::kGivenUp;
    std::this_thread::yield();
  }
}

std::optional<LockSet::Further> LockSet::try_enter(Keyspace& keyspace, std::vector<uint64_t>& hashes) {
  entered_.clear();
  for (uint64_t hash : hashes) entered_.push_back(keyspace.partition_index(hash));
  sort_unique(entered_);
  bool const all_ours = std::ranges::all_of(entered_, [this](uint32_t partition) { return contains(partition); });
  bool const refused = !lane_ && !all_ours;
  if (refused || !lock_each(keyspace, entered_)) {
    entered_.clear();
    return refused ? std::optional(Further::kRefused) : std::nullopt;
  }
  bool complete = true;
  if (keyspace.targets_waited_for.load(std::memory_order_relaxed)) {
    for (size_t i = 0; i < hashes.size(); i++) {  // grows while it is walked
      uint32_t const home = keyspace.partition_index(hashes[i]);
      if (!std::ranges::binary_search(entered_, home)) {
        complete = false;
        continue;
      }
      add_targets(keyspace.partition(home), hashes[i], hashes);
    }
  }
  bool const free = std::ranges::none_of(hashes, [&](uint64_t hash) {
    uint32_t const home = keyspace.partition_index(hash);
    return std::ranges::binary_search(entered_, home) && reserved_by_another(keyspace.partition(home), hash);
  });
  if (!free || !complete) {
    leave(keyspace);
    // Who has no lane does not wait for a key: the other one may wait for one of ours.
    return !free && !lane_ ? std::optional(Further::kRefused) : std::nullopt;
  }
  for (uint32_t partition : entered_) note_held(partition);
  for (uint64_t hash : hashes) {
    reserve(keyspace, hash);
    note_further(hash);
  }
  return Further::kHeld;
}

void LockSet::leave(Keyspace& keyspace) {
  for (uint32_t partition : entered_) keyspace.partition(partition).lock.unlock();
  entered_.clear();
}

void LockSet::close(Keyspace& keyspace, std::function<bool()> const& go_on) {
  DCHECK(open_ && entered_.empty());
  while (!lock_each(keyspace, partitions_)) {
    static_cast<void>(go_on());
    std::this_thread::yield();
  }
  for (uint32_t index : partitions_) {
    Partition& partition = keyspace.partition(index);
    if (!partition.reservations) continue;
    partition.reservations->remove_all(this);
    partition.lock.set_reserved(!partition.reservations->empty());
    partition.reservations->waiters.wake_all();
  }
  open_ = false;
  keyspace.open_sets.fetch_sub(1);
}

bool LockSet::contains(uint32_t partition) const {
  return global_ || std::binary_search(partitions_.begin(), partitions_.end(), partition);
}

bool LockSet::holds_now(uint32_t partition) const {
  return open_ ? std::ranges::binary_search(entered_, partition) : contains(partition);
}

void LockSet::prefetch(Keyspace& keyspace, int db) const {
  std::array<std::pair<KeyTable const*, uint64_t>, kKeysPrefetched> found;
  size_t count = 0;
  for (Key const& key : std::span(keys_).first(std::min(keys_.size(), kKeysPrefetched))) {
    Partition const& home = keyspace.partition(keyspace.partition_index(key.hash));
    KeyTable const* const keys = home.tables[static_cast<size_t>(db)].get();
    if (!keys) continue;
    keys->table().prefetch_bucket(key.hash);
    found[count++] = {keys, key.hash};
  }
  for (auto const& [keys, hash] : std::span(found).first(count)) keys->table().prefetch_entry(hash);
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
