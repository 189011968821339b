#include "log/log_writer.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/prompt_thread.h"
#include "base/thread_scope.h"

namespace holdfast::log {
namespace {

/// An fsync that runs longer than this while there is more to write is counted in aof_delayed_fsync.
constexpr int64_t kDelayedSyncUs = 2'000'000;
/// The writer thread looks for bytes this often while workers write themselves.
constexpr int64_t kBesideWorkersUs = 10'000;
/// Write errors are logged at most this often.
constexpr int64_t kErrorLineIntervalUs = 30'000'000;

}  // namespace

LogWriter::LogWriter(Clock const& clock, Logger& logger, StreamBuffer& buffer, Durability& durability, Backlog& backlog,
                     FsyncPolicy policy, WriterTiming timing)
    : clock_(clock),
      logger_(logger),
      buffer_(buffer),
      durability_(durability),
      backlog_(backlog),
      timing_(timing),
      syncer_(clock, logger, durability, [this] { wake(); }),
      policy_(policy),
      written_offset_(buffer.end_offset()),
      sync_begun_offset_(buffer.end_offset()) {}

LogWriter::~LogWriter() {
  if (started()) stop();
}

void LogWriter::start() {
  CHECK(!started());
  syncer_.start();
  thread_ = std::thread([this] {
    ThreadScope const scope("log-writer");
    // Whoever waits for an fsync waits until this thread goes on after it.
    ask_for_prompt_running();
    loop();
  });
}

bool LogWriter::stop() {
  stop_.store(true, std::memory_order_release);
  wake();
  thread_.join();
  MutexLock role(role_);
  return !lost_bytes_ && durability_.broken_errnum() == 0;
}

uint64_t LogWriter::announce_file(std::shared_ptr<IncrementFile> file) {
  if (!file) give_up_.store(true, std::memory_order_release);
  MutexLock lock(mutex_);
  orders_.push_back({std::move(file), ++last_generation_});
  return last_generation_;
}

size_t LogWriter::announced() const {
  MutexLock lock(mutex_);
  return orders_.size();
}

bool LogWriter::wait_announced(int64_t limit_us) {
  int64_t const until_us = clock_.monotonic_us() + limit_us;
  MutexLock lock(mutex_);
  while (!orders_.empty()) {
    int64_t const left_us = until_us - clock_.monotonic_us();
    if (left_us <= 0) return false;
    lock.wait_for(orders_changed_, std::chrono::microseconds(left_us));
  }
  return true;
}

void LogWriter::discard_up_to(uint64_t offset) {
  discard_up_to_.store(offset, std::memory_order_release);
  wake();
}

void LogWriter::restart(uint64_t offset) {
  discard_up_to_.store(0, std::memory_order_release);
  written_offset_.store(offset, std::memory_order_release);
}

void LogWriter::set_policy(FsyncPolicy policy) {
  if (policy_.exchange(policy, std::memory_order_relaxed) == policy) return;
  sync_requested_.store(true, std::memory_order_release);
  wake();
}

LogStatus LogWriter::status() const {
  if (int const errnum = durability_.broken_errnum(); errnum != 0) {
    return {LogHealth::kFsyncFailed, errnum, std::strerror(errnum)};
  }
  MutexLock lock(mutex_);
  if (write_errnum_ == 0) return {};
  return {LogHealth::kWriteError, write_errnum_, std::strerror(write_errnum_)};
}

uint64_t LogWriter::file_bytes() const {
  MutexLock lock(mutex_);
  bool const counted = generation_.load(std::memory_order_relaxed) >= first_counted_generation_;
  return shown_file_ && counted ? shown_file_->size() : 0;
}

void LogWriter::set_finished_bytes(uint64_t first_generation, uint64_t bytes) {
  MutexLock lock(mutex_);
  first_counted_generation_ = first_generation;
  finished_bytes_.store(bytes, std::memory_order_relaxed);
}

void LogWriter::loop() {
  for (;;) {
    std::optional<int64_t> sleep;
    role_.lock();
    Next const next = turn(sleep);
    if (next == Next::kEnd) finish();
    role_.unlock();
    if (next == Next::kEnd) return;
    if (next == Next::kSleep) wake_.wait(sleep);
  }
}

/// One step of the writer thread: a batch, or what is due without one.
LogWriter::Next LogWriter::turn(std::optional<int64_t>& sleep) {
  using WakeFor = StreamBuffer::WakeFor;
  // Looked at before the take: what was appended before the stop is found by it.
  bool const stopping = stop_.load(std::memory_order_acquire);
  // Workers that write themselves need not wake us for each append.
  bool const beside_workers = std::exchange(workers_write_, false) && policy() != FsyncPolicy::kAlways;
  if (!have_batch_) have_batch_ = buffer_.take(batch_, beside_workers ? WakeFor::kLargePending : WakeFor::kAnyAppend);
  if (have_batch_ && handle(batch_)) {
    finish_batch();
    // Commands of the next moment share a write, unless somebody waits for an fsync.
    if (policy() == FsyncPolicy::kAlways || giving_up() || buffer_.gather(WakeFor::kLargePending)) return Next::kAgain;
    sleep = timing_.gather_us;
    return Next::kSleep;
  }
  if (file_) file_->advance_index(clock_.unix_ms(), false);
  sync_if_due();
  if (stopping && !have_batch_) return Next::kEnd;
  if (giving_up() && have_batch_) return Next::kAgain;
  sleep = have_batch_ ? std::max<int64_t>(retry_at_us_ - clock_.monotonic_us(), 0) : sleep_us();
  if (beside_workers) sleep = std::min(sleep.value_or(kBesideWorkersUs), kBesideWorkersUs);
  return Next::kSleep;
}

void LogWriter::finish_batch() {
  buffer_.give_back(std::move(batch_));
  batch_ = {};
  have_batch_ = false;
}

bool LogWriter::write_up_to(uint64_t offset) {
  if (written_offset() >= offset || write_failing()) return true;
  // While an fsync runs a write may wait for it in the kernel; that is left to the writer thread.
  if (syncer_.pending() > 0 || !role_.try_lock()) {
    wake();
    return false;
  }
  bool const was_unsynced = unsynced();
  while (!have_batch_ && file_ && !giving_up() && buffer_.take_within_file(batch_)) {
    have_batch_ = true;
    if (!write(batch_)) break;
    bytes_done_ = 0;
    uint64_t const end = batch_.end_offset;
    written_offset_.store(end, std::memory_order_release);
    finish_batch();
    for (OffsetListener const& listener : written_listeners_) listener(end);
  }
  workers_write_ = true;
  role_.unlock();
  // The writer thread has the rest to do: the fsync in a second, the change of files, the second try.
  bool const done = written_offset() >= offset;
  if (!done || !was_unsynced) wake();
  return done || write_failing();
}

/// Brings a batch to its file and to the disk as far as the policy says. False: it must be tried again later.
bool LogWriter::handle(Batch& batch) {
  bool const needed = batch.file_bytes > 0 && batch.end_offset > discard_up_to_.load(std::memory_order_acquire);
  if (needed) {
    bool const may_try = giving_up() || retry_at_us_ == 0 || clock_.monotonic_us() >= retry_at_us_;
    if (!may_try) return false;
    if (!write(batch)) {
      if (!giving_up()) return false;
      lost_bytes_ = true;
    }
  }
  bytes_done_ = 0;
  // What was not written is in a base, or was given up: who reads the stream does not find it.
  if (batch.file_bytes > 0) backlog_.lose(batch.end_offset);
  written_offset_.store(batch.end_offset, std::memory_order_release);
  if (batch.ends_file) {
    next_file(batch.end_offset);
  } else {
    sync_if_due();
  }
  for (OffsetListener const& listener : written_listeners_) listener(batch.end_offset);
  return true;
}

bool LogWriter::write(Batch const& batch) {
  CHECK(file_ != nullptr);
  LatencyTimer total(latency_, "aof-write");
  LatencyTimer kind(latency_, syncer_.pending() > 0 ? "aof-write-pending-fsync" : "aof-write-alone");
  count_delay();
  if (file_->spill()) return write_spill(batch);
  if (policy() == FsyncPolicy::kAlways) file_->reserve_ahead(batch.file_bytes);
  if (Status written = file_->write(batch, bytes_done_, clock_.unix_ms()); !written) {
    note_write_error(written.error());
    return false;
  }
  clear_write_error();
  backlog_.advance(batch.end_offset);
  return true;
}

/// Nobody's data depend on it: after an error readers must begin anew, and clients are not told.
bool LogWriter::write_spill(Batch const& batch) {
  if (spill_failed_) {
    backlog_.lose(batch.end_offset);
    return true;
  }
  Status const written = file_->write(batch, bytes_done_, clock_.unix_ms());
  bytes_done_ = 0;
  if (written) {
    backlog_.advance(batch.end_offset);
    return true;
  }
  spill_failed_ = true;
  logger_.warning("Error writing the replication backlog, replicas that are behind need a full synchronization: %s",
                  std::strerror(written.error().errnum));
  backlog_.lose(batch.end_offset);
  return true;
}

void LogWriter::note_write_error(Error const& error) {
  int64_t const now_us = clock_.monotonic_us();
  retry_at_us_ = now_us + timing_.retry_us;
  // Nobody waits for what may take long; from now on writes are refused.
  if (!write_failing_.exchange(true, std::memory_order_acq_rel)) {
    for (OffsetListener const& listener : written_listeners_) listener(written_offset());
  }
  {
    MutexLock lock(mutex_);
    write_errnum_ = error.errnum;
  }
  if (last_error_line_us_ != 0 && now_us - last_error_line_us_ < kErrorLineIntervalUs) return;
  last_error_line_us_ = now_us;
  logger_.warning("Error writing to the AOF file: %s", std::strerror(error.errnum));
}

void LogWriter::clear_write_error() {
  if (retry_at_us_ == 0) return;
  retry_at_us_ = 0;
  write_failing_.store(false, std::memory_order_release);
  last_error_line_us_ = 0;
  {
    MutexLock lock(mutex_);
    write_errnum_ = 0;
  }
  logger_.warning("AOF write error looks solved, Redis can write again.");
}

/// The file in force ends at `offset`: it is synced whatever the policy, closed, and the announced one takes over.
void LogWriter::next_file(uint64_t offset) {
  if (file_) {
    file_->advance_index(clock_.unix_ms(), true);
    file_->release_reserve();
    sync_begun_offset_ = offset;
    bool const last = giving_up();
    FsyncThread::Job job{std::move(file_), generation_.load(std::memory_order_relaxed), offset};
    uint64_t const size = job.file->size();
    if (last || policy() == FsyncPolicy::kAlways) {
      syncer_.run_here(std::move(job));
    } else {
      // Nothing may reach the next file before this one is safe, else a power failure could leave a torn file that is
      // not the last. A disk that is stuck does not stop the writing for longer, though.
      syncer_.submit(std::move(job));
      syncer_.wait_idle_for(kDelayedSyncUs);
    }
    MutexLock lock(mutex_);
    if (generation_.load(std::memory_order_relaxed) >= first_counted_generation_) {
      finished_bytes_.fetch_add(size, std::memory_order_relaxed);
    }
  }
  std::shared_ptr<IncrementFile> replaced;  // may be closed by this, so not under the mutex
  {
    MutexLock lock(mutex_);
    CHECK(!orders_.empty());
    file_ = std::move(orders_.front().file);
    replaced = std::exchange(shown_file_, file_);
    generation_.store(orders_.front().generation, std::memory_order_relaxed);
  }
  sync_begun_offset_ = offset;
  // A write error belonged to the old file. (Its batches may have been discarded, so no write need ever have
  // succeeded.)
  clear_write_error();
  spill_failed_ = false;
  if (file_) {
    file_->begin(offset, clock_.unix_ms());
    backlog_.begin_file(file_, offset);
  } else {
    give_up_.store(false, std::memory_order_release);
    durability_.switched_off(offset);
  }
  // Only now, so that announced() == 0 means that the change is complete.
  {
    MutexLock lock(mutex_);
    orders_.pop_front();
  }
  orders_changed_.notify_all();
}

bool LogWriter::unsynced() const {
  return file_ && sync_begun_offset_ != written_offset_.load(std::memory_order_relaxed) &&
         !durability_.is_broken(generation_.load(std::memory_order_relaxed));
}

void LogWriter::sync_if_due() {
  if (!unsynced()) {
    sync_requested_.store(false, std::memory_order_relaxed);
    return;
  }
  if (policy() == FsyncPolicy::kAlways) return sync_now(true);
  if (syncer_.pending() > 0) return;
  bool const second_over = clock_.monotonic_us() - last_sync_us_ >= timing_.sync_interval_us;
  bool const due = policy() == FsyncPolicy::kEverysec && second_over && !sync_paused_.load(std::memory_order_relaxed);
  if (due || sync_requested_.load(std::memory_order_acquire)) sync_now(false);
}

/// Fsyncs all that is written, on this thread (`wait`) or beside it.
void LogWriter::sync_now(bool wait) {
  sync_requested_.store(false, std::memory_order_relaxed);
  sync_begun_offset_ = written_offset_.load(std::memory_order_relaxed);
  last_sync_us_ = clock_.monotonic_us();
  FsyncThread::Job job{file_, generation_.load(std::memory_order_relaxed), sync_begun_offset_};
  if (wait) {
    LatencyTimer timer(policy() == FsyncPolicy::kAlways ? latency_ : nullptr, "aof-fsync-always");
    syncer_.run_here(std::move(job));
  } else {
    syncer_.submit(std::move(job));
  }
}

/// A write while an fsync has been running for two seconds. Redis holds its writes back until then, because the thread
/// that writes is the one that serves clients; ours may wait in the kernel without harm, so only the count is the same.
void LogWriter::count_delay() {
  if (syncer_.running_us() < kDelayedSyncUs) return;
  int64_t const now_us = clock_.monotonic_us();
  if (last_delay_us_ != 0 && now_us - last_delay_us_ < kDelayedSyncUs) return;
  last_delay_us_ = now_us;
  delayed_syncs_.fetch_add(1, std::memory_order_relaxed);
  logger_.notice(
      "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for fsync to "
      "complete, this may slow down Redis.");
}

/// How long the idle writer may sleep; nothing: until it is woken.
std::optional<int64_t> LogWriter::sleep_us() const {
  std::optional<int64_t> sleep;
  auto const at_most = [&](int64_t us) { sleep = std::min(sleep.value_or(us), us); };
  bool const timed = policy() == FsyncPolicy::kEverysec;
  if (timed && unsynced() && syncer_.pending() == 0) {
    int64_t const due_us = last_sync_us_ + timing_.sync_interval_us - clock_.monotonic_us();
    // A paused fsync is looked at again after one interval.
    at_most(sync_paused_.load(std::memory_order_relaxed) ? timing_.sync_interval_us : due_us);
  }
  if (file_) {
    if (auto const due_ms = file_->index_due_ms()) at_most((*due_ms - clock_.unix_ms()) * 1000);
  }
  return sleep;
}

/// The orderly end: everything that was taken is written, now it is made safe.
void LogWriter::finish() {
  if (file_) {
    file_->advance_index(clock_.unix_ms(), true);
    file_->release_reserve();
    if (unsynced()) sync_now(true);
  }
  syncer_.wait_idle();
  file_.reset();
  MutexLock lock(mutex_);
  shown_file_.reset();
}

}  // namespace holdfast::log
