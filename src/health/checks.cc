#include "health/checks.h"

#include <algorithm>

#include "base/number.h"
#include "base/strings.h"

namespace holdfast::health {
namespace {

/// A snapshot is taken within moments of its save point; after a failure it is tried again every few seconds.
constexpr int64_t kSavePointGraceSeconds = 60;
/// Beyond what the next cut is expected to take.
constexpr uint64_t kSpareDivisor = 10;
/// It is asked every second.
constexpr int64_t kDiskSilentSecondsMax = 10;
/// Part of maxmemory from which on it is worth a look.
constexpr uint64_t kMemoryNearPercent = 90;

std::string seconds_text(int64_t seconds) { return to_text(seconds) + " s"; }

Check loading(Figures const& figures) {
  snapshot::PersistenceInfo const& info = figures.persistence;
  if (!info.loading) return {.name = "loading"};
  uint64_t const total = std::max<uint64_t>(info.loading_total_bytes, 1);
  return {.name = "loading", .level = Level::kRed,
          .text = "loading data: " + to_text_unsigned(info.loading_loaded_bytes * 100 / total) + " % of " +
                  to_text_unsigned(info.loading_total_bytes) + " bytes"};
}

Check snapshot(Figures const& figures, Limits const& limits) {
  snapshot::PersistenceInfo const& info = figures.persistence;
  Check check{.name = "snapshot"};
  if (!info.last_save_ok) {
    check.level = Level::kRed;
    check.text = figures.refuses_writes ? "the last snapshot failed, and writes are refused" : "the last snapshot failed";
    return check;
  }
  int64_t const age_s = figures.now_s - info.last_save_s;
  if (limits.snapshot_age_max_s > 0 && age_s > limits.snapshot_age_max_s && info.changes_since_save > 0) {
    check.level = Level::kRed;
    check.text = "the last snapshot is " + seconds_text(age_s) + " old, health-snapshot-age-max is " +
                 seconds_text(limits.snapshot_age_max_s);
    return check;
  }
  auto const overdue = std::ranges::find_if(figures.save_points, [&](config::SavePoint const& point) {
    return info.changes_since_save >= static_cast<uint64_t>(point.changes) &&
           std::min(age_s, figures.unsaved_us / 1'000'000) > point.seconds + kSavePointGraceSeconds;
  });
  if (overdue != figures.save_points.end() && !info.saving && !info.rewriting) {
    check.level = Level::kRed;
    check.text = "no snapshot for " + seconds_text(age_s) + ", though " + to_text_unsigned(info.changes_since_save) +
                 " changes reach the save point " + to_text(overdue->seconds) + " " + to_text(overdue->changes);
  }
  return check;
}

Check rewrite(Figures const& figures) {
  if (!figures.append_only || figures.persistence.last_rewrite_ok) return {.name = "aof_rewrite"};
  return {.name = "aof_rewrite", .level = Level::kYellow, .text = "the last rewrite of the AOF failed: it goes on growing"};
}

Check log_writing(Figures const& figures) {
  if (!figures.append_only || figures.log_status.ok()) return {.name = "aof_write"};
  bool const fsync = figures.log_status.kind == log::LogHealth::kFsyncFailed;
  return {.name = "aof_write", .level = Level::kRed,
          .text = std::string(fsync ? "an fsync of the AOF failed: " : "the AOF cannot be written: ") + figures.log_status.text};
}

Check log_sync(Figures const& figures, Limits const& limits) {
  int64_t const lag_s = figures.unsynced_us / 1'000'000;
  if (!figures.append_only || !figures.fsync_promised || lag_s <= limits.fsync_lag_max_s) return {.name = "aof_fsync"};
  return {.name = "aof_fsync", .level = Level::kRed,
          .text = "the AOF is " + seconds_text(lag_s) + " and " + to_text_unsigned(figures.unsynced_bytes) +
                  " bytes ahead of the disk, health-fsync-lag-max is " + seconds_text(limits.fsync_lag_max_s)};
}

Check disk_space(Figures const& figures) {
  Check check{.name = "disk_space"};
  if (!figures.durable()) return check;
  int64_t const silent_s = figures.disk_silent_us / 1'000'000;
  if (silent_s > kDiskSilentSecondsMax) {
    check.level = Level::kRed;
    check.text = "the disk has not answered for " + seconds_text(silent_s);
  } else if (!figures.disk_known) {
    check.level = Level::kYellow;
    check.text = "how much space the disk has cannot be told";
  } else if (figures.disk_free_bytes < figures.next_cut_bytes + figures.next_cut_bytes / kSpareDivisor) {
    check.level = Level::kRed;
    check.text = "the next snapshot is expected to take " + to_text_unsigned(figures.next_cut_bytes) + " bytes, " +
                 to_text_unsigned(figures.disk_free_bytes) + " are free";
  }
  return check;
}

Check memory(Figures const& figures) {
  if (figures.memory_exceeded) {
    return {.name = "memory", .level = Level::kRed, .text = "maxmemory is exceeded: writes are refused"};
  }
  if (figures.maxmemory > 0 && figures.used_memory > figures.maxmemory / 100 * kMemoryNearPercent) {
    return {.name = "memory", .level = Level::kYellow,
            .text = to_text_unsigned(figures.used_memory) + " bytes of " + to_text_unsigned(figures.maxmemory) + " are used"};
  }
  return {.name = "memory"};
}

Check replication(Figures const& figures) {
  Check check{.name = "replication"};
  if (figures.too_few_replicas) {
    check.level = Level::kRed;
    check.text = "there are too few replicas, and writes are refused (min-replicas-to-write)";
  } else if (figures.replica && figures.primary_refused) {
    check.level = Level::kRed;
    check.text = "the primary is empty and was refused: this replica keeps its data (replica-accept-empty-primary)";
  } else if (figures.replica && !figures.link_up) {
    check.level = Level::kYellow;
    check.text = "the link to the primary is down";
  }
  return check;
}

Check persistence(Figures const& figures) {
  if (figures.durable()) return {.name = "persistence"};
  return {.name = "persistence", .level = Level::kYellow,
          .text = "neither AOF nor save points are configured: a restart loses all data"};
}

}  // namespace

std::string_view level_name(Level level) {
  switch (level) {
    case Level::kGreen: return "green";
    case Level::kYellow: return "yellow";
    case Level::kRed: return "red";
  }
  return "red";
}

DataAtRisk Figures::at_risk() const {
  if (append_only) return {static_cast<double>(unsynced_us) / 1e6, unsynced_bytes, 0};
  uint64_t const changes = persistence.changes_since_save;
  if (changes == 0) return {};
  uint64_t const mean = keys > 0 ? dataset_bytes / keys : 0;
  // Many changes may be of the same keys.
  uint64_t const bytes = keys > 0 && changes < keys ? changes * mean : dataset_bytes;
  return {static_cast<double>(unsaved_us) / 1e6, bytes, changes};
}

Report judge(Figures const& figures, Limits const& limits) {
  Report report;
  report.checks = {loading(figures),     persistence(figures), snapshot(figures, limits), rewrite(figures),
                   log_writing(figures), log_sync(figures, limits), disk_space(figures),  memory(figures),
                   replication(figures)};
  for (Check const& check : report.checks) report.level = std::max(report.level, check.level);
  report.ready = !figures.persistence.loading && !figures.shutting_down && !figures.refuses_writes &&
                 (!figures.append_only || figures.log_status.ok());
  report.at_risk = figures.at_risk();
  return report;
}

}  // namespace holdfast::health
