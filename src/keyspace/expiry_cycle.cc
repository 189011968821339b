#include "keyspace/expiry_cycle.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "base/clock.h"
#include "keyspace/keyspace.h"
#include "values/hash_value.h"

namespace holdfast {
namespace {

/// Fields of one hash that are deleted before others have their turn.
constexpr size_t kFieldsMax = 128;

}  // namespace

ExpiryCycle::ExpiryCycle(Keyspace& keyspace, uint32_t first, uint32_t step)
    : keyspace_(keyspace), first_(first), step_(step), next_(first) {}

ExpiryCycle::Progress ExpiryCycle::run(TxnScratch& scratch, int64_t now_ms, int64_t budget_us) {
  int64_t deadline_us = now_us() + budget_us;
  if (keyspace_.stays_unchanged(now_ms)) return Progress::kNothing;
  if (!keyspace_.deletes_expired()) {
    bool const local = !keyspace_.expiry_held() && keyspace_.expires_locally.load(std::memory_order_relaxed);
    return local ? run_local(scratch, now_ms, deadline_us) : Progress::kNothing;
  }
  // A partition whose lock is taken is left for the next call.
  for (uint32_t visited = 0; visited < keyspace_.partition_count(); visited += step_) {
    if (!run_partition(scratch, now_ms, deadline_us)) return Progress::kMore;
    next_ += step_;
    if (next_ >= keyspace_.partition_count()) next_ = first_;
    db_ = 0;
  }
  return Progress::kNothing;
}

ExpiryCycle::Progress ExpiryCycle::run_local(TxnScratch& scratch, int64_t now_ms, int64_t deadline_us) {
  Progress progress = Progress::kNothing;
  for (uint32_t index = first_; index < keyspace_.partition_count(); index += step_) {
    locks_.clear();
    locks_.add_partition(index);
    if (!locks_.try_lock(keyspace_)) continue;
    Txn txn(keyspace_, locks_, scratch, now_ms);
    if (keyspace_.stays_unchanged(now_ms)) return Progress::kNothing;
    if (!txn.expire_locally(index)) progress = Progress::kMore;
    txn.commit(false);
    if (now_us() >= deadline_us) return Progress::kMore;
  }
  return progress;
}

bool ExpiryCycle::run_partition(TxnScratch& scratch, int64_t now_ms, int64_t deadline_us) {
  Partition& partition = keyspace_.partition(next_);
  for (; db_ < keyspace_.databases(); db_++) {
    Partition::DatabaseCounters const& counters = partition.counters[static_cast<size_t>(db_)];
    if (counters.expiring_keys.get() == 0 && counters.expiring_bodies.get() == 0) continue;
    bool more = true;
    while (more) {
      locks_.clear();
      locks_.add_partition(next_);
      if (!locks_.try_lock(keyspace_)) return true;
      Txn txn(keyspace_, locks_, scratch, now_ms);
      if (txn.keeps_expired()) return true;  // since the look above
      KeyTable* table = partition.tables[static_cast<size_t>(db_)].get();
      more = table && table->expiry_due(now_ms);
      if (more) {
        table->walk_expiry([&](KeyTable::Segment& segment) {
          return segment.extra.next_expiry_ms < now_ms ? run_segment(*table, segment, txn, partition)
                                                       : segment.extra.next_expiry_ms;
        });
        // At the end of a walk more is due only where a hash had too many expired fields for one visit.
        more = table->expiry_due(now_ms);
      }
      keyspace_.publish_counters(partition, db_);
      txn.commit(false);
      if (now_us() >= deadline_us) return false;
    }
  }
  return true;
}

int64_t ExpiryCycle::run_segment(KeyTable& table, KeyTable::Segment& segment, Txn& txn, Partition& partition) {
  int64_t earliest = kNeverMs;
  for (uint32_t i = 0; i < segment.bucket_count; i++) {
    Bucket& bucket = segment.buckets()[i];
    for (uint32_t found = bucket.occupied(); found; found &= found - 1) {
      int index = __builtin_ctz(found);
      auto* record = static_cast<Record*>(bucket.pointer(index));
      if (record->has_expiry()) {
        if (record->expire_ms() < txn.now_ms()) {
          txn.note_expired(db_, partition, record->key());
          table.erase_in_visit(segment, bucket, index);
          continue;
        }
        earliest = std::min(earliest, record->expire_ms());
      }
      if (record->type() == ValueType::kHash && record->encoding() == Encoding::kBody) {
        earliest = std::min(earliest, run_fields(table, segment, bucket, index, txn, partition));
      }
    }
  }
  return earliest;
}

int64_t ExpiryCycle::run_fields(KeyTable& table, KeyTable::Segment& segment, Bucket& bucket, int index, Txn& txn,
                                Partition& partition) {
  auto* record = static_cast<Record*>(bucket.pointer(index));
  Body& body = *record->body();
  if (body.next_expiry_ms() >= txn.now_ms()) return body.next_expiry_ms();
  table.save_bucket(bucket);
  FieldMap& fields = static_cast<HashBody&>(body).fields;
  size_t const bytes_before = body.memory_bytes();
  std::vector<std::string> gone;
  fields.remove_expired(txn.now_ms() - 1, kFieldsMax, [&](FieldEntry const& entry) { gone.emplace_back(entry.field); });
  table.note_body_change(keyspace_.hash(record->key()), bytes_before, true, body);
  std::vector<std::string_view> const names(gone.begin(), gone.end());
  txn.note_expired_fields(db_, partition, record->key(), names);
  if (!fields.empty()) return body.next_expiry_ms();
  txn.notify_in(db_, config::kEventGeneric, "del", record->key());
  table.erase_in_visit(segment, bucket, index);
  return kNeverMs;
}

}  // namespace holdfast
