#include "snapshot/cut_runner.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/number.h"
#include "base/thread_scope.h"

namespace holdfast::snapshot {
namespace {

using config::Directive;

/// The log may still be writing the increment before the last one when a rewrite follows the other.
constexpr int64_t kIncrementRetryMicroseconds = 10'000;
constexpr int kIncrementRetries = 500;

}  // namespace

CutRunner::CutRunner(Persistence::Parts const& parts, Persistence::Hooks const& hooks, std::atomic<bool>& busy)
    : parts_(parts),
      hooks_(hooks),
      busy_(busy),
      cut_(parts.keyspace, parts.clock, queue_),
      global_lock_(parts.keyspace),
      thread_([this] {
        ThreadScope const scope("snapshot-file");
        run();
      }) {
  queue_.on_relief([this] {
    if (hooks_.relief) hooks_.relief();
    if (hooks_.work) hooks_.work();
  });
}

void CutRunner::stop() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
    cancelled_up_to_.store(std::numeric_limits<uint64_t>::max(), std::memory_order_release);
  }
  changed_.notify_all();
  queue_.shut_down();
  if (thread_.joinable()) thread_.join();
  queue_.on_relief({});  // what is left of a cut may go after those who would be told
  cut_.abandon();
  global_lock_.abandon();
}

// ---- starting work ----

void CutRunner::run_cut(CutJob const& job, std::function<void(CutResult)> done) {
  run_blocking(job.id, [this, job, done = std::move(done)] { done(execute(job)); });
}

void CutRunner::run_blocking(uint64_t id, std::function<void()> work) {
  {
    MutexLock lock(mutex_);
    CHECK(!work_ && id > job_id_.load(std::memory_order_relaxed));
    job_id_.store(id, std::memory_order_relaxed);
    work_ = std::move(work);
  }
  changed_.notify_all();
}

void CutRunner::run_global(std::function<void()> work, std::function<void()> done) {
  global_work_ = std::move(work);
  global_done_ = std::move(done);
  enter(Phase::kGlobal);
}

void CutRunner::enter(Phase phase) {
  {
    MutexLock lock(mutex_);
    phase_.store(phase, std::memory_order_release);
    busy_.store(true, std::memory_order_relaxed);
  }
  if (hooks_.work) hooks_.work();
}

void CutRunner::cancel(uint64_t id) {
  {
    MutexLock lock(mutex_);
    if (id <= cancelled_up_to_.load(std::memory_order_relaxed)) return;
    cancelled_up_to_.store(id, std::memory_order_release);
    if (cancelled() && phase_.load(std::memory_order_relaxed) == Phase::kWalk) cut_.discard();
  }
  changed_.notify_all();
}

// ---- the workers ----

bool CutRunner::slice(int worker, int64_t budget_us) {
  switch (phase_.load(std::memory_order_acquire)) {
    case Phase::kNone:
      return false;
    case Phase::kBegin:
      return worker == 0 && begin_slice();
    case Phase::kGlobal:
      return worker == 0 && global_slice();
    case Phase::kWalk:
      break;
  }
  bool const again = cut_.walk(worker, budget_us);
  if (!cut_.walked()) return again;
  if (worker == 0) return end_slice();
  if (!end_announced_.exchange(true, std::memory_order_relaxed) && hooks_.work) hooks_.work();
  return false;
}

bool CutRunner::begin_slice() {
  if (cancelled()) {
    cut_.abandon();
    leave_phase();
    queue_.close();
    return false;
  }
  // The log's offset belongs to the same moment as the epoch.
  bool const begun = cut_.try_begin(form_, [this] {
    if (switch_log_) parts_.log.switch_increment();
    if (begin_backlog_) parts_.log.begin_backlog();
    // What follows can be understood by who has nothing but this cut.
    if (payload_) parts_.log.forget_database();
    identity_ = hooks_.identity ? hooks_.identity() : std::nullopt;
    if (payload_) payload_->begin(identity_.value_or(StreamIdentity{}));
    if (parts_.functions) functions_ = parts_.functions->sources();
    if (digests_ && !digests_->begun()) cut_.discard();
  });
  if (!begun) return true;
  end_announced_.store(false, std::memory_order_relaxed);
  keys_total_.store(cut_.facts().keys, std::memory_order_relaxed);
  {
    MutexLock lock(mutex_);
    phase_.store(Phase::kWalk, std::memory_order_release);
    if (cancelled()) cut_.discard();
  }
  if (hooks_.work) hooks_.work();
  return true;
}

bool CutRunner::end_slice() {
  // The phase ends with the locks: the file thread may start the next job as soon as the queue is closed.
  if (!cut_.try_end()) return true;
  leave_phase();
  queue_.close();
  return false;
}

