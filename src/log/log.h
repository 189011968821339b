#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "log/aof_directory.h"
#include "log/backlog.h"
#include "log/durability.h"
#include "log/log_writer.h"
#include "log/recovery.h"
#include "log/stream_buffer.h"

namespace holdfast::log {

struct LogOptions {
  /// Config appendfsync.
  FsyncPolicy policy = FsyncPolicy::kEverysec;
  /// Config aof-timestamp-enabled.
  bool annotate = false;
  /// Who appends calls `end_turn` afterwards, so that the writer is woken once for all of a turn and not for its first append.
  bool appends_in_turns = false;
  /// Offset of the first byte that will be appended.
  uint64_t start_offset = 0;
  WriterTiming timing = {};
  /// Told about writes, fsyncs and renames that take long; outlives the log.
  LatencyMonitor* latency = nullptr;
};

enum class LogState : uint8_t {
  kOff,
  kOn,
  /// Being switched on at run time: appends go to a temporary increment until the first base is committed.
  kWaitBase,
};

/// For INFO persistence; bytes.
struct LogSizes {
  uint64_t current_bytes = 0;  ///< aof_current_size: base and increments
  uint64_t base_bytes = 0;     ///< aof_base_size: what automatic rewrites compare with
  uint64_t buffer_bytes = 0;   ///< aof_buffer_length
  uint64_t pending_syncs = 0;  ///< aof_pending_bio_fsync
  uint64_t delayed_syncs = 0;  ///< aof_delayed_fsync
};

/// The log: one totally ordered stream of RESP commands with 64-bit offsets, kept in the increments of a multi-part
/// AOF.
///
///   workers --append--> StreamBuffer --> LogWriter (thread) --> IncrementFile + index --> FsyncThread --> Durability
///                                            ^ marks: "file ends here"
///   the owner of the cut --prepare, switch, commit--> AofDirectory (manifest)
///
/// Who may call what:
///  - append*, active, the offsets, status, sizes, over_limit, set_*: any thread. Appends come from under partition
///  locks.
///  - start, prepare_increment, commit_base, abandon_cut, shutdown: the owner of the cut, one thread at a time, under
///  no
///    locks; they do I/O.
///  - switch_increment, turn_off, restart_stream: the owner too, inside a global transaction; microseconds, no I/O.
///  - on_*: before the first start or prepare_increment. Listeners run on the log's threads without locks, and only
///  mail.
class Log {
 public:
  /// The references outlive the log. `directory` belongs to the log from here on.
  Log(AofDirectory& directory, Clock const& clock, LogOptions options);
  ~Log();

  // ---- the stream

  /// False: nobody wants what this server writes by itself (no AOF and no backlog, or it follows a primary): do not append.
  /// One relaxed load.
  bool active() const { return active_.load(std::memory_order_relaxed); }
  /// Appends `command_count` whole commands for database `db` as one unit. Returns the stream offset after it.
  uint64_t append(int db, std::string_view resp, uint32_t command_count);
  /// The same for effects on several databases.
  uint64_t append_unit(std::span<Effect const> effects);

  /// Appends a piece of the stream of the primary that this server follows; see StreamBuffer::append_verbatim.
  uint64_t append_verbatim(std::string_view bytes, int db);
  /// Appends a command that speaks of no data to our own stream: PING, REPLCONF GETACK.
  void append_control(std::string_view bytes);
  /// From here on the stream is that of a primary, and what commits append is dropped; or it is our own (again). In a global
  /// transaction.
  void set_following(bool following);
  /// The next unit selects its database. Returns the offset. In a global transaction.
  uint64_t forget_database() { return buffer_.forget_database(); }
  /// The database that is selected at the end of the stream.
  int selected_database() { return buffer_.selected_database(); }

  /// Wakes the writer if the appends of this turn ask for it. Any thread; see LogOptions::appends_in_turns.
  void end_turn() {
    if (wake_due_.load(std::memory_order_relaxed) && wake_due_.exchange(false, std::memory_order_relaxed)) writer_.wake();
  }

  uint64_t appended_offset() const { return buffer_.end_offset(); }
  uint64_t written_offset() const { return writer_.written_offset(); }
  /// With policy `always`, a reply may be sent when this has reached the offset of its own append and the last offset
  /// of each partition it has read. Does not move while an fsync has failed.
  uint64_t durable_offset() const { return durability_.durable_offset(); }
  /// With another policy: what has been appended is written by the caller if nobody else is at it, so that a reply speaks only
  /// of what the end of this process does not lose. False: on_written will tell. See LogWriter::write_up_to.
  bool write_up_to(uint64_t offset) { return writer_.write_up_to(offset); }
  void on_durable(Durability::Listener listener) { durability_.add_listener(std::move(listener)); }
  void on_written(LogWriter::OffsetListener listener) { writer_.add_written_listener(std::move(listener)); }

  /// More is pending than memory is meant for: hold writers back, and ask again in a moment.
  bool over_limit() const { return buffer_.pending_bytes() > kPendingBytesMax; }

  // ---- files

