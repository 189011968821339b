#include "admin/keyspace_walk.h"

namespace holdfast {

bool KeyspaceWalk::step(TaskSlice& slice, Keyspace& keyspace) {
  while (partition_ < keyspace.partition_count()) {
    if (!slice.with_partition(partition_, [this](Txn& txn) { visit_some(txn); })) return false;
    if (partition_done(keyspace)) {
      partition_++;
      db_ = 0;
    }
    if (slice.expired()) return false;
  }
  return true;
}

void KeyspaceWalk::visit_some(Txn& txn) {
  Keyspace& keyspace = txn.keyspace();
  Partition& partition = keyspace.partition(partition_);
  for (int buckets = 0; buckets < kBucketsMax && !partition_done(keyspace);) {
    KeyTable* const table = partition.tables[static_cast<size_t>(db_)].get();
    if (table && table->size() > 0) {
      // What has expired and is not deleted yet counts, as for a replica, which is not the one to delete it.
      position_ = table->table().scan(position_, [&](Record const* record) { visit_(db_, *record); });
      buckets++;
    } else {
      position_ = 0;
    }
    if (position_ == 0) db_++;
  }
}

}  // namespace holdfast
