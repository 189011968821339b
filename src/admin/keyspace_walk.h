#pragma once

#include <cstdint>
#include <functional>

#include "command/task.h"
#include "keyspace/keyspace.h"

namespace holdfast {

/// Goes through all partitions in slices. Between two slices anything may change.
class PartitionWalk {
 public:
  /// One slice: `visit(txn, partition)` under the lock of each partition. True when all have been seen.
  template <class Visit>
  bool step(TaskSlice& slice, Keyspace& keyspace, Visit&& visit) {
    while (next_ < keyspace.partition_count()) {
      if (!slice.with_partition(next_, [&](Txn& txn) { visit(txn, keyspace.partition(next_)); })) return false;
      if (++next_ < keyspace.partition_count() && slice.expired()) return false;
    }
    return true;
  }

 private:
  uint32_t next_ = 0;
};

/// Goes through all keys of all databases in slices. Between two slices anything may change; a key that is there all the
/// time is seen exactly once. Keys that have expired are passed over.
class KeyspaceWalk {
 public:
  /// Called under the lock of the key's partition; changes nothing.
  using Visit = std::function<void(int db, Record const& record)>;

  explicit KeyspaceWalk(Visit visit) : visit_(std::move(visit)) {}

  /// One slice. True when everything has been seen.
  bool step(TaskSlice& slice, Keyspace& keyspace);

 private:
  /// Buckets looked at under one lock: less than 50 us even for digests.
  static constexpr int kBucketsMax = 4;
  void visit_some(Txn& txn);
  bool partition_done(Keyspace const& keyspace) const { return db_ == keyspace.databases(); }

  Visit visit_;
  uint32_t partition_ = 0;
  int db_ = 0;
  uint64_t position_ = 0;  // in the table of this partition and database
};

}  // namespace holdfast