  /// The end of a start with appendonly yes, after `plan` has been loaded: continues the last increment, or begins the
  /// first one, and deletes history files. Where the plan had no files, call commit_base with an empty base before.
  /// `with_backlog`: what the increments have of the stream can be read by replicas.
  Status start(RecoveryPlan const& plan, bool with_backlog = false);

  /// First step of a cut. On: creates the next increment and names it in the manifest. Off: creates the temporary
  /// increment with which AOF is switched on. After a failure nothing has changed. EBUSY when
  /// the writer cannot finish the increment before the last one.
  Status prepare_increment();
  /// Second step: the increment ends here, the prepared one takes over. Returns the offset of the cut.
  uint64_t switch_increment();
  /// Last step: `temp_path` (same file system, written and fsynced) holds everything up to the cut and becomes the
  /// base. Base and increments before the cut are deleted. Without a cut, while off: just a new base without increment
  /// (`on_start` at a start, else BGREWRITEAOF with appendonly no). After a failure the cut is still open: abandon it.
  Status commit_base(std::string const& temp_path, BaseFormat format, bool on_start = false);
  /// Gives the cut up, wherever it is. What was switched on by it is off again.
  void abandon_cut();

  // ---- the backlog, for replicas

  Backlog& backlog() { return backlog_; }
  Backlog const& backlog() const { return backlog_; }
  /// First step towards a stream that can be read: the next increment, or with appendonly no a file without a name, is created
  /// in `directory`. EBUSY as prepare_increment.
  Status prepare_backlog(std::string const& directory);
  /// Second step: what follows is in the backlog. Returns the offset. In a global transaction.
  uint64_t begin_backlog();
  /// After a failure between the steps.
  void abandon_backlog();
  /// Nothing is kept for replicas any more. In a global transaction.
  void end_backlog();
  /// The file without a name is replaced by a fresh one when it has more than `bytes`, and what is older than `keep_bytes` is
  /// forgotten.
  Status tend_backlog(std::string const& directory, uint64_t bytes, uint64_t keep_bytes);

  /// CONFIG SET appendonly no: nothing is appended any more. The writer finishes the file, fsyncs and closes it; a
  /// write error is not tried again. Replies that wait for durable_offset are released. Abandon an open cut before.
  void turn_off();
  /// The stream continues at `offset`, where `db` is selected (after a full synchronization). Only while off and finished (see
  /// idle()).
  void restart_stream(uint64_t offset, int db = 0);
  /// The writer has nothing to do and no file change is under way.
  bool idle() const;

  /// Writes and fsyncs everything and ends the threads. Fails when something could not be made safe. Idempotent.
  Status shutdown();

  // ---- settings and figures

  LogState state() const { return state_.load(std::memory_order_acquire); }
  FsyncPolicy policy() const { return writer_.policy(); }
  void set_policy(FsyncPolicy policy) { writer_.set_policy(policy); }
  void set_annotate(bool annotate) { annotate_.store(annotate, std::memory_order_relaxed); }
  /// no-appendfsync-on-rewrite while a cut is under way. Only everysec heeds it: `always` keeps its promise.
  void set_sync_paused(bool paused) { writer_.set_sync_paused(paused); }
  LogStatus status() const { return writer_.status(); }
  LogSizes sizes() const;
  /// CONFIG RESETSTAT.
  void reset_delayed_syncs() { writer_.reset_delayed_syncs(); }

 private:
  /// A cut under way. Only the owner of the cut looks at it.
  struct Cut {
    /// The increment that begins with it. Seq 0 and a temporary name while AOF is being switched on.
    ManifestFile increment;
    /// Set until the switch.
    std::shared_ptr<IncrementFile> file;
    uint64_t offset = 0;
    uint64_t generation = 0;
    bool switched = false;
    bool turns_on = false;
  };

  void ensure_started();
  void begin_backlog_with(RecoveryPlan const& plan);
  Status prepare_next();
  Status prepare_temporary();
  Status prepare_spill(std::string const& directory);
  void switch_to(std::shared_ptr<IncrementFile> file);
  void update_active();
  void install_index(std::string const& temp_path, ManifestFile const& base);
  Status install(Manifest& changed, std::string const& temp_path, BaseFormat format, bool on_start);
  void note_sizes_after_commit(std::string const& base_path);

  AofDirectory& directory_;
  Clock const& clock_;
  Logger& logger_;
  StreamBuffer buffer_;
  Durability durability_;
  Backlog backlog_;
  LogWriter writer_;
  std::atomic<bool> active_{false};
  std::atomic<bool> annotate_;
  bool const appends_in_turns_;
  std::atomic<bool> wake_due_{false};
  std::atomic<LogState> state_{LogState::kOff};
  std::atomic<uint64_t> rewrite_base_bytes_{0};
  LatencyMonitor* latency_;
  std::optional<Cut> cut_;
  /// With a backlog and no AOF, the file that takes the stream next. Only the owner of the cut looks at it.
  std::shared_ptr<IncrementFile> next_spill_;
  bool following_ = false;  // changes in global transactions
};

}  // namespace holdfast::log
