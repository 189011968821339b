#include "health/monitor.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.h"
#include "base/thread_scope.h"
#include "command/server_state.h"
#include "command/write_guards.h"
#include "config/config.h"
#include "keyspace/keyspace.h"
#include "replication/replication.h"

namespace holdfast::health {
namespace {

using config::Directive;

/// Bounds of what is believed of the ratio between a snapshot and the memory of its keys.
constexpr double kCutRatioMin = 0.05;
constexpr double kCutRatioMax = 4;

}  // namespace

void Monitor::start() {
  survey();
  thread_ = std::thread([this] {
    ThreadScope const scope("health");
    loop();
  });
}

void Monitor::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Monitor::loop() {
  for (int looks = 0;; looks++) {
    {
      MutexLock lock(mutex_);
      if (!stopping_) lock.wait_for(wake_, std::chrono::milliseconds(kLookMilliseconds));
      if (stopping_) return;
    }
    if (looks % kLooksPerSurvey == 0) survey();
    look();
  }
}

Figures Monitor::read_figures() const {
  Figures figures;
  log::Log& log = services_.log;
  Keyspace const& keyspace = services_.keyspace;
  // In this order: a part of the log is appended, then durable; and changes are made, then saved.
  uint64_t const durable = log.durable_offset();
  figures.appended = log.appended_offset();
  figures.persistence = services_.persistence.info();
  figures.changes_ever = keyspace.sum(&Partition::dirty);
  figures.unsynced_bytes = figures.appended - std::min(durable, figures.appended);

  figures.now_s = services_.clock.unix_us() / 1'000'000;
  figures.started_s = services_.control.start_ms() / 1000;
  figures.shutting_down = services_.state.shutdown.running();
  figures.refuses_writes = services_.persistence.refuse_writes();
  figures.save_points = services_.config.save_points();
  figures.append_only = log.state() == log::LogState::kOn;
  figures.log_status = log.status();
  figures.fsync_promised = log.policy() != log::FsyncPolicy::kNo;
  for (int db = 0; db < keyspace.databases(); db++) figures.keys += keyspace.keys(db);
  MemoryFigures const memory = services_.state.memory.measure(keyspace, services_.clients, log);
  figures.dataset_bytes = memory.keys;
  figures.used_memory = memory.counted();
  figures.maxmemory = services_.config.memory(Directive::kMaxmemory);
  figures.memory_exceeded = services_.state.memory_limit.refuses();
  if (replication::Replication const* const replication = services_.replication) {
    figures.replica = replication->is_replica();
    figures.link_up = replication->link_up();
    figures.primary_refused = replication->link().refused.load(std::memory_order_relaxed);
    figures.too_few_replicas = services_.guards.restricted_by(WriteGuards::kTooFewReplicas);
  }
  return figures;
}

Monitor::Seen Monitor::look() {
  Limits const limits{.snapshot_age_max_s = services_.config.integer(Directive::kHealthSnapshotAgeMax),
                      .fsync_lag_max_s = services_.config.integer(Directive::kHealthFsyncLagMax)};
  int64_t const now_us = services_.clock.monotonic_us();
  Seen seen{.figures = read_figures(), .report = {}};
  Figures& figures = seen.figures;
  Report before;
  {
    MutexLock lock(mutex_);
    if (figures.append_only != std::exchange(append_only_, figures.append_only)) unsynced_.reset();
    if (figures.append_only) unsynced_.look(figures.appended, figures.appended - figures.unsynced_bytes, now_us);
    figures.unsynced_us = unsynced_.age_us(now_us);
    uint64_t const unsaved = std::min(figures.changes_ever, figures.persistence.changes_since_save);
    unsaved_.look(figures.changes_ever, figures.changes_ever - unsaved, now_us);
    figures.unsaved_us = unsaved_.age_us(now_us);
    figures.disk_known = survey_.disk_known;
    figures.disk_free_bytes = survey_.disk_free_bytes;
    figures.next_cut_bytes = static_cast<uint64_t>(static_cast<double>(figures.dataset_bytes) * survey_.cut_ratio);
    figures.disk_silent_us = std::max<int64_t>(now_us - survey_.at_us, 0);
    seen.report = judge(figures, limits);
    before = std::exchange(last_, seen.report);
  }
  tell_changes(before, seen.report);
  return seen;
}

void Monitor::survey() {
  std::string const directory = services_.config.text(Directive::kDir);
  double known;
  {
    MutexLock lock(mutex_);
    known = survey_.cut_ratio;
  }
  Survey survey;
  Result<uint64_t> const free = disk_.free_space(directory);
  survey.disk_known = free.has_value();
  survey.disk_free_bytes = free.value_or(0);
  survey.cut_ratio = learn_cut_ratio(read_figures(), directory, known);
  survey.at_us = services_.clock.monotonic_us();
  MutexLock lock(mutex_);
  survey_ = survey;
}

double Monitor::learn_cut_ratio(Figures const& figures, std::string const& directory, double known) {
  snapshot::PersistenceInfo const& info = figures.persistence;
  if (info.loading || figures.dataset_bytes == 0) return known;
  uint64_t const cuts = info.saves + info.rewrites;
  if (info.last_save_s == cut_learned_s_ && cuts == cuts_learned_) return known;
  cut_learned_s_ = info.last_save_s;
  cuts_learned_ = cuts;
  uint64_t bytes = services_.log.sizes().base_bytes;
  if (bytes == 0) bytes = disk_.file_size(directory + "/" + services_.config.text(Directive::kDbfilename)).value_or(0);
  if (bytes == 0) return known;
  return std::clamp(static_cast<double>(bytes) / static_cast<double>(figures.dataset_bytes), kCutRatioMin, kCutRatioMax);
}

void Monitor::tell_changes(Report const& before, Report const& now) {
  for (size_t i = 0; i < now.checks.size(); i++) {
    Check const& check = now.checks[i];
    Level const was = before.checks.empty() ? Level::kGreen : before.checks[i].level;
    // That data are being loaded is said elsewhere.
    if (check.name == "loading" || (was == Level::kRed) == (check.level == Level::kRed)) continue;
    if (check.level == Level::kRed) {
      services_.logger.warning("HEALTH: %s is red: %s", check.name.data(), check.text.c_str());
    } else {
      services_.logger.notice("HEALTH: %s is well again", check.name.data());
    }
  }
}

}  // namespace holdfast::health
