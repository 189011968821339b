#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/latency_monitor.h"
#include "base/logger.h"
#include "base/result.h"
#include "config/config.h"
#include "disk/disk.h"
#include "keyspace/keyspace.h"
#include "log/log.h"
#include "snapshot/digest_order.h"
#include "snapshot/function_store.h"
#include "snapshot/loader.h"
#include "snapshot/payload.h"

namespace holdfast::snapshot {

/// Figures of INFO persistence.
struct PersistenceInfo {
  bool loading = false;
  int64_t loading_start_s = 0;
  uint64_t loading_total_bytes = 0;
  uint64_t loading_loaded_bytes = 0;
  std::optional<int64_t> loading_seconds_left;
  uint64_t loaded_keys = 0;
  uint64_t load_expired_keys = 0;
  bool saving = false;      ///< BGSAVE or SAVE is running
  int64_t last_save_s = 0;  ///< Unix seconds of the last successful save
  bool last_save_ok = true;
  int64_t last_save_duration_s = -1;
  int64_t current_save_duration_s = -1;
  uint64_t saves = 0;  ///< successful saves since start
  uint64_t current_keys_processed = 0;
  uint64_t current_keys_total = 0;
  uint64_t changes_since_save = 0;
  bool rewriting = false;
  bool rewrite_scheduled = false;
  int64_t last_rewrite_duration_s = -1;
  int64_t current_rewrite_duration_s = -1;
  bool last_rewrite_ok = true;
  uint64_t rewrites = 0;
  uint64_t rewrite_consecutive_failures = 0;
  bool save_scheduled = false;
};

/// Saving and loading: every cut of the key space goes through here (BGSAVE, SAVE, BGREWRITEAOF, switching the AOF on,
/// the final save of SHUTDOWN, DEBUG RELOAD).
///
/// Requests may come from any worker and only note what is wanted; the cut is begun, walked and ended by the workers in
/// `slice`, and one thread of its own writes the file and does everything else that may block. One job runs at a time:
///
///   request -> [file thread] open file, prepare the increment -> [worker 0] begin -> [workers] walk -> [worker 0] end
///           -> [file thread] fsync, rename or commit the base
class Persistence {
 public:
  struct Parts {
    Clock const& clock;
    Logger& logger;
    config::Config& config;
    Keyspace& keyspace;
    log::Log& log;
    Disk& disk;
    LatencyMonitor* latency = nullptr;  ///< told when deleting a temporary file takes long
    FunctionStore* functions = nullptr;  ///< null: there are none, and files that have some are refused
  };

  /// What the server does for us. Called from any thread without locks of ours; must only mail.
  struct Hooks {
    /// There is work for `slice`: wake the loops.
    std::function<void()> work;
    /// `congested` has ended: writers that the gate holds back may go on.
    std::function<void()> relief;
    /// A new way to run the commands of an AOF, for one thread that owns the key space (DEBUG LOADAOF).
    std::function<ReplayCommand()> make_replay;
    /// What was loaded at the start belongs to this place in a history; of an AOF the id is not known here (empty). Called
    /// before anybody may write.
    std::function<void(StreamIdentity const&)> restored;
    /// The present place in the history of writes, which a snapshot notes; nothing when nobody could go on from it. Called in a
    /// global transaction.
    std::function<std::optional<StreamIdentity>()> identity;
    /// The stream goes on without being written anywhere: nobody can go on from what they have of it. In a global transaction.
    std::function<void()> stream_ended;
    /// The AOF is about to be switched on: what is on the disk will be replaced. On a thread that may block.
    std::function<void()> log_begins;
    /// A cut has ended: if the AOF is on, its files are all there. Likewise.
    std::function<void()> cut_ended;
  };

  enum class Request : uint8_t {
    kStarted,
    kScheduled,
    kSaveRunning,     ///< a save is running or about to
    kRewriteRunning,  ///< a rewrite is running
    kFailed,          ///< loading
  };

  explicit Persistence(Parts parts);
  /// The workers have stopped. A snapshot that is not finished is given up.
  ~Persistence();

  /// Set before the workers start.
  void set_hooks(Hooks hooks);

  // ---- requests of commands, any worker
  // ----------------------------------------------------------------------------------

  /// BGSAVE. With `schedule`, waits for a running rewrite instead of being refused.
  Request background_save(bool schedule);
  /// SAVE and the final save of SHUTDOWN: as background_save, for a caller that will ask `save_result` of this ticket.
  /// It waits for a running rewrite, or for what `cancel` ends. nullopt: a save is running already.
  std::optional<uint64_t> foreground_save();
  /// Empty while that save (or reload) is not finished; else how it ended. Kept for the last few tickets.
  std::optional<Status> save_result(uint64_t ticket);
  /// BGREWRITEAOF; starts at once or as soon as the running save has ended.
  Request background_rewrite();
  /// CONFIG SET appendonly. The switch happens in the background: on with the first base, off within milliseconds.
  Status set_append_only(bool on);
  /// Cancels what runs and what is scheduled (SHUTDOWN). The temporary file is removed. The status of the last save
  /// stays.
  void cancel();

