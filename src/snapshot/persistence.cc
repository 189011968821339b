#include "snapshot/persistence.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <utility>

#include "base/check.h"
#include "base/crc64.h"
#include "base/mutex.h"
#include "base/number.h"
#include "rdb/writer.h"
#include "snapshot/cut_runner.h"
#include "snapshot/dataset_loader.h"
#include "snapshot/global_lock.h"
#include "snapshot/save_policy.h"

namespace holdfast::snapshot {
namespace {

using config::Directive;

/// Results of tickets that are kept.
constexpr size_t kResultsMax = 64;
/// Switching the AOF on is tried again after this many seconds.
constexpr int64_t kSwitchOnRetrySeconds = 1;
/// Waiting for the locks of a reload, and for the log.
constexpr int64_t kLockRetryMicroseconds = 200;
/// Stream bytes in one file of the backlog where there is no AOF.
constexpr uint64_t kBacklogFileBytes = 64 * 1024 * 1024;

}  // namespace

// Everything about jobs is guarded by mutex_, which is held for a few instructions only: work is started after it is
// let go.
class Persistence::Impl {
 public:
  Impl(Parts const& parts, Persistence& owner)
      : parts_(parts), owner_(owner), start_s_(now_s()), loader_(parts, owner.loading_), runner_(parts, hooks_, owner.busy_) {
    last_save_s_ = start_s_;
  }

  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }

