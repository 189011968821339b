#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "snapshot/cut.h"
#include "snapshot/digest_order.h"
#include "snapshot/payload.h"
#include "snapshot/persistence.h"
#include "snapshot/snapshot_file.h"

namespace holdfast::snapshot {

/// A snapshot to be made.
struct CutJob {
  /// Grows from job to job.
  uint64_t id = 0;
  enum class Destination : uint8_t { kRdbFile, kAofBase, kPayload, kDigests };
  Destination destination = Destination::kRdbFile;
  /// BGSAVE and rewrites say in the log that they start and how they end.
  bool background = true;
  /// kAofBase: the log goes on in a new increment from the cut on. False with appendonly no: a base only.
  bool with_increment = false;
  /// Of kPayload.
  std::shared_ptr<Payload> payload = nullptr;
  /// Of kDigests.
  std::shared_ptr<DigestOrder> digests = nullptr;
};

struct CutResult {
  Status status;
  bool cancelled = false;
  /// Partition::dirty of all partitions at the cut.
  uint64_t dirty = 0;
};

/// Runs one job at a time with the workers (`slice`) and the file thread. The file thread also takes other work that
/// blocks.
class CutRunner {
 public:
  /// `busy` is true while `slice` has something to do.
  CutRunner(Persistence::Parts const& parts, Persistence::Hooks const& hooks, std::atomic<bool>& busy);
  ~CutRunner() { stop(); }

  // One of these at a time; `done` runs on the file thread (of run_global: on worker 0) and may start the next.

  void run_cut(CutJob const& job, std::function<void(CutResult)> done);
  /// `work` on the file thread.
  void run_blocking(uint64_t id, std::function<void()> work);
  /// `work` in a global transaction of worker 0.
  void run_global(std::function<void()> work, std::function<void()> done);

  /// That job, under way or about to be run, ends soon and without result.
  void cancel(uint64_t id) EXCLUDES(mutex_);
  bool slice(int worker, int64_t budget_us);
  void stop() EXCLUDES(mutex_);

  /// For work on the file thread: waits a little, less when the process ends.
  void pause_us(int64_t microseconds) { wait_us(microseconds); }

  bool congested() const { return queue_.congested(); }
  uint64_t keys_total() const { return keys_total_.load(std::memory_order_relaxed); }
  uint64_t keys_processed() const { return keys_processed_.load(std::memory_order_relaxed); }
  size_t queue_peak_bytes() const { return queue_.peak_bytes(); }

 private:
  enum class Phase : uint8_t { kNone, kBegin, kWalk, kGlobal };

  // The file thread.
  void run();
  CutResult execute(CutJob const& job);
  CutResult execute_digests(CutJob const& job);
  Status prepare_log(CutJob const& job);
  Result<SnapshotFile> open(CutJob const& job);
  Status consume(SnapshotFile& file, CutJob const& job);
  Status conclude(SnapshotFile& file, CutJob const& job);
  Status move_to_destination(SnapshotFile& file);
  Status commit_base(SnapshotFile& file);
  void pace(uint64_t keys);
  /// Waits, but not longer than until the cut is cancelled.
  void wait_us(int64_t microseconds) EXCLUDES(mutex_);
  void enter(Phase phase) EXCLUDES(mutex_);

  // Worker 0.
  bool begin_slice();
  bool end_slice();
  bool global_slice();
  void leave_phase() EXCLUDES(mutex_);

  bool cancelled() const {
    return cancelled_up_to_.load(std::memory_order_acquire) >= job_id_.load(std::memory_order_relaxed);
  }
  std::string directory() const { return parts_.config.text(config::Directive::kDir); }

  Persistence::Parts parts_;
  Persistence::Hooks const& hooks_;
  std::atomic<bool>& busy_;
  BlockQueue queue_;
  Cut cut_;
  GlobalLock global_lock_;  // worker 0

  std::atomic<Phase> phase_{Phase::kNone};
  std::atomic<uint64_t> job_id_{0};
  /// Jobs up to this id are cancelled.
  std::atomic<uint64_t> cancelled_up_to_{0};
  std::atomic<bool> end_announced_{false};
  std::atomic<uint64_t> keys_total_{0};
  std::atomic<uint64_t> keys_processed_{0};
  SaveForm form_;            // of the job; written before kBegin
  FunctionStore::Sources functions_;  // at the cut; written before kWalk
  std::optional<StreamIdentity> identity_;  // likewise
  bool switch_log_ = false;     // written before kBegin
  bool begin_backlog_ = false;  // likewise
  std::shared_ptr<Payload> payload_;  // likewise
  std::shared_ptr<DigestOrder> digests_;  // likewise

  // Of run_global; written before kGlobal.
  std::function<void()> global_work_;
  std::function<void()> global_done_;

  Mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> work_ GUARDED_BY(mutex_);
  bool stop_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace holdfast::snapshot