  /// DEBUG RELOAD after its save, and DEBUG LOADAOF: empties the key space (unless `keep`) and loads dump.rdb or what the
  /// AOF has, while `loading` is true and all partitions are locked. The result is asked of `save_result`. nullopt: a job is running, try again. Not inside
  /// EXEC, which holds the locks that the reload waits for.
  struct Reload {
    bool keep = false;     ///< NOFLUSH
    bool replace = false;  ///< MERGE
    /// The AOF, which must be on, and not dump.rdb; `keep` and `replace` are without meaning.
    bool append_only = false;
  };
  std::optional<uint64_t> start_reload(Reload reload);

  /// A cut for replicas; from it on the log is in the backlog. The payload tells how it goes.
  void send_dataset(std::shared_ptr<Payload> payload);
  /// The file of a primary's data set takes the place of all data: the AOF is turned off before and begins anew afterwards, the
  /// stream goes on at `at`, in the backlog. `before` and `after` run while all partitions are locked, `after` only when it went
  /// well. The result is asked of `save_result`.
  struct Adoption {
    std::string path;
    StreamIdentity at;
    std::function<void()> before;
    std::function<void(int db)> after;  ///< with the database that is selected in the stream
  };
  uint64_t adopt_dataset(Adoption adoption);
  /// A data set without keys, and with the functions if asked for. Any thread.
  std::string rdb_without_keys(bool functions) const;
  /// From some moment on the log is in the backlog. The result is asked of `save_result`.
  uint64_t begin_backlog();
  /// Nothing is kept for replicas any more.
  void end_backlog();
  /// Digests of all keys. With `at_once` earlier orders are given up, and while another cut is under way or waits nothing
  /// happens: false.
  bool make_digests(std::shared_ptr<DigestOrder> order, bool at_once);
  PersistenceInfo info();
  /// CONFIG RESETSTAT: counts of saves and rewrites.
  void reset_figures();
  /// Nothing runs, not even the end of what was cancelled.
  bool idle();
  /// True while write commands must be refused with MISCONF because saving fails (stop-writes-on-bgsave-error).
  bool refuse_writes() const { return refuse_writes_.load(std::memory_order_relaxed); }
  bool loading() const { return loading_.load(std::memory_order_acquire); }
  /// The disk is slower than the snapshot: the gate holds write commands back until the relief hook. One relaxed load.
  bool congested() const;

  // ---- the start of the server
  // -------------------------------------------------------------------------------------------

  struct StartLoad {
    /// Needed with appendonly yes; the one of the log.
    log::AofDirectory* directory = nullptr;
    ReplayCommand replay;
    /// Threads that insert besides the calling one.
    int inserters = 1;
    /// The AOF belongs to a history that somebody may go on from: its end is told to `restored`, and what it has of the stream
    /// is the backlog.
    bool resume = false;
    /// The stream is that of a primary.
    bool following = false;
    /// Unix ms; nothing: it may have crashed at any time.
    int64_t machine_up_since_ms = INT64_MAX;
  };
  struct StartLoaded {
    uint64_t keys = 0;
    uint64_t expired = 0;
    uint64_t commands = 0;
    int64_t duration_us = 0;
    bool from_append_only = false;
    bool found_nothing = false;
    /// Of the RDB file that was loaded; of an AOF, without the id.
    std::optional<StreamIdentity> identity = std::nullopt;
  };
  /// From now on `loading` is true: the workers may start before the load.
  void expect_load() { loading_.store(true, std::memory_order_release); }
  /// Loads what the configuration says (AOF or dump.rdb), and with appendonly yes continues the log: its stream offset,
  /// its first base, its increment. Blocks; on the thread of the caller. Log lines are written; after a failure the key
  /// space is empty and the process should exit.
  Result<StartLoaded> load_at_start(StartLoad const& start);

  // ---- driven by the server
  // ----------------------------------------------------------------------------------------------

  /// A piece of the running cut, at most `budget_us`. Called by every worker once a loop turn. True: call again soon.
  bool slice(int worker, int64_t budget_us);
  /// True when there is a cut to work on: one relaxed load.
  bool busy() const { return busy_.load(std::memory_order_relaxed); }
  /// Save points, scheduled requests, automatic rewrites. Called about ten times a second by one worker.
  void tick();
  /// Ends the thread; the log may be shut down after it. Idempotent. The workers have stopped.
  void stop();

 private:
  class Impl;
  std::atomic<bool> refuse_writes_{false};
  std::atomic<bool> loading_{false};
  std::atomic<bool> busy_{false};
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::snapshot