  Request background_save(bool schedule);
  std::optional<uint64_t> foreground_save();
  std::optional<Status> save_result(uint64_t ticket);
  Request background_rewrite();
  Status set_append_only(bool on);
  void cancel();
  std::optional<uint64_t> start_reload(Reload reload);
  void send_dataset(std::shared_ptr<Payload> payload) { enqueue({.kind = Kind::kPayload, .payload = std::move(payload)}); }
  uint64_t adopt_dataset(Adoption adoption) {
    return enqueue_asked({.kind = Kind::kAdopt, .adoption = std::make_shared<Adoption const>(std::move(adoption))});
  }
  uint64_t begin_backlog() { return enqueue_asked({.kind = Kind::kBeginBacklog}); }
  void end_backlog() { enqueue({.kind = Kind::kEndBacklog}); }
  bool make_digests(std::shared_ptr<DigestOrder> order, bool at_once);
  PersistenceInfo info();
  void reset_figures();
  bool idle() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return !job_;
  }
  Result<StartLoaded> load_at_start(StartLoad const& start);
  std::string rdb_without_keys(bool functions) const;
  void tick();
  CutRunner& runner() { return runner_; }

 private:
  enum class Kind : uint8_t { kSave, kRewrite, kTurnOff, kReload, kPayload, kAdopt, kBeginBacklog, kTendBacklog, kEndBacklog, kDigests };
  struct Job {
    Kind kind;
    bool background = true;
    uint64_t ticket = 0;  ///< 0: nobody asks
    Reload reload = {};
    std::shared_ptr<Payload> payload = {};
    std::shared_ptr<Adoption const> adoption = {};
    std::shared_ptr<DigestOrder> digests = {};
    std::string announcement = {};  ///< log line when it starts
    // While it runs:
    uint64_t id = 0;
    bool with_increment = false;
    bool cancelled = false;
    int64_t start_us = 0;
  };
  /// What automatic jobs depend on.
  struct Triggers {
    std::vector<config::SavePoint> save_points;
    bool aof_on;
    log::LogSizes aof;
    int64_t rewrite_percentage;
    uint64_t rewrite_bytes_min;
  };
  /// A job that was chosen and must be given to the runner once the mutex is free.
  using Chosen = std::optional<Job>;

  int64_t now_s() const { return parts_.clock.unix_us() / 1'000'000; }
  int64_t mono_us() const { return parts_.clock.monotonic_us(); }
  bool running(Kind kind) const REQUIRES(mutex_) { return job_ && job_->kind == kind && !job_->cancelled; }
  /// A matter of milliseconds, or to be given up for other digests.
  static bool brief(Job const& job) {
    return job.kind == Kind::kTurnOff || job.kind == Kind::kBeginBacklog || job.kind == Kind::kTendBacklog ||
           job.kind == Kind::kEndBacklog || job.kind == Kind::kDigests;
  }
  bool save_waiting() const REQUIRES(mutex_) {
    return std::ranges::any_of(waiting_, [](Job const& job) { return job.kind == Kind::kSave; });
  }

  Chosen choose() REQUIRES(mutex_);
  Job& begin(Job job) REQUIRES(mutex_);
  void start(Chosen const& chosen) EXCLUDES(mutex_);
  void cut_done(CutResult result) EXCLUDES(mutex_);
  void job_done(Status status) EXCLUDES(mutex_);
  void note_save(Job const& job, CutResult const& result) REQUIRES(mutex_);
  void note_rewrite(Job const& job, CutResult const& result) REQUIRES(mutex_);
  void keep_result(Job const& job, Status status) REQUIRES(mutex_);
  void review_writes() EXCLUDES(mutex_);
  Chosen automatic_job(Triggers const& triggers) REQUIRES(mutex_);
  uint64_t changes() const REQUIRES(mutex_) { return parts_.keyspace.sum(&Partition::dirty) - dirty_at_save_; }

  void enqueue(Job job) EXCLUDES(mutex_);
  uint64_t enqueue_asked(Job job) EXCLUDES(mutex_);
  void tend_backlog();
  Status reload(Reload const& reload);
  Status adopt(Adoption const& adoption);
  Status restart_log(StreamIdentity const& at);
  Status settle_log();
  void end_loading() EXCLUDES(mutex_);

  Parts parts_;
  Persistence& owner_;
  Hooks hooks_;
  int64_t start_s_;
  DatasetLoader loader_;

  Mutex mutex_;
  Chosen job_ GUARDED_BY(mutex_);
  std::deque<Job> waiting_ GUARDED_BY(mutex_);  // what somebody waits for
  bool save_scheduled_ GUARDED_BY(mutex_) = false;
  bool rewrite_scheduled_ GUARDED_BY(mutex_) = false;
  bool append_only_ GUARDED_BY(mutex_) = false;  // what is wanted
  uint64_t last_job_ GUARDED_BY(mutex_) = 0;
  uint64_t last_ticket_ GUARDED_BY(mutex_) = 0;
  std::deque<std::pair<uint64_t, Status>> results_ GUARDED_BY(mutex_);

  uint64_t dirty_at_save_ GUARDED_BY(mutex_) = 0;
  int64_t last_save_s_ GUARDED_BY(mutex_) = 0;
  int64_t last_try_s_ GUARDED_BY(mutex_) = 0;
  bool last_save_ok_ GUARDED_BY(mutex_) = true;
  int64_t last_save_duration_s_ GUARDED_BY(mutex_) = -1;
  uint64_t saves_ GUARDED_BY(mutex_) = 0;
  bool last_rewrite_ok_ GUARDED_BY(mutex_) = true;
  int64_t last_rewrite_duration_s_ GUARDED_BY(mutex_) = -1;
  int64_t last_rewrite_try_s_ GUARDED_BY(mutex_) = 0;
  uint64_t rewrites_ GUARDED_BY(mutex_) = 0;
  uint64_t rewrite_failures_ GUARDED_BY(mutex_) = 0;  // in a row

  CutRunner runner_;  // last: its thread uses all of the above
};

// ---- requests ----

Persistence::Request Persistence::Impl::background_save(bool schedule) {
  Chosen chosen;
  {
    MutexLock lock(mutex_);
    if (owner_.loading()) return Request::kFailed;
    if (running(Kind::kSave) || save_waiting()) return Request::kSaveRunning;
    if (running(Kind::kRewrite) && !schedule) return Request::kRewriteRunning;
    save_scheduled_ = true;
    bool const waits = running(Kind::kRewrite);
    if (!job_) chosen = choose();
    if (waits) return Request::kScheduled;
  }
  start(chosen);
  return Request::kStarted;
}

