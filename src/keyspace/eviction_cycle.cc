#include "keyspace/eviction_cycle.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

using config::MaxmemoryPolicy;


void prefetch_records(Bucket const& bucket) {
  for (uint32_t found = bucket.occupied(); found; found &= found - 1) prefetch_line(bucket.pointer(__builtin_ctz(found)));
}

/// When the first field of a hash expires; the bound of a segment covers these, too.
int64_t expiry_of_fields(Record const* record) {
  bool const may = record->type() == ValueType::kHash && record->encoding() == Encoding::kBody;
  return may && record->body()->expiring_elements() > 0 ? record->body()->next_expiry_ms() : kNeverMs;
}

}  // namespace

EvictionCycle::EvictionCycle(Keyspace& keyspace) : keyspace_(keyspace), random_(system_random_u64()) {}

bool EvictionCycle::volatile_only() const {
  return policy_ == MaxmemoryPolicy::kVolatileLru || policy_ == MaxmemoryPolicy::kVolatileLfu ||
         policy_ == MaxmemoryPolicy::kVolatileRandom || policy_ == MaxmemoryPolicy::kVolatileTtl;
}

bool EvictionCycle::at_random() const {
  return policy_ == MaxmemoryPolicy::kVolatileRandom || policy_ == MaxmemoryPolicy::kAllKeysRandom;
}

void EvictionCycle::follow_policy() {
  MaxmemoryPolicy const policy = keyspace_.eviction().policy.load(std::memory_order_relaxed);
  if (policy == policy_) return;
  policy_ = policy;
  pool_size_ = 0;
  databases_.clear();
}

Counter const& EvictionCycle::keys_of(uint32_t partition, int db) const {
  Partition::DatabaseCounters const& counters = keyspace_.partition(partition).counters[static_cast<size_t>(db)];
  return volatile_only() ? counters.expiring_keys : counters.keys;
}

void EvictionCycle::find_databases() {
  databases_.clear();
  steps_ = 0;
  for (int db = 0; db < keyspace_.databases(); db++) {
    bool any = false;
    for (uint32_t i = 0; i < keyspace_.partition_count() && !any; i++) any = keys_of(i, db).get() != 0;
    if (any) databases_.push_back(db);
  }
}

EvictionCycle::Found EvictionCycle::find_place(Place& place) {
  bool fresh = false;
  if (++steps_ > kStepsOfDatabases || databases_.empty()) {
    find_databases();
    fresh = true;
  }
  while (true) {
    bool locked = false;
    auto const start = static_cast<uint32_t>(random_.next());
    for (uint32_t i = 0; i < keyspace_.partition_count() && !databases_.empty(); i++) {
      uint32_t const partition = (start + i) & (keyspace_.partition_count() - 1);
      uint64_t keys = 0;
      for (int db : databases_) keys += keys_of(partition, db).get();
      if (keys == 0) continue;
      if (keyspace_.concurrent() && keyspace_.partition(partition).lock.taken()) {
        locked = true;
        continue;
      }
      // Each database as often as it has keys; the counts may have become smaller meanwhile.
      uint64_t skip = random_.below(keys);
      place = {partition, databases_.back()};
      for (int db : databases_) {
        uint64_t const here = keys_of(partition, db).get();
        if (skip < here) {
          place.db = db;
          break;
        }
        skip -= here;
      }
      return Found::kPlace;
    }
    if (locked) return Found::kLocked;
    if (fresh) return Found::kNothing;
    find_databases();
    fresh = true;
  }
}

bool EvictionCycle::lock(uint32_t partition) {
  locks_.clear();
  locks_.add_partition(partition);
  return locks_.try_lock(keyspace_);
}

EvictionCycle::Step EvictionCycle::evict_one(TxnScratch& scratch, int64_t now_ms) {
  follow_policy();
  if (policy_ == MaxmemoryPolicy::kNoEviction) return Step::kNothing;
  if (at_random()) return evict_any(scratch, now_ms);
  // Many were looked at for the soonest: the pool lasts for some steps.
  if (policy_ == MaxmemoryPolicy::kVolatileTtl && pool_size_ > kPoolMax - kTakenMax) return evict_best(scratch, now_ms);
  Place place;
  Found const found = find_place(place);
  if (found == Found::kPlace && lock(place.partition)) {
    KeyTable* table = keyspace_.partition(place.partition).tables[static_cast<size_t>(place.db)].get();
    if (table && table->size() > 0) sample(*table, place.db);
    locks_.unlock(keyspace_);
  }
  Step const step = evict_best(scratch, now_ms);
  return step == Step::kLater && found == Found::kNothing ? Step::kNothing : step;
}

