#pragma once

#include <cstdint>

#include "keyspace/lock_set.h"
#include "keyspace/txn.h"

namespace holdfast {

class Keyspace;

/// Deletes expired keys, and expired fields of hashes, of some partitions in small slices (active expiry). No structure of its own: every table and every
/// segment know a lower bound of their next expiry, so what has nothing to expire is skipped without being touched.
///
/// Each worker has one cycle for the partitions `first`, `first + step`, ...; it belongs to that worker.
class ExpiryCycle {
 public:
  ExpiryCycle(Keyspace& keyspace, uint32_t first, uint32_t step);

  enum class Progress : uint8_t {
    kNothing,  ///< all partitions of this worker were looked at: nothing is due
    kMore,     ///< the budget is used up: call again soon
  };
  /// At most about `budget_us` (a segment of up to 567 keys is finished once begun, but for hashes with many expired fields).
  Progress run(TxnScratch& scratch, int64_t now_ms, int64_t budget_us);

 private:
  bool run_partition(TxnScratch& scratch, int64_t now_ms, int64_t deadline_us);
  /// On a replica: only what its own clients have made expire.
  Progress run_local(TxnScratch& scratch, int64_t now_ms, int64_t deadline_us);
  /// Deletes what is due; returns the earliest expiry that is left.
  int64_t run_segment(KeyTable& table, KeyTable::Segment& segment, Txn& txn, Partition& partition);
  /// The same for the fields of a hash, of which a bounded number is deleted.
  int64_t run_fields(KeyTable& table, KeyTable::Segment& segment, Bucket& bucket, int index, Txn& txn,
                     Partition& partition);

  Keyspace& keyspace_;
  uint32_t first_;
  uint32_t step_;
  uint32_t next_;
  int db_ = 0;  // of the partition `next_`
  LockSet locks_;
};

}  // namespace holdfast