std::optional<uint64_t> Persistence::Impl::foreground_save() {
  Chosen chosen;
  uint64_t ticket = 0;
  {
    MutexLock lock(mutex_);
    if (running(Kind::kSave) || save_waiting()) return std::nullopt;
    ticket = ++last_ticket_;
    Job job{.kind = Kind::kSave, .background = false, .ticket = ticket};
    if (owner_.loading()) {
      keep_result(job, fail("loading the dataset", EBUSY));
      return ticket;
    }
    waiting_.push_back(job);
    if (!job_) chosen = choose();
  }
  start(chosen);
  return ticket;
}

std::optional<Status> Persistence::Impl::save_result(uint64_t ticket) {
  MutexLock lock(mutex_);
  for (auto const& [of, status] : results_) {
    if (of == ticket) return status;
  }
  return std::nullopt;
}

Persistence::Request Persistence::Impl::background_rewrite() {
  Chosen chosen;
  {
    MutexLock lock(mutex_);
    if (owner_.loading()) return Request::kFailed;
    if (running(Kind::kRewrite)) return Request::kRewriteRunning;
    rewrite_failures_ = 0;
    rewrite_scheduled_ = true;
    bool const waits = running(Kind::kSave);
    if (!job_) chosen = choose();
    if (waits) return Request::kScheduled;
  }
  start(chosen);
  return Request::kStarted;
}

Status Persistence::Impl::set_append_only(bool on) {
  Chosen chosen;
  uint64_t stopped_id = 0;
  {
    MutexLock lock(mutex_);
    if (owner_.loading()) return fail("loading the dataset", EBUSY);
    append_only_ = on;
    last_rewrite_try_s_ = 0;
    if (!job_) {
      chosen = choose();
    } else if (!on && job_->kind == Kind::kRewrite && job_->with_increment) {
      job_->cancelled = true;
      stopped_id = job_->id;
    }
  }
  if (stopped_id) runner_.cancel(stopped_id);
  start(chosen);
  return {};
}

void Persistence::Impl::cancel() {
  uint64_t id = 0;
  {
    MutexLock lock(mutex_);
    save_scheduled_ = rewrite_scheduled_ = false;
    for (Job const& job : waiting_) keep_result(job, fail("cancelled", ECANCELED));
    waiting_.clear();
    if (!job_ || (job_->kind != Kind::kSave && job_->kind != Kind::kRewrite && job_->kind != Kind::kPayload &&
                  job_->kind != Kind::kDigests)) {
      return;
    }
    job_->cancelled = true;
    id = job_->id;
  }
  runner_.cancel(id);
}

std::optional<uint64_t> Persistence::Impl::start_reload(Reload reload) {
  Chosen chosen;
  {
    MutexLock lock(mutex_);
    if (job_ || owner_.loading()) return std::nullopt;
    loader_.begin();
    chosen = begin({.kind = Kind::kReload, .ticket = ++last_ticket_, .reload = reload});
  }
  start(chosen);
  return chosen->ticket;
}

void Persistence::Impl::enqueue(Job job) {
  Chosen chosen;
  {
    MutexLock lock(mutex_);
    waiting_.push_back(std::move(job));
    if (!job_ && !owner_.loading()) chosen = choose();
  }
  start(chosen);
}

/// For who asks for the result.
uint64_t Persistence::Impl::enqueue_asked(Job job) {
  {
    MutexLock lock(mutex_);
    job.ticket = ++last_ticket_;
  }
  uint64_t const ticket = job.ticket;
  enqueue(std::move(job));
  return ticket;
}

bool Persistence::Impl::make_digests(std::shared_ptr<DigestOrder> order, bool at_once) {
  Job job{.kind = Kind::kDigests, .digests = std::move(order)};
  Chosen chosen;
  uint64_t stopped_id = 0;
  {
    MutexLock lock(mutex_);
    if (at_once && (owner_.loading() || (job_ && !brief(*job_)) || !std::ranges::all_of(waiting_, brief))) return false;
    if (at_once && running(Kind::kDigests)) {
      job_->cancelled = true;
      stopped_id = job_->id;
    }
    waiting_.push_back(std::move(job));
    if (!job_ && !owner_.loading()) chosen = choose();
  }
  if (stopped_id) runner_.cancel(stopped_id);
  start(chosen);
  return true;
}

