#include "snapshot/cut.h"

#include <emmintrin.h>
#include <sched.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace holdfast::snapshot {
namespace {

/// Asks the processor for the records of a bucket, both lines of a usual one.
void prefetch_records(Bucket const& bucket) {
  for (uint32_t found = bucket.occupied(); found; found &= found - 1) {
    auto const* record = static_cast<char const*>(bucket.pointer(__builtin_ctz(found)));
    prefetch_line(record);
    prefetch_line(record + 56);
  }
}

}  // namespace

Cut::Cut(Keyspace& keyspace, Clock const& clock, BlockQueue& queue)
    : keyspace_(keyspace), clock_(clock), queue_(queue), all_(keyspace), next_partition_(keyspace.partition_count()) {}

Cut::~Cut() {
  // The workers have stopped; a cut that was under way must not be found by anyone.
  if (keyspace_.cut().sink == this) keyspace_.cut().sink = nullptr;
}

bool Cut::try_begin(SaveForm const& form, std::function<void()> const& at_cut) {
  if (!all_.try_lock()) return false;
  CHECK(keyspace_.cut().sink == nullptr && walked());
  form_ = form;
  digests_.store(form.form == RecordForm::kDigest, std::memory_order_relaxed);
  discarding_.store(false, std::memory_order_relaxed);
  keyspace_.cut().epoch = static_cast<uint8_t>((keyspace_.cut().epoch + 1) % KeyTable::Table::kEpochs);
  keyspace_.cut().sink = this;
  mark_tables();
  next_partition_.store(0, std::memory_order_relaxed);
  unfinished_.store(keyspace_.partition_count(), std::memory_order_release);
  at_cut();
  all_.unlock();
  return true;
}

void Cut::mark_tables() {
  facts_ = {};
  facts_.databases.resize(static_cast<size_t>(keyspace_.databases()));
  for (uint32_t i = 0; i < keyspace_.partition_count(); i++) {
    Partition& partition = keyspace_.partition(i);
    facts_.dirty += partition.dirty.get();
    for (size_t db = 0; db < partition.tables.size(); db++) {
      KeyTable* table = partition.tables[db].get();
      if (!table) continue;
      DCHECK(table->walked_epoch != keyspace_.cut().epoch);
      table->cut_db = static_cast<int>(db);
      table->cut_position = 0;
      facts_.databases[db].keys += table->size();
      facts_.databases[db].expiring_keys += table->expiring();
      facts_.expiring_fields |= table->expiring_bodies() > 0;
    }
  }
  for (CutFacts::Database const& database : facts_.databases) facts_.keys += database.keys;
}

bool Cut::try_end() {
  DCHECK(walked());
  if (!all_.try_lock()) return false;
  keyspace_.cut().sink = nullptr;
  all_.unlock();
  // Nobody saves any more, so the stripes are at rest.
  push_stripes();
  return true;
}

// ---- the walk ----

bool Cut::claim(Claim& claim) {
  if (claim.has_partition || claim.detached) return true;
  if (next_partition_.load(std::memory_order_relaxed) < keyspace_.partition_count()) {
    claim.partition = next_partition_.fetch_add(1, std::memory_order_relaxed);
    claim.has_partition = claim.partition < keyspace_.partition_count();
    if (claim.has_partition) return true;
  }
  MutexLock lock(mutex_);
  if (detached_.empty()) return false;
  claim.detached = std::move(detached_.back());
  detached_.pop_back();
  return true;
}

bool Cut::walk(int worker, int64_t budget_us) {
  CHECK(worker >= 0 && worker < kWorkersMax);
  std::unique_ptr<Claim>& slot = claims_[static_cast<size_t>(worker)];
  if (!slot) slot = std::make_unique<Claim>();
  Claim& mine = *slot;
  int64_t const end_us = clock_.monotonic_us() + budget_us;
  while (true) {
    bool const discarding = discarding_.load(std::memory_order_relaxed);
    // Digests take longer than the walk: writers, who save as well, shall find room.
    bool const enough = digests_.load(std::memory_order_relaxed) ? queue_.ahead() : queue_.congested();
    if (enough && !discarding) return false;
    if (!claim(mine)) return false;
    int64_t const now_us = clock_.monotonic_us();
    if (now_us >= end_us) return true;
    int64_t const deadline_us = std::min(end_us, now_us + kHoldMicroseconds);
    if (mine.detached) {
      if (!discarding && !walk_table(*mine.detached, deadline_us)) continue;
      keyspace_.lazy_free().push(std::move(mine.detached));
      finish_one();
      continue;
    }
    bool locked = false;
    if (walk_partition(mine, deadline_us, locked)) {
      mine.has_partition = false;
      finish_one();
    } else if (!locked) {
      return true;  // somebody works in there: see to the connections first
    }
  }
}

