#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/hash.h"
#include "config/choices.h"
#include "keyspace/defragmentation.h"
#include "keyspace/partition.h"
#include "values/value_limits.h"

namespace holdfast {

namespace log {
class Log;
}
class ChangeListener;

/// All keys: P partitions, the slow lane and what the partitions share.
///
/// Thread rule: partitions are guarded by their locks (taken through LockSet only); the rest is immutable after
/// construction, atomic, or written only in a global transaction.
class Keyspace {
 public:
  struct Options {
    uint32_t partitions = 256;  ///< a power of two, 16..16384
    int databases = 16;
    /// False: one worker only, and no lock is ever taken.
    bool concurrent = true;
    std::optional<uint64_t> hash_seed;  ///< tests only; none: drawn from the kernel
  };

  Keyspace(Options const& options, LazyFree& lazy_free);
  ~Keyspace();
  Keyspace(Keyspace const&) = delete;
  Keyspace& operator=(Keyspace const&) = delete;

  uint64_t hash(std::string_view key) const { return hasher_(key); }
  /// The low byte of the hash is the fingerprint and the top bits order the table, so the partition is in between.
  uint32_t partition_index(uint64_t hash) const { return static_cast<uint32_t>(hash >> 8) & partition_mask_; }
  Partition& partition(uint32_t index) { return partitions_[index]; }
  Partition const& partition(uint32_t index) const { return partitions_[index]; }
  uint32_t partition_count() const { return partition_mask_ + 1; }
  int databases() const { return databases_; }
  bool concurrent() const { return concurrent_.load(std::memory_order_relaxed); }
  /// From now on another thread than the one worker uses the keys too. On the worker's thread, while it holds no locks.
  void make_concurrent() { concurrent_.store(true, std::memory_order_relaxed); }
  SlowLane& lane() { return lane_; }
  /// Transactions that hold keys only, not their partitions (LockSet::open).
  std::atomic<int> open_sets{0};
  LazyFree& lazy_free() { return lazy_free_; }

  /// Sums over the partitions; each partition is exact, the sum is of slightly different moments.
  uint64_t keys(int db) const { return sum(db, &Partition::DatabaseCounters::keys); }
  uint64_t expiring_keys(int db) const { return sum(db, &Partition::DatabaseCounters::expiring_keys); }
  uint64_t memory_bytes(int db) const { return sum(db, &Partition::DatabaseCounters::memory_bytes); }
  uint64_t sum(int db, Counter Partition::DatabaseCounters::*counter) const;
  uint64_t sum(Counter Partition::*counter) const;
  /// Bytes of records, values and tables of all databases.
  uint64_t used_bytes() const;
  /// What the partitions have reported of the changes of their memory: each keeps less than `memory_report_step` to itself. For
  /// who asks before every command; `used_bytes` is exact.
  int64_t memory_changes() const { return memory_changes_.load(std::memory_order_relaxed); }
  /// The memory has been measured exactly: what was not reported until now is forgotten.
  void begin_memory_epoch() { memory_epoch_.fetch_add(1, std::memory_order_relaxed); }
  static constexpr int64_t kReportsNothing = std::numeric_limits<int64_t>::max();
  std::atomic<int64_t> memory_report_step{kReportsNothing};
  /// Bytes of the pages that hold records.
  size_t page_bytes() const { return memory_.pages.used_bytes(); }
  /// Where the tables have their memory from.
  TableMemory& table_memory() { return memory_; }
  TableMemory const& table_memory() const { return memory_; }
  /// Has the background thread give all memory of tables and records that is not used back to the system.
  void trim_memory();
  Defragmentation& defragmentation() { return defragmentation_; }
  Defragmentation const& defragmentation() const { return defragmentation_; }
  /// Publishes how well the memory of a partition is filled. Requires the lock.
  void survey(Partition& partition);

  /// The table of `db` in `partition`, made if there is none. Requires the lock.
  KeyTable& table(Partition& partition, int db);
  /// Publishes the counters of a database of a partition after a change. Requires the lock. `report`: memory_changes is told
  /// whatever the step is.
  void publish_counters(Partition& partition, int db, bool report = false);

  /// Asks the processor for the bucket, later for the record, that a command will need. Does nothing when the lock is taken.
  void prefetch_bucket(int db, uint64_t hash);
  void prefetch_record(int db, uint64_t hash);
  /// The same for the parts of a big collection in which the elements are, when the record has arrived.
  void prefetch_elements(int db, uint64_t hash, std::string_view key, std::span<std::string_view const> elements);

  /// The log that commits append to; null: none. Set before the workers start.
  void attach_log(log::Log* log) { log_ = log; }
  log::Log* log() const { return log_; }

  /// Who is told of changes; null: nobody. Set before the workers start.
  void attach_listener(ChangeListener* listener) { listener_ = listener; }
  ChangeListener* listener() const { return listener_; }
  /// notify-keyspace-events: the classes of which the listener is told, with K and E; 0 when it has neither of these.
  std::atomic<uint32_t> notified{0};
  /// Some connection caches what it reads, and the listener is told of changed keys (CLIENT TRACKING).
  std::atomic<bool> tracked{false};
  /// Sizes of all partitions' tables of tracked keys.
  std::atomic<int64_t> tracked_keys{0};
  std::atomic<int64_t> tracked_items{0};