std::string Persistence::Impl::rdb_without_keys(bool functions) const {
  std::string out;
  RdbWriter writer(out, false);
  writer.magic(kRdbVersion);
  if (functions && parts_.functions) {
    FunctionStore::Sources const sources = parts_.functions->sources();
    for (std::string const& source : *sources) writer.function(source);
  }
  uint64_t const crc = crc64(0, out);
  RdbWriter(out).eof(crc);
  return out;
}

// ---- one job after the other ----

/// The next job, when there is one; it counts as running from now on.
Persistence::Impl::Chosen Persistence::Impl::choose() {
  log::LogState const log_state = parts_.log.state();
  if (!append_only_ && log_state != log::LogState::kOff) return begin({.kind = Kind::kTurnOff});
  if (!waiting_.empty()) {
    Job job = waiting_.front();
    waiting_.pop_front();
    return begin(job);
  }
  bool const switch_on =
      append_only_ && log_state == log::LogState::kOff && now_s() - last_rewrite_try_s_ >= kSwitchOnRetrySeconds;
  if (rewrite_scheduled_ || switch_on) {
    rewrite_scheduled_ = false;
    return begin({.kind = Kind::kRewrite});
  }
  if (save_scheduled_) {
    save_scheduled_ = false;
    return begin({.kind = Kind::kSave});
  }
  return std::nullopt;
}

Persistence::Impl::Job& Persistence::Impl::begin(Job job) {
  job.id = ++last_job_;
  job.start_us = mono_us();
  if (job.kind == Kind::kSave) last_try_s_ = now_s();
  if (job.kind == Kind::kRewrite) {
    last_rewrite_try_s_ = now_s();
    job.with_increment = append_only_;
  }
  return job_.emplace(job);
}

void Persistence::Impl::start(Chosen const& chosen) {
  if (!chosen) return;
  Job const& job = *chosen;
  if (!job.announcement.empty()) parts_.logger.notice("%s", job.announcement.c_str());
  switch (job.kind) {
    case Kind::kSave:
      if (job.background) parts_.logger.notice("Background saving started");
      runner_.run_cut({.id = job.id, .background = job.background},
                      [this](CutResult result) { cut_done(std::move(result)); });
      break;
    case Kind::kRewrite:
      parts_.logger.notice("Background append only file rewriting started");
      runner_.run_cut(
          {.id = job.id, .destination = CutJob::Destination::kAofBase, .with_increment = job.with_increment},
          [this](CutResult result) { cut_done(std::move(result)); });
      break;
    case Kind::kTurnOff:
      runner_.run_global(
          [this] {
            parts_.log.turn_off();
            if (hooks_.stream_ended && !parts_.log.backlog().active()) hooks_.stream_ended();
          },
          [this] { job_done({}); });
      break;
    case Kind::kReload:
      runner_.run_blocking(job.id, [this, job] { job_done(reload(job.reload)); });
      break;
    case Kind::kPayload:
      runner_.run_cut({.id = job.id, .destination = CutJob::Destination::kPayload, .payload = job.payload},
                      [this, payload = job.payload](CutResult result) {
                        payload->end(result.status.has_value());
                        if (hooks_.cut_ended) hooks_.cut_ended();
                        job_done(std::move(result.status));
                      });
      break;
    case Kind::kDigests:
      runner_.run_cut({.id = job.id, .destination = CutJob::Destination::kDigests, .digests = job.digests},
                      [this, order = job.digests](CutResult result) {
                        // Who hears of it may ask for the next ones.
                        job_done(result.status);
                        order->ended(result.status);
                      });
      break;
    case Kind::kAdopt:
      runner_.run_blocking(job.id, [this, adoption = job.adoption] { job_done(adopt(*adoption)); });
      break;
    case Kind::kBeginBacklog:
      runner_.run_blocking(job.id, [this] {
        Status prepared = parts_.log.prepare_backlog(parts_.config.text(Directive::kDir));
        if (!prepared) return job_done(std::move(prepared));
        runner_.run_global([this] { parts_.log.begin_backlog(); }, [this] { job_done({}); });
      });
      break;
    case Kind::kTendBacklog:
      runner_.run_blocking(job.id, [this] {
        tend_backlog();
        job_done({});
      });
      break;
    case Kind::kEndBacklog:
      runner_.run_global([this] { parts_.log.end_backlog(); }, [this] { job_done({}); });
      break;
  }
}

