#include <algorithm>

#include "admin/info_sections.h"
#include "command/server_state.h"
#include "config/config.h"
#include "health/monitor.h"
#include "log/log.h"
#include "snapshot/persistence.h"

// What is on disk: persistence.

namespace holdfast {
namespace {

using snapshot::PersistenceInfo;

constexpr std::string_view ok_or_err(bool ok) { return ok ? "ok" : "err"; }

void info_loading(PersistenceInfo const& info, InfoText& text) {
  double const total = static_cast<double>(std::max<uint64_t>(1, info.loading_total_bytes));
  double const part = static_cast<double>(info.loading_loaded_bytes) / total;
  text.field("loading_start_time", info.loading_start_s);
  text.field("loading_total_bytes", info.loading_total_bytes);
  text.zero({"loading_rdb_used_mem"});
  text.field("loading_loaded_bytes", info.loading_loaded_bytes);
  text.number("loading_loaded_perc", part * 100);
  text.field("loading_eta_seconds", info.loading_seconds_left.value_or(1));
}

}  // namespace

void info_persistence(Session& session, InfoText& text) {
  Services& services = session.services();
  PersistenceInfo const info = services.persistence.info();
  bool const aof = services.log.state() != log::LogState::kOff;
  bool const working = info.saving || info.rewriting;
  double const progress = working && info.current_keys_total > 0
                              ? static_cast<double>(info.current_keys_processed) /
                                    static_cast<double>(info.current_keys_total) * 100
                              : 0;
  text.section("Persistence");
  text.field("loading", info.loading ? 1 : 0);
  // Nothing is forked and nothing is copied on write.
  text.zero({"async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age"});
  text.number("current_fork_perc", progress);
  text.field("current_save_keys_processed", info.current_keys_processed);
  text.field("current_save_keys_total", info.current_keys_total);
  text.field("rdb_changes_since_last_save", info.changes_since_save);
  text.field("rdb_bgsave_in_progress", info.saving ? 1 : 0);
  text.field("rdb_last_save_time", info.last_save_s);
  text.field("rdb_last_bgsave_status", ok_or_err(info.last_save_ok));
  text.field("rdb_last_bgsave_time_sec", info.last_save_duration_s);
  text.field("rdb_current_bgsave_time_sec", info.current_save_duration_s);
  text.field("rdb_saves", info.saves);
  text.zero({"rdb_last_cow_size"});
  text.field("rdb_last_load_keys_expired", info.load_expired_keys);
  text.field("rdb_last_load_keys_loaded", info.loaded_keys);
  text.field("aof_enabled", aof ? 1 : 0);
  text.field("aof_rewrite_in_progress", info.rewriting ? 1 : 0);
  text.field("aof_rewrite_scheduled", info.rewrite_scheduled ? 1 : 0);
  text.field("aof_last_rewrite_time_sec", info.last_rewrite_duration_s);
  text.field("aof_current_rewrite_time_sec", info.current_rewrite_duration_s);
  text.field("aof_last_bgrewrite_status", ok_or_err(info.last_rewrite_ok));
  text.field("aof_rewrites", info.rewrites);
  text.field("aof_rewrites_consecutive_failures", info.rewrite_consecutive_failures);
  text.field("aof_last_write_status", ok_or_err(!aof || services.log.status().ok()));
  text.zero({"aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"});
  if (aof) {
    log::LogSizes const sizes = services.log.sizes();
    text.field("aof_current_size", sizes.current_bytes);
    text.field("aof_base_size", sizes.base_bytes);
    text.zero({"aof_pending_rewrite"});
    text.field("aof_buffer_length", sizes.buffer_bytes);
    text.field("aof_pending_bio_fsync", sizes.pending_syncs);
    text.field("aof_delayed_fsync", sizes.delayed_syncs);
  }
  if (services.health) {
    health::Report const report = services.health->look().report;
    text.field("health", health::level_name(report.level));
    text.number("data_at_risk_seconds", report.at_risk.seconds);
    text.field("data_at_risk_bytes", report.at_risk.bytes);
  }
  if (info.loading) info_loading(info, text);
}

}  // namespace holdfast