bool Cut::walk_partition(Claim& claim, int64_t deadline_us, bool& locked) {
  claim.locks.clear();
  claim.locks.add_partition(claim.partition);
  locked = claim.locks.try_lock(keyspace_);
  if (!locked) return false;
  bool done = true;
  for (auto const& table : keyspace_.partition(claim.partition).tables) {
    if (!table || table->walked_epoch == keyspace_.cut().epoch) continue;
    done = walk_table(*table, deadline_us);
    if (!done) break;
  }
  claim.locks.unlock(keyspace_);
  return done;
}

bool Cut::walk_table(KeyTable& table, int64_t deadline_us) {
  while (true) {
    uint64_t position = table.cut_position;
    bool complete = false;
    bool const more = table.table().visit_segment(
        position, [&](KeyTable::Segment& segment) { complete = walk_segment(table, segment, deadline_us); });
    // A segment that is half done is visited again: its saved buckets are skipped by their epoch.
    if (!complete) return false;
    table.cut_position = position;
    if (!more) {
      table.walked_epoch = keyspace_.cut().epoch;
      return true;
    }
    if (late(deadline_us)) return false;
  }
}

bool Cut::walk_segment(KeyTable& table, KeyTable::Segment& segment, int64_t deadline_us) {
  uint8_t const epoch = keyspace_.cut().epoch;
  Bucket* const buckets = segment.buckets();
  uint32_t const count = segment.bucket_count;
  uint32_t first = 0;
  while (first < count && buckets[first].epoch() == epoch) first++;
  if (first < count) prefetch_records(buckets[first]);
  for (uint32_t i = first; i < count; i++) {
    if (i + 1 < count) prefetch_records(buckets[i + 1]);
    if (buckets[i].epoch() == epoch) continue;
    table.save_bucket(buckets[i]);
    if (i + 1 < count && late(deadline_us)) return false;
  }
  return true;
}

// ---- the sink ----

Cut::Stripe& Cut::take_stripe() {
  int const cpu = sched_getcpu();
  for (size_t i = cpu < 0 ? 0 : static_cast<size_t>(cpu);; i++) {
    Stripe& stripe = stripes_[i % kStripes];
    if (!stripe.taken.load(std::memory_order_relaxed) && !stripe.taken.exchange(true, std::memory_order_acquire))
      return stripe;
    _mm_pause();
  }
}

void Cut::save(int db, std::span<Record const* const> records) {
  if (discarding_.load(std::memory_order_relaxed)) return;
  Stripe& stripe = take_stripe();
  if (!stripe.block) stripe.block = queue_.fresh();
  for (Record const* record : records) write_record(*stripe.block, form_, keyspace_, db, *record);
  BlockPtr full;
  if (stripe.block->full()) full = std::move(stripe.block);
  stripe.taken.store(false, std::memory_order_release);
  if (full) queue_.push(std::move(full));
}

void Cut::adopt(std::unique_ptr<KeyTable> detached) {
  if (detached->walked_epoch == keyspace_.cut().epoch || discarding_.load(std::memory_order_relaxed)) {
    keyspace_.lazy_free().push(std::move(detached));
    return;
  }
  // Holding all partitions, the caller comes before the end of the walk: this partition is not counted as done yet.
  unfinished_.fetch_add(1, std::memory_order_relaxed);
  MutexLock lock(mutex_);
  detached_.push_back(std::move(detached));
}

void Cut::push_stripes() {
  for (Stripe& stripe : stripes_) {
    bool const others = stripe.taken.exchange(true, std::memory_order_acquire);
    CHECK(!others);
    BlockPtr block = std::move(stripe.block);
    stripe.taken.store(false, std::memory_order_release);
    if (block && !block->bytes.empty() && !discarding_.load(std::memory_order_relaxed)) queue_.push(std::move(block));
  }
}

}  // namespace holdfast::snapshot