void Persistence::Impl::cut_done(CutResult result) {
  Job job;
  {
    MutexLock lock(mutex_);
    job = *job_;
    (job.kind == Kind::kSave ? note_save(job, result) : note_rewrite(job, result));
  }
  if (job.background && !result.cancelled) {
    if (job.kind == Kind::kSave && result.status) parts_.logger.notice("Background saving terminated with success");
    if (job.kind == Kind::kSave && !result.status) parts_.logger.warning("Background saving error");
    if (job.kind == Kind::kRewrite && !result.status)
      parts_.logger.warning("Background AOF rewrite terminated with error");
  }
  review_writes();
  if (hooks_.cut_ended) hooks_.cut_ended();
  job_done(std::move(result.status));
}

void Persistence::Impl::job_done(Status status) {
  Chosen chosen;
  {
    MutexLock lock(mutex_);
    keep_result(*job_, std::move(status));
    job_.reset();
    chosen = choose();
  }
  start(chosen);
}

void Persistence::Impl::keep_result(Job const& job, Status status) {
  if (job.ticket == 0) return;
  results_.emplace_back(job.ticket, std::move(status));
  if (results_.size() > kResultsMax) results_.pop_front();
}

void Persistence::Impl::note_save(Job const& job, CutResult const& result) {
  if (result.cancelled) return;
  if (job.background) last_save_duration_s_ = (mono_us() - job.start_us) / 1'000'000;
  if (result.status) {
    last_save_ok_ = true;
    last_save_s_ = now_s();
    dirty_at_save_ = result.dirty;
    saves_++;
  } else if (job.background) {
    // The status is that of background saves; who asked for a SAVE was told.
    last_save_ok_ = false;
  }
}

void Persistence::Impl::note_rewrite(Job const& job, CutResult const& result) {
  if (result.cancelled) return;
  last_rewrite_duration_s_ = (mono_us() - job.start_us) / 1'000'000;
  last_rewrite_ok_ = result.status.has_value();
  rewrite_failures_ = last_rewrite_ok_ ? 0 : rewrite_failures_ + 1;
  if (last_rewrite_ok_) rewrites_++;
}

// ---- what happens by itself ----

void Persistence::Impl::tick() {
  review_writes();
  // Read before the mutex is taken: these have locks of their own.
  Triggers const triggers{
      .save_points = parts_.config.save_points(),
      .aof_on = parts_.log.state() == log::LogState::kOn,
      .aof = parts_.log.sizes(),
      .rewrite_percentage = parts_.config.integer(Directive::kAutoAofRewritePercentage),
      .rewrite_bytes_min = parts_.config.memory(Directive::kAutoAofRewriteMinSize),
  };
  log::Backlog const& backlog = parts_.log.backlog();
  bool const backlog_due = backlog.active() && (!backlog.readable() || backlog.newest_bytes() >= kBacklogFileBytes);
  Chosen chosen;
  {
    MutexLock lock(mutex_);
    if (job_ || owner_.loading()) return;
    chosen = choose();
    if (!chosen) chosen = automatic_job(triggers);
    if (!chosen && backlog_due) chosen = begin({.kind = Kind::kTendBacklog});
  }
  start(chosen);
}

void Persistence::Impl::review_writes() {
  bool const wanted = parts_.config.flag(Directive::kStopWritesOnBgsaveError) && !parts_.config.save_points().empty();
  MutexLock lock(mutex_);
  owner_.refuse_writes_.store(wanted && !last_save_ok_, std::memory_order_relaxed);
}

