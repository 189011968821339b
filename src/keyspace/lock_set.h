#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "keyspace/partition_lock.h"

namespace holdfast {

class Keyspace;
struct Partition;

/// The partitions one transaction needs, and the state of getting their locks (L1-L4).
///
/// Use: clear, add_key for each key (or add_all), then `lock` until it says kLocked. On kParked nothing is held (or the
/// slow lane is ours and the locks got so far are kept), and the waiter will be woken to call `lock` again.
/// Thread rule: belongs to one worker; reused from command to command, so that nothing is allocated.
class LockSet {
 public:
  enum class Outcome : uint8_t { kLocked, kParked };
  enum class Further : uint8_t {
    kHeld,
    kRefused,
    kGivenUp,
    kOpened,  ///< not held: another transaction has reserved the key, so the set was opened; to be asked for by `enter`
  };

  struct Key {
    char const* data;  // null: known by its hash only
    size_t size;
    uint64_t hash;
  };

  /// Failed attempts after which a transaction asks for the slow lane.
  static constexpr int kAttemptsBeforeLane = 8;
  /// Times that a set has grown for waiters after which it takes all partitions.
  static constexpr int kGrowthsBeforeAll = 4;
  /// Entries after which repetitions are removed from the list of further keys.
  static constexpr size_t kFurtherMax = 4096;

  void clear();
  void add_key(Keyspace const& keyspace, std::string_view key);
  void add_key(Keyspace const& keyspace, std::string_view key, uint64_t hash);
  /// A partition as a whole.
  void add_partition(uint32_t partition);
  /// Everything: for global transactions.
  void add_all(Keyspace const& keyspace);
  /// Takes the slow lane first, so that more can be added while these are held: for scripts.
  void want_lane() { lane_wanted_ = true; }
  bool wants_lane() const { return lane_wanted_; }

  /// `waiter` must be a shared_ptr that stays the same over the attempts of one command.
  Outcome lock(Keyspace& keyspace, std::shared_ptr<Waiter> const& waiter);
  /// As `lock`, but gives up at once and keeps nothing, if it is not to be had within the spin time.
  bool try_lock(Keyspace& keyspace);
  /// Holds without taking: the thread owns the key space, because nobody else uses it or all partitions are locked for it.
  void assume();
  void unlock(Keyspace& keyspace);
  /// Whether the set covers what serving the waiters of its keys may change: targets of moves, and targets of the waiters of
  /// those, and so on. If not, all is unlocked and the set has become bigger: lock it again, and ask again. Precondition: held,
  /// and nothing has been changed yet. The rounds are few: each adds a partition, and soon all are added.
  bool covers_waiters(Keyspace& keyspace);
  /// Asks the processor for the records of the keys (of the first of many), one after the other without waiting for any: what
  /// is not in its caches then comes while the first ones are worked on. Precondition: held.
  void prefetch(Keyspace& keyspace, int db) const;
  /// Gives back whatever an interrupted `lock` kept (the connection was closed).
  void abandon(Keyspace& keyspace);

  /// Whether more partitions may be taken while these are held: with the slow lane, or where nobody is excluded.
  bool may_extend(Keyspace const& keyspace) const;
  /// Holds the partition of one more key, and those of what serving its waiters may change: takes what is missing, if
  /// `may_extend`; else it is refused. Waits for whoever has it, who never waits for us: only the holder of the lane waits while
  /// it holds something. `go_on` is called between two tries; when it says false, no more is waited for. Precondition: held.
  Further hold_key(Keyspace& keyspace, std::string_view key, std::function<bool()> const& go_on);
  /// The same for all partitions. The set is not open after it.
  Further hold_all(Keyspace& keyspace, std::function<bool()> const& go_on);

  // ---- long transactions -----------------------------------------------------------------------------------------------