bool CutRunner::global_slice() {
  if (!global_lock_.try_lock()) return true;
  global_work_();
  global_lock_.unlock();
  leave_phase();
  std::exchange(global_done_, nullptr)();
  return false;
}

void CutRunner::leave_phase() {
  MutexLock lock(mutex_);
  phase_.store(Phase::kNone, std::memory_order_release);
  busy_.store(false, std::memory_order_relaxed);
}

// ---- the file thread ----

void CutRunner::run() {
  while (true) {
    std::function<void()> work;
    {
      MutexLock lock(mutex_);
      while (!work_ && !stop_) lock.wait(changed_);
      if (stop_) return;
      work = std::exchange(work_, nullptr);
    }
    work();
  }
}

void CutRunner::wait_us(int64_t microseconds) {
  auto const end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
  MutexLock lock(mutex_);
  while (!cancelled()) {
    auto const left = end - std::chrono::steady_clock::now();
    if (left <= left.zero()) return;
    lock.wait_for(changed_, left);
  }
}

CutResult CutRunner::execute(CutJob const& job) {
  keys_total_.store(0, std::memory_order_relaxed);
  keys_processed_.store(0, std::memory_order_relaxed);
  digests_ = job.digests;
  if (job.destination == CutJob::Destination::kDigests) return execute_digests(job);
  auto file = open(job);
  if (!file) return {.status = std::unexpected(file.error())};
  payload_ = job.payload;
  switch_log_ = job.with_increment;
  begin_backlog_ = payload_ && !parts_.log.backlog().readable();
  if (switch_log_ && parts_.log.state() == log::LogState::kOff && hooks_.log_begins) hooks_.log_begins();
  if (Status prepared = prepare_log(job); !prepared) {
    parts_.logger.warning("Can't create the next AOF increment: %s", prepared.error().message.c_str());
    file->remove();
    return {.status = std::move(prepared), .cancelled = cancelled()};
  }
  if (parts_.config.flag(Directive::kNoAppendfsyncOnRewrite)) parts_.log.set_sync_paused(true);
  queue_.reset(std::max(kCopiedBytesMin, parts_.keyspace.used_bytes() / kCopiedMemoryShare));
  enter(Phase::kBegin);

  Status status = consume(*file, job);
  if (cancelled()) status = fail("cancelled", ECANCELED);
  if (status) status = conclude(*file, job);
  parts_.log.set_sync_paused(false);
  if (!status) {
    {
      LatencyTimer timer(parts_.latency, "rdb-unlink-temp-file");
      file->remove();
    }
    if (job.with_increment) parts_.log.abandon_cut();
    if (begin_backlog_) parts_.log.abandon_backlog();
  }
  return {.status = std::move(status), .cancelled = cancelled(), .dirty = cut_.facts().dirty};
}

/// A cut for no file.
CutResult CutRunner::execute_digests(CutJob const& job) {
  form_ = {.form = RecordForm::kDigest};
  payload_ = nullptr;
  switch_log_ = begin_backlog_ = false;
  functions_ = nullptr;
  queue_.reset();
  enter(Phase::kBegin);
  DigestBuilder builder;
  while (BlockPtr block = queue_.pop()) {
    if (!cancelled()) {
      builder.add(*block);
      pace(block->keys);
    }
    queue_.give_back(std::move(block));
  }
  digests_ = nullptr;
  if (cancelled()) return {.status = fail("cancelled", ECANCELED), .cancelled = true};
  if (functions_) {
    for (std::string const& source : *functions_) builder.add_function(source);
  }
  job.digests->result = builder.result();
  return {};
}

/// What the cut switches the log to.
Status CutRunner::prepare_log(CutJob const& job) {
  if (!job.with_increment && !begin_backlog_) return {};
  for (int retry = 0;; retry++) {
    Status prepared = begin_backlog_ ? parts_.log.prepare_backlog(directory()) : parts_.log.prepare_increment();
    if (prepared || prepared.error().errnum != EBUSY || retry == kIncrementRetries || cancelled()) return prepared;
    wait_us(kIncrementRetryMicroseconds);
  }
}