void EvictionCycle::sample(KeyTable& table, int db) {
  if (policy_ == MaxmemoryPolicy::kVolatileTtl) return sample_soonest(table, db);
  uint32_t const samples = keyspace_.eviction().samples.load(std::memory_order_relaxed);
  uint64_t position = random_.next() >> 16;
  uint32_t fit = 0;
  uint32_t looked = 0;
  for (uint32_t i = 0; i < kSegmentsMax && fit < samples && looked < std::max(samples, kRecordsMax); i++) {
    bool const more = table.table().visit_segment(position, [&](KeyTable::Segment& segment) {
      if (segment.entries == 0 || (volatile_only() && segment.extra.next_expiry_ms == kNeverMs)) return;
      fit += look_at(segment, db, samples - fit);
      looked += segment.entries;
    });
    if (!more) position = 0;
  }
}

uint32_t EvictionCycle::look_at(KeyTable::Segment& segment, int db, uint32_t wanted) {
  uint32_t fit = 0;
  int64_t earliest = kNeverMs;
  auto const start = static_cast<uint32_t>(random_.below(segment.bucket_count));
  // Of keys that are worth the same the pool takes the first, and a new key gets the slot that became free: begun at the same
  // slot each time, the new would go and the old would stay for ever.
  auto const first_slot = static_cast<uint32_t>(random_.below(Bucket::kSlots));
  for (uint32_t i = 0; i < segment.bucket_count; i++) {
    if (fit >= wanted) return fit;
    Bucket& bucket = segment.buckets()[(start + i) % segment.bucket_count];
    // All of a bucket, since its records come from memory at the same time.
    prefetch_records(bucket);
    uint32_t const occupied = bucket.occupied();
    // Bit n of `found` is slot (first_slot + n) % kSlots.
    uint32_t found = (occupied >> first_slot | occupied << (Bucket::kSlots - first_slot)) & ((1u << Bucket::kSlots) - 1);
    for (; found; found &= found - 1) {
      uint32_t const slot = (first_slot + static_cast<uint32_t>(__builtin_ctz(found))) % Bucket::kSlots;
      auto const* record = static_cast<Record const*>(bucket.pointer(static_cast<int>(slot)));
      if (volatile_only()) {
        earliest = std::min(earliest, expiry_of_fields(record));
        if (!record->has_expiry()) continue;
      }
      fit++;
      uint64_t const score = this->score(record);
      if (pool_size_ == kPoolMax && score <= pool_.front().score) continue;
      offer({score, keyspace_.hash(record->key()), db});
    }
  }
  // The bound may be of a key that is gone. Now it is exact, and nobody looks here again in vain.
  if (volatile_only() && fit == 0) segment.extra.next_expiry_ms = earliest;
  return fit;
}

void EvictionCycle::sample_soonest(KeyTable& table, int db) {
  KeyTable::Segment* soonest = nullptr;
  uint64_t position = random_.next() >> 16;
  for (uint32_t i = 0; i < kSegmentsMax; i++) {
    bool const more = table.table().visit_segment(position, [&](KeyTable::Segment& segment) {
      if (!soonest || segment.extra.next_expiry_ms < soonest->extra.next_expiry_ms) soonest = &segment;
    });
    if (!more) position = 0;
  }
  int64_t earliest = kNeverMs;
  std::array<Record const*, kTakenMax> taken;  // the soonest first
  size_t count = 0;
  for (uint32_t i = 0; i < soonest->bucket_count; i++) {
    Bucket& bucket = soonest->buckets()[i];
    prefetch_records(bucket);
    for (uint32_t found = bucket.occupied(); found; found &= found - 1) {
      auto const* record = static_cast<Record const*>(bucket.pointer(__builtin_ctz(found)));
      earliest = std::min(earliest, expiry_of_fields(record));
      if (!record->has_expiry()) continue;
      earliest = std::min(earliest, record->expire_ms());
      size_t place = count;
      while (place > 0 && taken[place - 1]->expire_ms() > record->expire_ms()) place--;
      if (place == kTakenMax) continue;
      if (count < kTakenMax) count++;
      std::copy_backward(taken.begin() + place, taken.begin() + count - 1, taken.begin() + count);
      taken[place] = record;
    }
  }
  soonest->extra.next_expiry_ms = earliest;
  for (size_t i = 0; i < count; i++) offer({score(taken[i]), keyspace_.hash(taken[i]->key()), db});
}

