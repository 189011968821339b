#include "keyspace/defrag_cycle.h"

#include <algorithm>

#include "base/clock.h"
#include "keyspace/keyspace.h"
#include "memory/block_heap.h"

namespace holdfast {
namespace {

/// Others spin for 20 us before they park: who waits for us mostly does not even do that.
constexpr int64_t kHeldUs = 12;
/// A partition that is always taken is left for the next pass.
constexpr int kRefusedMax = 16;
/// All partitions are surveyed once in so many calls.
constexpr uint32_t kSurveyCalls = 10;

}  // namespace

DefragCycle::DefragCycle(Keyspace& keyspace, uint32_t first, uint32_t step)
    : keyspace_(keyspace), first_(first), step_(step), next_(first), surveyed_(first) {}

DefragCycle::Progress DefragCycle::run(int64_t budget_us) {
  Defragmentation& defragmentation = keyspace_.defragmentation();
  if (uint32_t const pass = defragmentation.pass(); pass != pass_ || !in_pass_) {
    if (pass == pass_) return Progress::kNothing;
    pass_ = pass;  // one that was interrupted is forgotten
    in_pass_ = true;
    next_ = first_;
    db_ = 0;
    place_ = DefragPlace();
    keyspace_.table_memory().segments.begin_pass();
  }
  int64_t const deadline_us = now_us() + budget_us;
  while (next_ < keyspace_.partition_count()) {
    if (!run_partition(deadline_us)) return Progress::kMore;
  }
  end_pass();
  return Progress::kNothing;
}

bool DefragCycle::run_partition(int64_t deadline_us) {
  Defragmentation& defragmentation = keyspace_.defragmentation();
  Partition& partition = keyspace_.partition(next_);
  while (db_ < keyspace_.databases()) {
    auto const db = static_cast<size_t>(db_);
    // Not the lock's to know, but a table that has never had a key has nothing to move.
    if (partition.counters[db].memory_bytes.get() == 0) {
      db_++;
      continue;
    }
    int64_t const now = now_us();
    locks_.clear();
    locks_.add_partition(next_);
    if (!locks_.try_lock(keyspace_)) {
      if (++refused_ < kRefusedMax) return false;
      break;
    }
    refused_ = 0;
    DefragStep step{.deadline_us = std::min(deadline_us, now + kHeldUs), .elements_max = defragmentation.scan_fields_max(),
                    .heap = defragmentation.moves_heap(), .always = defragmentation.forced()};
    KeyTable* const table = partition.tables[db].get();
    bool const more = table && table->defragment(place_, step);
    keyspace_.publish_counters(partition, db_);
    if (!more && table) keyspace_.survey(partition);
    locks_.unlock(keyspace_);
    Defragmentation::Counts& counts = defragmentation.counts;
    counts.hits.fetch_add(step.hits, std::memory_order_relaxed);
    counts.misses.fetch_add(step.misses, std::memory_order_relaxed);
    counts.key_hits.fetch_add(step.key_hits, std::memory_order_relaxed);
    counts.key_misses.fetch_add(step.key_misses, std::memory_order_relaxed);
    if (!more) {
      db_++;
      place_ = DefragPlace();
    }
    if (now_us() >= deadline_us) return false;
  }
  next_ += step_;
  db_ = 0;
  refused_ = 0;
  place_ = DefragPlace();
  return true;
}

void DefragCycle::end_pass() {
  in_pass_ = false;
  keyspace_.trim_memory();
  keyspace_.defragmentation().part_done();
}

void DefragCycle::survey() {
  uint32_t const count = (keyspace_.partition_count() / step_ + kSurveyCalls) / kSurveyCalls;
  for (uint32_t i = 0; i < count; i++) {
    locks_.clear();
    locks_.add_partition(surveyed_);
    if (locks_.try_lock(keyspace_)) {
      keyspace_.survey(keyspace_.partition(surveyed_));
      locks_.unlock(keyspace_);
    }
    surveyed_ += step_;
    if (surveyed_ >= keyspace_.partition_count()) surveyed_ = first_;
  }
}

void DefragCycle::purge_if_asked() {
  uint32_t const purges = keyspace_.defragmentation().purges();
  if (purges == purges_) return;
  purges_ = purges;
  trim_heap_of_this_thread();
}

}  // namespace holdfast
