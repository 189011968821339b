#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "config/choices.h"
#include "keyspace/key_table.h"
#include "keyspace/lock_set.h"
#include "keyspace/txn.h"

namespace holdfast {

class Keyspace;

/// Chooses keys by maxmemory-policy and deletes them, one at a time (docs/eviction.md).
///
/// Each step looks at some keys that lie beside each other in one partition, under its lock, and remembers the best of all that
/// it has seen in a small pool; then it locks the partition of the best, looks whether that is still as it was, and deletes it.
/// So the choice is among all partitions, and never more than one of them is locked.
///
/// Belongs to one worker, which holds no partition when it calls. Each step is of a few microseconds.
class EvictionCycle {
 public:
  explicit EvictionCycle(Keyspace& keyspace);

  enum class Step : uint8_t {
    kEvicted,  ///< one key
    kLater,    ///< none this time: what was looked at is locked, or had nothing of worth. Call again
    kNothing,  ///< there is no key that the policy lets go
  };
  Step evict_one(TxnScratch& scratch, int64_t now_ms);

 private:
  /// Candidates kept from step to step.
  static constexpr size_t kPoolMax = 16;
  /// Looked at in one step, so that a lock is held for some microseconds only.
  static constexpr uint32_t kSegmentsMax = 64;
  static constexpr uint32_t kRecordsMax = 600;
  /// Candidates that are tried in one step, when others hold their locks or have used them since.
  static constexpr size_t kTriesMax = 2 * kPoolMax;
  /// Of one visit of volatile-ttl, which looks at many.
  static constexpr size_t kTakenMax = 4;
  /// Steps after which the databases in use are looked up again.
  static constexpr uint32_t kStepsOfDatabases = 4096;

  struct Candidate {
    uint64_t score;  ///< the greatest goes first
    uint64_t hash;
    int db;
  };
  /// A partition that has keys, and one of its databases, both at random.
  struct Place {
    uint32_t partition;
    int db;
  };
  enum class Found : uint8_t { kPlace, kLocked, kNothing };

  void follow_policy();
  bool volatile_only() const;
  bool at_random() const;
  Counter const& keys_of(uint32_t partition, int db) const;
  Found find_place(Place& place);
  void find_databases();
  bool lock(uint32_t partition);
  /// Looks at keys and puts the best into the pool. Precondition: the partition is locked.
  void sample(KeyTable& table, int db);
  /// Looks at records of the segment, from a bucket at random on, until there were so many that may go. Returns how many.
  uint32_t look_at(KeyTable::Segment& segment, int db, uint32_t wanted);
  /// The segment in which something expires first, of those looked at.
  void sample_soonest(KeyTable& table, int db);
  void offer(Candidate candidate);
  uint64_t score(Record const* record) const;
  Step evict_best(TxnScratch& scratch, int64_t now_ms);
  Step evict_any(TxnScratch& scratch, int64_t now_ms);
  void forget(size_t index);

  Keyspace& keyspace_;
  Random random_;
  LockSet locks_;
  config::MaxmemoryPolicy policy_ = config::MaxmemoryPolicy::kNoEviction;
  std::vector<int> databases_;  // that had keys when it was looked
  uint32_t steps_ = 0;          // since then
  std::array<Candidate, kPoolMax> pool_;  // by score, the greatest last
  size_t pool_size_ = 0;
};

}  // namespace holdfast