  /// For a transaction that lasts: its keys, and those that `hold_key` has been asked for, are reserved, and their partitions
  /// unlocked, so that others go on who need other keys of theirs. Nothing of the key space may be touched until `enter` or
  /// `close`. False, and nothing is changed: where nobody is excluded; when the set has partitions as a whole; without the
  /// lane, when somebody has it, who may want all partitions. Precondition: held.
  bool open(Keyspace& keyspace);
  bool is_open() const { return open_; }
  /// Locks the partitions of some keys for one command, whose keys they are: they are reserved too, if they are not yet.
  /// kRefused: without the lane, and a key is of a partition that the set does not have, or is reserved by another. What is not to be
  /// had is waited for, while no lock is held; `go_on` is called between two tries. Precondition: open, nothing is entered.
  Further enter(Keyspace& keyspace, std::vector<uint64_t>& hashes, std::function<bool()> const& go_on);
  /// Unlocks what `enter` has locked.
  void leave(Keyspace& keyspace) NO_THREAD_SAFETY_ANALYSIS;
  /// Locks all partitions again; the set is as before `open`. Waits as `enter` does, but not in vain. Precondition: open, nothing
  /// is entered.
  void close(Keyspace& keyspace, std::function<bool()> const& go_on);

  /// The memory of the keys may be gone: they are no longer known by their address. Partitions and hashes stay.
  void forget_keys();

  bool global() const { return global_; }
  bool held() const { return held_; }
  std::vector<uint32_t> const& partitions() const { return partitions_; }
  bool contains(uint32_t partition) const;
  /// The lock is held at this moment.
  bool holds_now(uint32_t partition) const;
  /// A partition whose lock is held at this moment.
  uint32_t any_held() const { return open_ ? entered_.front() : partitions_.front(); }
  /// Whether it has partitions as a whole: more than its keys.
  bool whole() const { return global_ || whole_; }
  std::vector<Key> const& keys() const { return keys_; }
  /// Of keys that were held since, and may be there several times.
  std::vector<uint64_t> const& further_keys() const { return further_; }

  /// The hash of a key, from the set when it was computed for it.
  uint64_t hash_of(Keyspace const& keyspace, std::string_view key) const;

 private:
  enum class Obstacle : uint8_t { kNone, kLocked, kReserved };

  // Which locks of a set are held is known at run time only: what takes and gives back several of them cannot be analysed.

  void sort();
  void add_home(uint32_t partition);
  /// The partition of one key, which nobody else has reserved.
  Further hold_home(Keyspace& keyspace, uint64_t hash, std::function<bool()> const& go_on);
  Further take_further(Keyspace& keyspace, uint32_t partition, uint64_t hash, std::function<bool()> const& go_on)
      NO_THREAD_SAFETY_ANALYSIS;
  /// At kReserved a `waiter` that is not null will be woken.
  Obstacle lock_from(Keyspace& keyspace, size_t& next, std::shared_ptr<Waiter> const& waiter) NO_THREAD_SAFETY_ANALYSIS;
  Obstacle lock_slowly(Partition& partition, std::shared_ptr<Waiter> const& waiter) NO_THREAD_SAFETY_ANALYSIS;
  bool meets_reservation(Partition const& partition) const;
  bool reserved_by_another(Partition const& partition, uint64_t hash) const;
  void reserve(Keyspace& keyspace, uint64_t hash);
  void note_further(uint64_t hash);
  /// All or none, without waiting longer than for a spin.
  bool lock_each(Keyspace& keyspace, std::vector<uint32_t> const& partitions) NO_THREAD_SAFETY_ANALYSIS;
  /// None: to be tried again; nothing is locked. `hashes` may have grown.
  std::optional<Further> try_enter(Keyspace& keyspace, std::vector<uint64_t>& hashes);
  void note_held(uint32_t partition);
  void leave_lane(Keyspace& keyspace);
  void unlock_first(Keyspace& keyspace, size_t count) NO_THREAD_SAFETY_ANALYSIS;
  bool covers_targets(Keyspace& keyspace);
  bool has_hash(uint64_t hash) const;

  std::vector<Key> keys_;
  std::vector<uint32_t> partitions_;
  std::vector<uint64_t> further_;  // of keys that hold_key was asked for, and their targets
  std::vector<uint32_t> entered_;  // locked for one command, while open
  size_t further_max_ = kFurtherMax;
  mutable size_t hint_ = 0;
  size_t next_ = 0;      // locks kept so far, while we hold the lane
  int attempts_ = 0;
  int growths_ = 0;
  bool sorted_ = true;
  bool global_ = false;
  bool lane_ = false;
  bool lane_wanted_ = false;
  bool held_ = false;
  bool assumed_ = false;
  bool whole_ = false;
  bool open_ = false;
};

}  // namespace holdfast