void EvictionCycle::offer(Candidate candidate) {
  for (size_t i = 0; i < pool_size_; i++) {
    if (pool_[i].hash != candidate.hash || pool_[i].db != candidate.db) continue;
    forget(i);
    break;
  }
  if (pool_size_ == kPoolMax) {
    if (candidate.score <= pool_.front().score) return;
    forget(0);
  }
  // Behind its equals: who has waited longest goes first, and has had time to be used once more.
  size_t place = pool_size_;
  while (place > 0 && pool_[place - 1].score >= candidate.score) place--;
  std::copy_backward(pool_.begin() + place, pool_.begin() + pool_size_, pool_.begin() + pool_size_ + 1);
  pool_[place] = candidate;
  pool_size_++;
}

void EvictionCycle::forget(size_t index) {
  std::copy(pool_.begin() + index + 1, pool_.begin() + pool_size_, pool_.begin() + index);
  pool_size_--;
}

uint64_t EvictionCycle::score(Record const* record) const {
  constexpr uint64_t kGreatest = std::numeric_limits<uint64_t>::max();
  switch (policy_) {
    case MaxmemoryPolicy::kVolatileTtl: return kGreatest - static_cast<uint64_t>(record->expire_ms());
    case MaxmemoryPolicy::kAllKeysLfu:
    case MaxmemoryPolicy::kVolatileLfu: return 255u - keyspace_.decayed_frequency(record->access());
    default: {
      // The moment of the last access, so that scores of different moments compare.
      uint32_t const clock = keyspace_.access().clock.load(std::memory_order_relaxed);
      return kGreatest - (uint64_t{clock} - keyspace_.idle_seconds(record->access()));
    }
  }
}

EvictionCycle::Step EvictionCycle::evict_best(TxnScratch& scratch, int64_t now_ms) {
  size_t i = pool_size_;
  for (size_t tries = 0; i > 0 && tries < kTriesMax; tries++) {
    Candidate const candidate = pool_[--i];
    uint32_t const index = keyspace_.partition_index(candidate.hash);
    Partition& partition = keyspace_.partition(index);
    if ((keyspace_.concurrent() && partition.lock.taken()) || !lock(index)) continue;  // the next best
    Txn txn(keyspace_, locks_, scratch, now_ms);
    forget(i);
    KeyTable* table = partition.tables[static_cast<size_t>(candidate.db)].get();
    KeyTable::Slot slot;
    if (table) {
      slot = table->table().find(candidate.hash,
                                 [&](Record const* record) { return keyspace_.hash(record->key()) == candidate.hash; });
    }
    bool good = slot && (!volatile_only() || slot.entry()->has_expiry());
    if (good) {
      // Used since it was looked at: it may stay, unless all others are better still.
      uint64_t const now = score(slot.entry());
      if (now < candidate.score) {
        good = false;
        offer({now, candidate.hash, candidate.db});
        i = pool_size_;
      }
    }
    if (good) txn.evict(candidate.db, partition, slot);
    txn.commit(false);
    if (good) return Step::kEvicted;
  }
  return Step::kLater;
}

EvictionCycle::Step EvictionCycle::evict_any(TxnScratch& scratch, int64_t now_ms) {
  Place place;
  Found const found = find_place(place);
  if (found == Found::kNothing) return Step::kNothing;
  if (found == Found::kLocked || !lock(place.partition)) return Step::kLater;
  Partition& partition = keyspace_.partition(place.partition);
  Txn txn(keyspace_, locks_, scratch, now_ms);
  KeyTable* table = partition.tables[static_cast<size_t>(place.db)].get();
  KeyTable::Slot chosen;
  uint64_t position = random_.next() >> 16;
  for (uint32_t i = 0; table && table->size() > 0 && i < kSegmentsMax && !chosen; i++) {
    bool const more = table->table().visit_segment(position, [&](KeyTable::Segment& segment) {
      if (segment.entries == 0 || (volatile_only() && segment.extra.next_expiry_ms == kNeverMs)) return;
      auto const start = static_cast<uint32_t>(random_.below(segment.bucket_count));
      for (uint32_t b = 0; b < segment.bucket_count && !chosen; b++) {
        Bucket& bucket = segment.buckets()[(start + b) % segment.bucket_count];
        std::array<int, Bucket::kSlots> fit;
        uint32_t count = 0;
        for (uint32_t each = bucket.occupied(); each; each &= each - 1) {
          int const index = __builtin_ctz(each);
          if (!volatile_only() || static_cast<Record const*>(bucket.pointer(index))->has_expiry()) fit[count++] = index;
        }
        if (count > 0) chosen = {&segment, &bucket, fit[random_.below(count)]};
      }
    });
    if (!more) position = 0;
  }
  if (chosen) txn.evict(place.db, partition, chosen);
  txn.commit(false);
  return chosen ? Step::kEvicted : Step::kLater;
}

}  // namespace holdfast