Persistence::Impl::Chosen Persistence::Impl::automatic_job(Triggers const& triggers) {
  int64_t const now = now_s();
  if (last_save_ok_ || now - last_try_s_ > kSaveRetrySeconds) {
    if (auto const point = reached_save_point(triggers.save_points, changes(), now - last_save_s_)) {
      return begin(
          {.kind = Kind::kSave,
           .announcement = to_text(point->changes) + " changes in " + to_text(point->seconds) + " seconds. Saving..."});
    }
  }
  if (!triggers.aof_on) return std::nullopt;
  auto const growth = rewrite_growth(triggers.aof.current_bytes, triggers.aof.base_bytes, triggers.rewrite_percentage,
                                     triggers.rewrite_bytes_min);
  if (!growth || now - last_rewrite_try_s_ < rewrite_delay_minutes(rewrite_failures_) * 60) return std::nullopt;
  return begin({.kind = Kind::kRewrite,
                .announcement = "Starting automatic rewriting of AOF on " + to_text(*growth) + "% growth"});
}

PersistenceInfo Persistence::Impl::info() {
  PersistenceInfo info;
  info.loading = owner_.loading();
  info.loading_start_s = loader_.start_s();
  info.loading_total_bytes = loader_.progress().total_bytes.load(std::memory_order_relaxed);
  info.loading_loaded_bytes = loader_.progress().loaded_bytes.load(std::memory_order_relaxed);
  info.loading_seconds_left = loader_.progress().seconds_left();
  info.loaded_keys = loader_.progress().keys.load(std::memory_order_relaxed);
  info.load_expired_keys = loader_.progress().expired_keys.load(std::memory_order_relaxed);
  MutexLock lock(mutex_);
  info.saving = running(Kind::kSave);
  info.rewriting = running(Kind::kRewrite);
  info.save_scheduled = save_scheduled_;
  info.rewrite_scheduled = rewrite_scheduled_;
  int64_t const elapsed_s = job_ ? (mono_us() - job_->start_us) / 1'000'000 : -1;
  if (info.saving) info.current_save_duration_s = elapsed_s;
  if (info.rewriting) info.current_rewrite_duration_s = elapsed_s;
  if (info.saving || info.rewriting) {
    info.current_keys_processed = runner_.keys_processed();
    info.current_keys_total = runner_.keys_total();
  }
  info.last_save_s = last_save_s_;
  info.last_save_ok = last_save_ok_;
  info.last_save_duration_s = last_save_duration_s_;
  info.saves = saves_;
  info.changes_since_save = changes();
  info.last_rewrite_duration_s = last_rewrite_duration_s_;
  info.last_rewrite_ok = last_rewrite_ok_;
  info.rewrites = rewrites_;
  info.rewrite_consecutive_failures = rewrite_failures_;
  return info;
}

void Persistence::Impl::reset_figures() {
  MutexLock lock(mutex_);
  saves_ = rewrites_ = rewrite_failures_ = 0;
}

// ---- loading ----

void Persistence::Impl::end_loading() {
  {
    MutexLock lock(mutex_);
    dirty_at_save_ = parts_.keyspace.sum(&Partition::dirty);
  }
  owner_.loading_.store(false, std::memory_order_release);
}

Status Persistence::Impl::reload(Reload const& reload) {
  GlobalLock all(parts_.keyspace);
  while (!all.try_lock()) runner_.pause_us(kLockRetryMicroseconds);
  Status status;
  if (reload.append_only) {
    status = settle_log();
    if (status) status = loader_.reload_append_only(hooks_.make_replay());
  } else {
    status = loader_.reload_dump(reload);
  }
  end_loading();
  all.unlock();
  return status;
}

Status Persistence::Impl::adopt(Adoption const& adoption) {
  GlobalLock all(parts_.keyspace);
  while (!all.try_lock()) runner_.pause_us(kLockRetryMicroseconds);
  loader_.begin();
  adoption.before();
  // The old files stay in force on the disk until the first base of the new data set is committed.
  parts_.log.end_backlog();
  parts_.log.turn_off();
  auto const loaded = loader_.adopt_dump(adoption.path);
  StreamIdentity at = adoption.at;
  if (loaded && loaded->identity) at.db = loaded->identity->db;
  Status status = restart_log(at);
  if (!loaded) status = std::unexpected(loaded.error());
  if (status) adoption.after(at.db);
  {
    MutexLock lock(mutex_);
    last_rewrite_try_s_ = 0;
  }
  end_loading();
  all.unlock();
  return status;
}

