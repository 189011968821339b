#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/logger.h"
#include "base/result.h"
#include "disk/disk.h"
#include "keyspace/keyspace.h"
#include "log/aof_directory.h"
#include "log/recovery.h"
#include "snapshot/function_store.h"
#include "snapshot/load_progress.h"
#include "snapshot/payload.h"

namespace holdfast::snapshot {

/// What a load works with. Nobody else touches the key space while it runs: the workers answer LOADING, or the caller
/// holds every partition.
struct LoadParts {
  Clock const& clock;
  Logger& logger;
  Disk& disk;
  Keyspace& keyspace;
  LoadProgress& progress;
  FunctionStore* functions = nullptr;
};

struct LoadOptions {
  /// Threads that insert, besides the one that reads.
  int inserters = 1;
  bool check_crc = true;
  /// Keys that have expired are kept (AOF, replicas) instead of dropped.
  bool keep_expired = false;
  /// Unix ms. What was written since then has not seen the machine crash.
  int64_t machine_up_since_ms = INT64_MAX;
  /// A key that is there already is replaced (DEBUG RELOAD MERGE) instead of fatal.
  bool replace = false;
};

struct LoadedRdb {
  uint64_t keys = 0;
  uint64_t expired = 0;
  /// Length of the RDB in the file; what follows is the tail of an AOF.
  uint64_t bytes = 0;
  /// Where the stream of writes went on, if it says so.
  std::optional<StreamIdentity> identity = std::nullopt;
};

/// Loads the RDB at the beginning of `path`. All log lines are written. After a failure the key space may be half
/// loaded: the caller empties it. The error of a missing file has ENOENT.
Result<LoadedRdb> load_rdb(LoadParts const& parts, std::string const& path, LoadOptions const& options);

/// Takes all keys out of the key space and frees them in the background. The caller owns the partitions.
void empty_keyspace(Keyspace& keyspace);

/// Runs one command of an AOF. What is between MULTI and EXEC comes, with them, only when it is complete. Errors that a
/// client would be told are not failures; a failure ends the load. An empty message says that there is no such command.
using ReplayCommand = std::function<Status(std::span<std::string_view const> command)>;

struct LoadedAof {
  log::RecoveryPlan plan;
  uint64_t commands = 0;
  /// Offset of the stream at the end of the last increment, when its index tells.
  std::optional<uint64_t> stream_offset;
  /// The database that is selected at the end.
  int db = 0;
};

/// Loads what the manifest names: base, then increments. Truncates the tail of the last file where `load_truncated`
/// allows. No key expires meanwhile. All log lines are written.
Result<LoadedAof> load_append_only(LoadParts const& parts, log::AofDirectory& directory, LoadOptions const& options,
                                   bool load_truncated, ReplayCommand const& replay);

}  // namespace holdfast::snapshot
