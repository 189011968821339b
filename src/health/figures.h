#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/special_values.h"
#include "log/log.h"
#include "snapshot/persistence.h"

namespace holdfast::health {

/// What a crash of the machine at this moment would lose.
struct DataAtRisk {
  double seconds = 0;     ///< since the oldest change that would be lost
  uint64_t bytes = 0;     ///< of the log; without AOF an estimate: changes times the mean size of a key
  uint64_t changes = 0;   ///< since the last snapshot; 0 with AOF, where bytes are counted
};

/// All that health is judged by, read at one moment.
struct Figures {
  int64_t now_s = 0;  ///< Unix time
  bool shutting_down = false;
  snapshot::PersistenceInfo persistence;
  bool refuses_writes = false;  ///< MISCONF after a failed snapshot

  bool append_only = false;
  uint64_t appended = 0;        ///< offset of the log
  log::LogStatus log_status;
  bool fsync_promised = false;  ///< appendfsync everysec or always
  int64_t unsynced_us = 0;      ///< age of the oldest byte of the log that is not on disk
  uint64_t unsynced_bytes = 0;

  std::vector<config::SavePoint> save_points;
  int64_t started_s = 0;          ///< Unix time of the start
  int64_t unsaved_us = 0;         ///< age of the oldest change that is in no snapshot
  uint64_t changes_ever = 0;      ///< since the start
  uint64_t dataset_bytes = 0;     ///< keys and values in memory
  uint64_t keys = 0;

  int64_t disk_silent_us = 0;  ///< since the disk has last answered
  bool disk_known = false;
  uint64_t disk_free_bytes = 0;
  uint64_t next_cut_bytes = 0;  ///< what the next snapshot or rewrite is expected to take

  uint64_t used_memory = 0;
  uint64_t maxmemory = 0;
  bool memory_exceeded = false;

  bool replica = false;
  bool link_up = false;
  bool primary_refused = false;  ///< it is empty, and this replica is not
  bool too_few_replicas = false;

  DataAtRisk at_risk() const;
  /// Changes reach the disk by themselves: the AOF is on, or there are save points.
  bool durable() const { return append_only || !save_points.empty(); }
};

}  // namespace holdfast::health
