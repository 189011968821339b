#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/latency_monitor.h"
#include "base/logger.h"
#include "base/mutex.h"
#include "log/backlog.h"
#include "log/durability.h"
#include "log/fsync_thread.h"
#include "log/increment_file.h"
#include "log/stream_buffer.h"
#include "log/wake_signal.h"

namespace holdfast::log {

enum class FsyncPolicy : uint8_t { kAlways, kEverysec, kNo };

/// Intervals of the writer, microseconds. Only tests have a reason to change them.
struct WriterTiming {
  /// Without `always` the writer gathers for this long between two writes: one write call for many commands, and
  /// workers need not wake it for each.
  int64_t gather_us = 1000;
  /// everysec.
  int64_t sync_interval_us = 1'000'000;
  /// A failed write is tried again after this.
  int64_t retry_us = 1'000'000;
};

enum class LogHealth : uint8_t {
  kOk,
  kWriteError,   ///< the last write failed; tried again each second, a success clears it
  kFsyncFailed,  ///< nothing more becomes durable until a new base is committed
};

struct LogStatus {
  LogHealth kind = LogHealth::kOk;
  int errnum = 0;
  /// strerror of `errnum`.
  std::string text;
  bool ok() const { return kind == LogHealth::kOk; }
};

/// The log writer thread: takes batches from the StreamBuffer, writes them to the increment in force, and has them
/// fsynced by policy. Log decides which file that is; this class moves from one to the next at the marks in the stream.
class LogWriter {
 public:
  using OffsetListener = std::function<void(uint64_t)>;

  /// The references outlive the writer.
  LogWriter(Clock const& clock, Logger& logger, StreamBuffer& buffer, Durability& durability, Backlog& backlog,
            FsyncPolicy policy, WriterTiming timing);
  ~LogWriter();

  /// Before start only. Told about writes and fsyncs that take long; outlives the writer.
  void set_latency_monitor(LatencyMonitor* monitor) { latency_ = monitor; }
  /// Before start only. Called by who writes (mostly the writer thread); may only mail.
  void add_written_listener(OffsetListener listener) { written_listeners_.push_back(std::move(listener)); }

  /// Begins the threads; once.
  void start();
  bool started() const { return thread_.joinable(); }
  /// Writes and fsyncs everything, ends the threads. A write that fails now is not tried again. False when bytes are
  /// not safe on disk.
  bool stop();

  /// Announces the file that follows the next end-of-file mark of the stream; null: none, and from here on a write that
  /// fails is given up. Call before StreamBuffer::end_file. Returns the generation of the file.
  uint64_t announce_file(std::shared_ptr<IncrementFile> file) EXCLUDES(mutex_);
  /// Files announced and not in force yet.
  size_t announced() const EXCLUDES(mutex_);
  /// Waits until there are none, but no longer than `limit_us`; true when there are none.
  bool wait_announced(int64_t limit_us) EXCLUDES(mutex_);
  /// Batches that end at or before `offset` need not be written any more: a base has what they say.
  void discard_up_to(uint64_t offset);
  void wake() { wake_.notify(); }

  FsyncPolicy policy() const { return policy_.load(std::memory_order_relaxed); }
  /// Any thread. What is written and not synced yet is synced once, so that nobody waits for an fsync that the new
  /// policy would not do.
  void set_policy(FsyncPolicy policy);
  /// Stops the fsyncs of everysec for a while (config no-appendfsync-on-rewrite). `always` keeps its promise.
  void set_sync_paused(bool paused) { sync_paused_.store(paused, std::memory_order_relaxed); }

  /// Any thread, under no locks, with another policy than `always`: writes what has been appended, unless someone else is at
  /// it or the disk is busy. True when the file holds the stream up to `offset`, or cannot be written now (status()); false:
  /// it will soon, and the written listeners are told.
  bool write_up_to(uint64_t offset) EXCLUDES(role_);
  bool write_failing() const { return write_failing_.load(std::memory_order_acquire); }

