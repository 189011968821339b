#pragma once

#include <memory>

#include "base/random.h"
#include "command/script_run.h"
#include "command/statistics.h"
#include "keyspace/eviction_cycle.h"
#include "keyspace/lock_set.h"
#include "keyspace/txn.h"

namespace holdfast {

class BusyScript;
struct Command;

/// What the prefetch of a batch has found out about a command before it is executed. Told from other commands by the
/// addresses of the texts.
struct CommandHint {
  std::string_view name;
  Command const* command = nullptr;
  std::string_view key;
  uint64_t hash = 0;
  bool same_key = false;  ///< as the command before it in the batch
};

/// What one worker's executions use one after the other. Belongs to that worker, which has a second one for what it executes
/// while a script runs for long.
struct WorkerContext {
  explicit WorkerContext(WorkerStatistics& worker_statistics)
      : statistics(worker_statistics), random(system_random_u64()) {}

  WorkerStatistics& statistics;
  LockSet locks;
  TxnScratch scratch;
  Random random;
  /// Made by src/scripting when the first script runs.
  std::unique_ptr<WorkerScripts> scripts;
  /// Made when memory is short for the first time.
  std::unique_ptr<EvictionCycle> eviction;
  /// Of the present command; null: nothing is known.
  CommandHint const* hint = nullptr;
  /// Commands until one is looked at for HotKeys.
  uint32_t until_sampled = 1;
  /// Time stamp at which the present command began.
  uint64_t command_ticks = 0;
  /// Unix ms of this turn of the loop; every transaction of the turn is frozen at it.
  int64_t now_ms = 0;
  /// The script of this worker that waits while this executes; null: none does.
  BusyScript const* suspended = nullptr;
};

}  // namespace holdfast
