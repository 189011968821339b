#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "keyspace/keyspace.h"
#include "keyspace/lock_set.h"
#include "snapshot/block_queue.h"
#include "snapshot/global_lock.h"
#include "snapshot/record_writer.h"

namespace holdfast::snapshot {

/// What was there at the moment of the cut.
struct CutFacts {
  struct Database {
    uint64_t keys = 0;
    uint64_t expiring_keys = 0;
  };
  std::vector<Database> databases;
  uint64_t keys = 0;
  uint64_t dirty = 0;  ///< changes since start
  bool expiring_fields = false;  ///< some hash has fields that expire: the file must be of a version that knows them
};

// The cut: all records as they were at one moment, without stopping anybody for more than microseconds.
//
//   try_begin   global transaction: epoch + 1, every table notes its database, this object becomes the sink
//   walk        workers save the buckets of old epochs, partition by partition under its lock; a writer that is about
//   to
//               change such a bucket saves it first (KeyTable::save_bucket). Either way a bucket is saved exactly once,
//               because it gets the present epoch under the same lock.
//   try_end     global transaction: no sink any more
//
// Invariants:
//  * While no cut runs every bucket of every table has the present epoch. A cut that is given up is therefore walked to
//    its end all the same (`discard`: nothing is kept, only the epochs are set), so that 32 epochs are enough for ever.
//  * A table whose walked_epoch is the present epoch has no bucket of an old one. Tables made while the cut runs start
//  so.
//    SWAPDB moves tables between numbers: their cut_db and walked_epoch go with them, and the walk of a partition looks
//    for tables that are not walked until there is none.
//  * FLUSHALL gives tables that are not walked to `adopt`; from then on only the worker that claims them touches them.
//  * Writers never race with the end: `save` runs under a lock of a partition that is not walked yet (or on a detached
//    table), try_end runs when all are walked, holding all locks.
//
// Blocks are filled in stripes. A saver takes the stripe of its CPU, or the next free one: nobody waits for anybody,
// and without migration between CPUs each stripe stays in one cache.
class Cut final : public CutSink {
 public:
  static constexpr int kWorkersMax = 512;
  /// A lock is held for about this long at most, so that who spins for it (PartitionLock::kSpinMicroseconds) gets it.
  static constexpr int64_t kHoldMicroseconds = 15;

  Cut(Keyspace& keyspace, Clock const& clock, BlockQueue& queue);
  ~Cut() override;

  // ---- worker 0

  /// Tries to take all partitions; while that fails the slow lane and some locks may be kept, so call again soon.
  /// Inside the global transaction `at_cut` runs last. True: begun.
  bool try_begin(SaveForm const& form, std::function<void()> const& at_cut);
  /// Gives back what an unfinished try_begin or try_end holds.
  void abandon() { all_.abandon(); }
  /// After `walked`: tries to end the cut, and hands over the last blocks.
  bool try_end();

  // ---- any worker

  /// Works for at most about `budget_us`; does nothing while there is no cut. True when this worker could go on at
  /// once; false when there is nothing for it to do or the queue is congested.
  bool walk(int worker, int64_t budget_us);
  /// Everything is saved.
  bool walked() const { return unfinished_.load(std::memory_order_acquire) == 0; }
  /// From now on nothing is kept.
  void discard() { discarding_.store(true, std::memory_order_relaxed); }

  /// Of the last cut begun. Written in its global transaction.
  CutFacts const& facts() const { return facts_; }
  SaveForm const& form() const { return form_; }

  // ---- CutSink
  void save(int db, std::span<Record const* const> records) override;
  void adopt(std::unique_ptr<KeyTable> detached) override;

 private:
  struct alignas(64) Stripe {
    std::atomic<bool> taken{false};
    BlockPtr block;  // guarded by `taken`
  };
  /// What a worker has claimed.
  struct Claim {
    LockSet locks;
    bool has_partition = false;
    uint32_t partition = 0;
    std::unique_ptr<KeyTable> detached;
  };
  static constexpr size_t kStripes = 64;

  void mark_tables();
  bool claim(Claim& claim);
  /// False: out of time (`deadline_us`), or the lock was not to be had.
  bool walk_partition(Claim& claim, int64_t deadline_us, bool& locked);
  bool walk_table(KeyTable& table, int64_t deadline_us);
  bool walk_segment(KeyTable& table, KeyTable::Segment& segment, int64_t deadline_us);
  void finish_one() { unfinished_.fetch_sub(1, std::memory_order_release); }
  Stripe& take_stripe();
  void push_stripes();
  bool late(int64_t deadline_us) const { return clock_.monotonic_us() >= deadline_us; }

  Keyspace& keyspace_;
  Clock const& clock_;
  BlockQueue& queue_;
  SaveForm form_;
  CutFacts facts_;

  GlobalLock all_;  // worker 0

  std::array<std::unique_ptr<Claim>, kWorkersMax> claims_;  // each touched by its worker only
  std::atomic<uint32_t> next_partition_;                    // partition_count() and more: none is left
  /// Partitions and detached tables that are not walked to their end.
  std::atomic<uint32_t> unfinished_{0};
  std::atomic<bool> discarding_{false};
  std::atomic<bool> digests_{false};  // what form_ says; read by who has claimed nothing yet
  std::array<Stripe, kStripes> stripes_;

  Mutex mutex_;
  std::vector<std::unique_ptr<KeyTable>> detached_ GUARDED_BY(mutex_);
};

}  // namespace holdfast::snapshot