  /// Any thread, as all below. Stream offset up to which the files have been written.
  uint64_t written_offset() const { return written_offset_.load(std::memory_order_acquire); }
  /// The stream continues elsewhere. Only while there is no file and nothing is pending.
  void restart(uint64_t offset);
  LogStatus status() const EXCLUDES(mutex_);
  uint64_t generation() const { return generation_.load(std::memory_order_relaxed); }
  /// Bytes of the file in force.
  uint64_t file_bytes() const EXCLUDES(mutex_);
  /// Bytes of the files that `generation()` replaced.
  uint64_t finished_bytes() const { return finished_bytes_.load(std::memory_order_relaxed); }
  /// Counts the files before `first_generation` as `bytes` from now on (a new base has replaced them).
  void set_finished_bytes(uint64_t first_generation, uint64_t bytes);
  uint64_t pending_syncs() const { return syncer_.pending(); }
  uint64_t delayed_syncs() const { return delayed_syncs_.load(std::memory_order_relaxed); }
  void reset_delayed_syncs() { delayed_syncs_.store(0, std::memory_order_relaxed); }

 private:
  struct Order {
    std::shared_ptr<IncrementFile> file;
    uint64_t generation;
  };

  enum class Next : uint8_t { kAgain, kSleep, kEnd };

  void loop() EXCLUDES(role_);
  Next turn(std::optional<int64_t>& sleep) REQUIRES(role_);
  bool handle(Batch& batch) REQUIRES(role_);
  bool write(Batch const& batch) REQUIRES(role_);
  bool write_spill(Batch const& batch) REQUIRES(role_);
  void note_write_error(Error const& error) REQUIRES(role_);
  void clear_write_error() REQUIRES(role_);
  void finish_batch() REQUIRES(role_);
  void next_file(uint64_t offset) REQUIRES(role_);
  void sync_if_due() REQUIRES(role_);
  void sync_now(bool wait) REQUIRES(role_);
  void count_delay() REQUIRES(role_);
  bool unsynced() const REQUIRES(role_);
  bool giving_up() const { return give_up_.load(std::memory_order_acquire) || stop_.load(std::memory_order_acquire); }
  std::optional<int64_t> sleep_us() const REQUIRES(role_);
  void finish() REQUIRES(role_);

  Clock const& clock_;
  Logger& logger_;
  StreamBuffer& buffer_;
  Durability& durability_;
  Backlog& backlog_;
  WriterTiming const timing_;
  LatencyMonitor* latency_ = nullptr;
  std::vector<OffsetListener> written_listeners_;
  WakeSignal wake_;
  FsyncThread syncer_;

  mutable Mutex mutex_;
  std::deque<Order> orders_ GUARDED_BY(mutex_);
  std::condition_variable orders_changed_;
  uint64_t last_generation_ GUARDED_BY(mutex_) = 0;
  /// For readers of sizes; the writer thread uses file_.
  std::shared_ptr<IncrementFile> shown_file_ GUARDED_BY(mutex_);
  int write_errnum_ GUARDED_BY(mutex_) = 0;
  uint64_t first_counted_generation_ GUARDED_BY(mutex_) = 0;

  std::atomic<FsyncPolicy> policy_;
  std::atomic<bool> sync_paused_{false};
  std::atomic<bool> sync_requested_{false};
  std::atomic<bool> stop_{false};
  std::atomic<bool> give_up_{false};
  std::atomic<bool> write_failing_{false};
  std::atomic<uint64_t> discard_up_to_{0};
  std::atomic<uint64_t> written_offset_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<uint64_t> finished_bytes_{0};
  std::atomic<uint64_t> delayed_syncs_{0};

  /// Who holds it writes: the writer thread while it works, or a worker that writes what its replies speak of. Not a leaf:
  /// held during writes, so workers only try it. (Under `always` the writer holds it during the fsync as well.)
  Mutex role_;
  Batch batch_ GUARDED_BY(role_);  // taken and not written yet
  bool have_batch_ GUARDED_BY(role_) = false;
  /// Workers have written since the writer thread last looked.
  bool workers_write_ GUARDED_BY(role_) = false;
  std::shared_ptr<IncrementFile> file_ GUARDED_BY(role_);
  /// Of the batch being written: bytes that the file keeps of a failed attempt.
  uint64_t bytes_done_ GUARDED_BY(role_) = 0;
  uint64_t sync_begun_offset_ GUARDED_BY(role_);
  int64_t last_sync_us_ GUARDED_BY(role_) = 0;
  int64_t last_delay_us_ GUARDED_BY(role_) = 0;
  int64_t retry_at_us_ GUARDED_BY(role_) = 0;
  int64_t last_error_line_us_ GUARDED_BY(role_) = 0;
  bool lost_bytes_ GUARDED_BY(role_) = false;
  bool spill_failed_ GUARDED_BY(role_) = false;
  std::thread thread_;
};

}  // namespace holdfast::log