  /// State of the running cut. Change only in a global transaction.
  CutState& cut() { return cut_; }

  /// What a record's access field is set to: the LRU clock in seconds, or LFU when a *-lfu policy is on.
  struct Access {
    std::atomic<uint32_t> clock{0};  ///< Unix seconds, set by the cron
    std::atomic<bool> lfu{false};
    std::atomic<uint32_t> lfu_log_factor{10};
    std::atomic<uint32_t> lfu_decay_minutes{1};
  };
  Access& access() { return access_; }
  uint32_t initial_access() const;
  /// The access field after one more access now.
  uint32_t touched_access(uint32_t access) const;
  /// The LFU counter of an access field, decayed to now.
  uint8_t decayed_frequency(uint32_t access) const;
  /// Seconds since the access (LRU).
  uint32_t idle_seconds(uint32_t access) const;

  /// The access field of a key that has been idle for `seconds` (LRU), or has this LFU counter now (RESTORE).
  uint32_t access_of_idle(uint64_t seconds) const;
  uint32_t access_of_frequency(uint8_t counter) const;

  /// Longest string that a command may build, bytes (proto-max-bulk-len).
  std::atomic<uint64_t> string_bytes_max{512ull * 1024 * 1024};
  /// OBJECT REFCOUNT calls the integers 0..9999 shared: while maxmemory is 0, or its policy is neither LRU nor LFU.
  std::atomic<bool> integers_shared{true};
  /// What OBJECT REFCOUNT and DEBUG OBJECT answer: 2147483647 for an integer that counts as shared, else 1.
  int64_t shown_refcount(Record const& record) const;

  /// Deletions that follow from something else are logged as UNLINK instead of DEL (lazyfree-lazy-expire, lazyfree-lazy-user-del):
  /// who replays them frees in the background, as this server always does.
  std::atomic<bool> logs_expiry_as_unlink{false};
  std::atomic<bool> logs_user_del_as_unlink{false};
  std::atomic<bool> logs_eviction_as_unlink{false};

  /// What goes first when memory is short (maxmemory-policy), and how many keys are looked at to choose one.
  struct Eviction {
    std::atomic<config::MaxmemoryPolicy> policy{config::MaxmemoryPolicy::kNoEviction};
    std::atomic<uint32_t> samples{5};
  };
  Eviction& eviction() { return eviction_; }

  /// Up to where collections stay packed.
  ValueLimits limits;
  ValueContext value_context() const { return {hasher_, limits}; }

  /// True from the first wait on that has a target (WaitRequest). Set under the lock of the key that is waited for, so who holds
  /// that lock sees it before he meets the waiter.
  std::atomic<bool> targets_waited_for{false};

  /// Keys are not expired while this is not 0: loading.
  std::atomic<int> expiry_holds{0};
  bool expiry_held() const { return expiry_holds.load(std::memory_order_relaxed) != 0; }
  /// On a replica: keys that have expired are not seen, but only the primary deletes them. Changes in global transactions.
  std::atomic<bool> expiry_left_to_primary{false};
  bool expiry_hidden() const { return expiry_left_to_primary.load(std::memory_order_relaxed); }
  /// There may be keys in a LocalExpiry. Set under the lock of its partition.
  std::atomic<bool> expires_locally{false};
  /// What there is is the primary's, or ours to expire as everywhere. In a global transaction, or before there are threads.
  void forget_local_expiry();
  /// Until this moment, Unix ms, the server itself deletes nothing (CLIENT PAUSE): what has expired is not seen, but stays, and
  /// nothing is evicted. Who looks under the lock of a partition sees it once all locks have been held since it was set.
  std::atomic<int64_t> unchanged_until_ms{0};
  bool stays_unchanged(int64_t now_ms) const { return now_ms < unchanged_until_ms.load(std::memory_order_relaxed); }
  /// What has expired is left where it is by who meets it.
  bool keeps_expired(int64_t now_ms) const { return expiry_hidden() || stays_unchanged(now_ms); }
  /// A moment of the past ends a key at once.
  bool deletes_expired() const { return !expiry_held() && !expiry_hidden(); }

 private:
  template <class Prefetch>
  void prefetch(int db, uint64_t hash, Prefetch&& prefetch) NO_THREAD_SAFETY_ANALYSIS;  // locks only if `concurrent`

  TableMemory memory_;
  KeyHasher hasher_;
  LazyFree& lazy_free_;
  uint32_t partition_mask_;
  int databases_;
  std::atomic<bool> concurrent_;
  CutState cut_;
  std::unique_ptr<Partition[]> partitions_;
  SlowLane lane_;
  log::Log* log_ = nullptr;
  ChangeListener* listener_ = nullptr;
  Access access_;
  Eviction eviction_;
  Defragmentation defragmentation_;
  std::atomic<uint32_t> memory_epoch_{0};
  alignas(64) std::atomic<int64_t> memory_changes_{0};
};

}  // namespace holdfast
