#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "keyspace/hot_keys.h"
#include "keyspace/key_table.h"
#include "keyspace/local_expiry.h"
#include "keyspace/partition_lock.h"
#include "keyspace/reservations.h"
#include "keyspace/tracked_keys.h"
#include "keyspace/wait_table.h"
#include "keyspace/watch_table.h"

namespace holdfast {

/// A statistic that one thread at a time changes (the holder of some lock, or its only owner) and any thread reads.
class Counter {
 public:
  void add(uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void subtract(uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed); }
  void set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

/// One slice of the key space: the tables of all databases for the keys whose hash falls here. Everything but the counters
/// is guarded by `lock`.
struct alignas(64) Partition {
  PartitionLock lock;
  /// Tables by database number; null while a database has never had a key here.
  std::vector<std::unique_ptr<KeyTable>> tables;
  WatchTable watchers;
  TrackedKeys tracked;
  WaitTable waiters;
  std::unique_ptr<Reservations> reservations;  ///< null: there has never been one
  std::unique_ptr<LocalExpiry> local_expiry;  ///< null: no client of a writable replica has made a key expire
  std::unique_ptr<HotKeys> hot;  ///< null: no command of the sample has used a key here
  /// Log offset after the last write to this partition: what a read must wait for under `appendfsync always`.
  uint64_t last_offset = 0;
  /// Change of the memory, since the present Keyspace::memory_epoch began, of which memory_changes has not been told.
  int64_t unreported_bytes = 0;
  uint32_t memory_epoch = 0;

  /// Of each database, published after every change, readable without the lock.
  struct DatabaseCounters {
    Counter keys;
    Counter expiring_keys;
    Counter memory_bytes;
    Counter expiring_bodies;  ///< hashes with expiring fields
    Counter expiry_sum_ms;  ///< sum of the expiries (Unix ms), its low 64 bits
  };
  std::unique_ptr<DatabaseCounters[]> counters;
  Counter dirty;  ///< changes since start
  Counter hits;
  Counter misses;
  Counter expired;         ///< keys
  Counter evicted;         ///< keys, to make room
  Counter sparse_bytes;    ///< of pages of records that could be empty, when it was surveyed last
  Counter heap_bytes;      ///< in the block heap, at the same time
  Counter expired_fields;  ///< fields of hashes
};

}  // namespace holdfast
