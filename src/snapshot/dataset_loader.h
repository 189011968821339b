#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "snapshot/loader.h"
#include "snapshot/persistence.h"

namespace holdfast::snapshot {

/// The loads of Persistence: which file, how it is announced, what happens when it is damaged. Used by one thread at a time,
/// while `loading` is true; the figures may be read by any.
class DatasetLoader {
 public:
  /// `loading` is the flag that workers look at; it outlives the loader.
  DatasetLoader(Persistence::Parts const& parts, std::atomic<bool>& loading) : parts_(parts), loading_(loading) {}

  /// Sets `loading`, and the figures to nothing. Whoever calls it ends the loading.
  void begin();
  /// dump.rdb or the AOF, as the configuration says; with appendonly yes the log goes on. A failure leaves the key space empty.
  Result<Persistence::StartLoaded> load_at_start(Persistence::StartLoad const& start);
  /// DEBUG RELOAD and DEBUG LOADAOF: the caller holds all partitions. A failure leaves the key space empty, but for what
  /// can be known before anything is changed.
  Status reload_dump(Persistence::Reload const& reload);
  /// The file, of a primary, replaces everything. Keys that have expired are kept: the primary deletes them.
  Result<LoadedRdb> adopt_dump(std::string const& path);
  Status reload_append_only(ReplayCommand const& replay);

  LoadProgress const& progress() const { return progress_; }
  int64_t start_s() const { return start_s_.load(std::memory_order_relaxed); }

 private:
  int64_t now_s() const { return parts_.clock.unix_us() / 1'000'000; }
  int64_t mono_us() const { return parts_.clock.monotonic_us(); }
  LoadParts load_parts() {
    return {parts_.clock, parts_.logger, parts_.disk, parts_.keyspace, progress_, parts_.functions};
  }
  LoadOptions load_options(int inserters) const;
  std::string rdb_path() const;
  /// All keys and functions.
  void empty_dataset();
  void note_rdb_size();

  Status load_append_only_file(Persistence::StartLoad const& start, Persistence::StartLoaded& loaded);
  Status load_dump(Persistence::StartLoad const& start, Persistence::StartLoaded& loaded);
  Status continue_log(LoadedAof const& aof, Persistence::StartLoad const& start);
  Status write_first_base();

  Persistence::Parts parts_;
  std::atomic<bool>& loading_;
  LoadProgress progress_;
  std::atomic<int64_t> start_s_{0};
};

}  // namespace holdfast::snapshot