Status Persistence::Impl::restart_log(StreamIdentity const& at) {
  while (!parts_.log.idle()) runner_.pause_us(kLockRetryMicroseconds);
  parts_.log.restart_stream(at.offset, at.db);
  if (Status prepared = parts_.log.prepare_backlog(parts_.config.text(Directive::kDir)); !prepared) return prepared;
  parts_.log.begin_backlog();
  return {};
}

void Persistence::Impl::tend_backlog() {
  uint64_t const keep = std::max(parts_.config.memory(Directive::kReplBacklogSize), parts_.config.memory(Directive::kReplBacklogDiskSize));
  Status const tended = parts_.log.tend_backlog(parts_.config.text(Directive::kDir), kBacklogFileBytes, keep);
  if (!tended) parts_.logger.warning("Can't create a file for the replication backlog: %s", tended.error().message.c_str());
}

/// Waits until the files of the AOF have all that was appended. Nobody appends meanwhile.
Status Persistence::Impl::settle_log() {
  if (parts_.log.state() != log::LogState::kOn) return fail("there is no append only file");
  while (parts_.log.written_offset() != parts_.log.appended_offset()) {
    if (log::LogStatus const log_status = parts_.log.status(); !log_status.ok()) return fail(log_status.text);
    runner_.pause_us(kLockRetryMicroseconds);
  }
  return {};
}

Result<Persistence::StartLoaded> Persistence::Impl::load_at_start(StartLoad const& start) {
  loader_.begin();
  auto loaded = loader_.load_at_start(start);
  // The end of the server: until then nobody may see, or even save, a data set that is empty.
  if (!loaded) return loaded;
  if (loaded->from_append_only) {
    MutexLock lock(mutex_);
    append_only_ = true;
  }
  if (loaded->identity && hooks_.restored) hooks_.restored(*loaded->identity);
  end_loading();
  return loaded;
}

// ---- the facade ----

Persistence::Persistence(Parts parts) : impl_(std::make_unique<Impl>(parts, *this)) {}
Persistence::~Persistence() { stop(); }

void Persistence::set_hooks(Hooks hooks) { impl_->set_hooks(std::move(hooks)); }
Persistence::Request Persistence::background_save(bool schedule) { return impl_->background_save(schedule); }
std::optional<uint64_t> Persistence::foreground_save() { return impl_->foreground_save(); }
std::optional<Status> Persistence::save_result(uint64_t ticket) { return impl_->save_result(ticket); }
Persistence::Request Persistence::background_rewrite() { return impl_->background_rewrite(); }
Status Persistence::set_append_only(bool on) { return impl_->set_append_only(on); }
void Persistence::cancel() { impl_->cancel(); }
std::optional<uint64_t> Persistence::start_reload(Reload reload) { return impl_->start_reload(reload); }
void Persistence::send_dataset(std::shared_ptr<Payload> payload) { impl_->send_dataset(std::move(payload)); }
uint64_t Persistence::adopt_dataset(Adoption adoption) { return impl_->adopt_dataset(std::move(adoption)); }
std::string Persistence::rdb_without_keys(bool functions) const { return impl_->rdb_without_keys(functions); }
uint64_t Persistence::begin_backlog() { return impl_->begin_backlog(); }
void Persistence::end_backlog() { impl_->end_backlog(); }
bool Persistence::make_digests(std::shared_ptr<DigestOrder> order, bool at_once) {
  return impl_->make_digests(std::move(order), at_once);
}
PersistenceInfo Persistence::info() { return impl_->info(); }
void Persistence::reset_figures() { impl_->reset_figures(); }
bool Persistence::idle() { return impl_->idle(); }
bool Persistence::congested() const { return impl_->runner().congested(); }
Result<Persistence::StartLoaded> Persistence::load_at_start(StartLoad const& start) {
  return impl_->load_at_start(start);
}
bool Persistence::slice(int worker, int64_t budget_us) { return busy() && impl_->runner().slice(worker, budget_us); }
void Persistence::tick() { impl_->tick(); }
void Persistence::stop() { impl_->runner().stop(); }

}  // namespace holdfast::snapshot
