#pragma once

#include <cstdint>

#include "keyspace/defrag_step.h"
#include "keyspace/lock_set.h"

namespace holdfast {

class Keyspace;

/// Moves what stands sparsely in memory, in some partitions, in small steps (active defragmentation). Why that is safe stands in
/// key_table_defrag.cc; when it is done, Defragmentation decides.
///
/// Each worker has one cycle for the partitions `first`, `first + step`, ...; it belongs to that worker.
class DefragCycle {
 public:
  DefragCycle(Keyspace& keyspace, uint32_t first, uint32_t step);

  enum class Progress : uint8_t {
    kNothing,  ///< this worker has no part of a pass to do
    kMore,     ///< the budget is used up: call again soon
  };
  /// At most about `budget_us`, and a partition is never held for more than some microseconds.
  Progress run(int64_t budget_us);
  /// Measures the partitions, some at each call: call it ten times a second.
  void survey();
  /// Gives back what this worker keeps, after a MEMORY PURGE.
  void purge_if_asked();

 private:
  bool run_partition(int64_t deadline_us);
  void end_pass();

  Keyspace& keyspace_;
  uint32_t first_;
  uint32_t step_;
  uint32_t pass_ = 0;     // that is being done, or was done last
  bool in_pass_ = false;
  uint32_t next_;         // partition
  int db_ = 0;            // of it
  DefragPlace place_;     // in its table
  int refused_ = 0;       // times in a row that the partition was taken
  uint32_t surveyed_ = 0;
  uint32_t purges_ = 0;
  LockSet locks_;
};

}  // namespace holdfast