Result<SnapshotFile> CutRunner::open(CutJob const& job) {
  config::Config const& config = parts_.config;
  bool const aof = job.destination == CutJob::Destination::kAofBase;
  bool const payload = job.destination == CutJob::Destination::kPayload;
  bool const resp = aof && !config.flag(Directive::kAofUseRdbPreamble);
  form_ = {.form = resp ? RecordForm::kResp : RecordForm::kRdb, .compress = config.flag(Directive::kRdbcompression)};
  follow_policy(form_, config.choice<config::MaxmemoryPolicy>(Directive::kMaxmemoryPolicy));
  SnapshotFile::Options const options{.form = form_.form,
                                      .compress = form_.compress,
                                      .checksum = config.flag(Directive::kRdbchecksum),
                                      .incremental_sync = !payload && config.flag(aof ? Directive::kAofRewriteIncrementalFsync
                                                                                      : Directive::kRdbSaveIncrementalFsync),
                                      .transient = payload};
  std::string const pid = to_text(getpid());
  std::string const name = aof       ? "temp-rewriteaof-bg-" + pid + ".aof"
                           : payload ? "temp-payload-" + pid + ".rdb"
                                     : "temp-" + pid + ".rdb";
  auto file = SnapshotFile::create(parts_.disk, directory() + "/" + name, options);
  if (!file) {
    parts_.logger.warning("Failed opening the temp %s file %s (in server root dir %s) for saving: %s",
                          aof ? "AOF" : "RDB", name.c_str(), directory().c_str(), std::strerror(file.error().errnum));
  }
  if (file && payload) {
    if (Status opened = job.payload->open(parts_.disk, file->path()); !opened) return std::unexpected(opened.error());
  }
  return file;
}

Status CutRunner::consume(SnapshotFile& file, CutJob const& job) {
  Status status;
  bool headed = false;
  auto head = [&] {
    headed = true;
    return file.write_header({.unix_seconds = parts_.clock.unix_us() / 1'000'000,
                              .used_memory_bytes = parts_.keyspace.page_bytes(),
                              .aof_base = job.destination == CutJob::Destination::kAofBase,
                              .annotate = parts_.config.flag(Directive::kAofTimestampEnabled),
                              .functions = functions_,
                              .identity = identity_},
                             cut_.facts());
  };
  while (BlockPtr block = queue_.pop()) {
    if (status && !cancelled()) {
      if (!headed) status = head();
      if (status) status = file.write_block(*block);
      // The walk goes on, but only to bring the epochs up to date.
      if (!status) cut_.discard();
      if (status && payload_) payload_->grow(file.bytes());
      keys_processed_.fetch_add(block->keys, std::memory_order_relaxed);
      pace(block->keys);
    }
    queue_.give_back(std::move(block));
  }
  if (status && !headed && !cancelled()) status = head();
  if (!status) {
    parts_.logger.warning("Write error saving DB on disk(rdbSaveRio): %s", std::strerror(status.error().errnum));
  }
  return status;
}

Status CutRunner::conclude(SnapshotFile& file, CutJob const& job) {
  if (Status finished = file.finish(); !finished) {
    parts_.logger.warning("Write error saving DB on disk(%s): %s", file.failed_step(),
                          std::strerror(finished.error().errnum));
    return finished;
  }
  switch (job.destination) {
    case CutJob::Destination::kRdbFile: return move_to_destination(file);
    case CutJob::Destination::kAofBase: return commit_base(file);
    case CutJob::Destination::kPayload: payload_->grow(file.bytes()); break;
    case CutJob::Destination::kDigests: break;
  }
  return {};
}

Status CutRunner::move_to_destination(SnapshotFile& file) {
  std::string const name = parts_.config.text(Directive::kDbfilename);
  std::string const path = directory_of(file.path()) + "/" + name;
  if (Status renamed = parts_.disk.rename(file.path(), path); !renamed) {
    parts_.logger.warning("Error moving temp DB file %s on the final destination %s (in server root dir %s): %s",
                          file.path().c_str() + directory_of(file.path()).size() + 1, name.c_str(),
                          directory_of(file.path()).c_str(), std::strerror(renamed.error().errnum));
    return renamed;
  }
  if (Status synced = parts_.disk.sync_directory(directory_of(file.path())); !synced) {
    parts_.logger.warning("Write error saving DB on disk(fsyncFileDir): %s", std::strerror(synced.error().errnum));
    return synced;
  }
  parts_.logger.notice("DB saved on disk");
  return {};
}

Status CutRunner::commit_base(SnapshotFile& file) {
  parts_.logger.notice("Successfully created the temporary AOF base file %s",
                       file.path().c_str() + directory_of(file.path()).size() + 1);
  parts_.logger.notice("Background AOF rewrite terminated with success");
  Status committed = parts_.log.commit_base(
      file.path(), form_.form == RecordForm::kRdb ? log::BaseFormat::kRdb : log::BaseFormat::kResp);
  if (!committed) {
    parts_.logger.warning("Error installing the new AOF base file: %s", committed.error().message.c_str());
    return committed;
  }
  parts_.logger.notice("Background AOF rewrite finished successfully");
  return {};
}

/// rdb-key-save-delay: microseconds for each key, or, when negative, keys for each microsecond. For tests that need a
/// save to take long.
void CutRunner::pace(uint64_t keys) {
  int64_t const delay = parts_.config.integer(Directive::kRdbKeySaveDelay);
  if (delay == 0) return;
  auto const count = static_cast<int64_t>(keys);
  wait_us(delay > 0 ? count * delay : count / -delay);
}

}  // namespace holdfast::snapshot
