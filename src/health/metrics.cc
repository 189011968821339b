#include <sys/resource.h>

#include <cstdio>
#include <map>
#include <utility>
#include <vector>

#include "base/number.h"
#include "base/strings.h"
#include "command/client_card.h"
#include "command/command_table.h"
#include "command/redis_version.h"
#include "command/server_state.h"
#include "command/statistics.h"
#include "health/report_text.h"
#include "keyspace/keyspace.h"

// The format: https://prometheus.io/docs/instrumenting/exposition_formats/

namespace holdfast::health {
namespace {

class Metrics {
 public:
  /// The lines in front of the samples of one metric. `type`: "gauge" or "counter".
  void begin(char const* name, char const* type, char const* help) {
    name_ = name;
    text_.append("# HELP holdfast_").append(name).append(" ").append(help);
    text_.append("\n# TYPE holdfast_").append(name).append(" ").append(type).append("\n");
  }
  void sample(std::string const& labels, double value) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.17g", value);
    line(labels, digits);
  }
  void sample(std::string const& labels, uint64_t value) { line(labels, to_text_unsigned(value)); }

  /// A sample of a histogram: `suffix` is "bucket", "sum" or "count".
  void part(char const* suffix, std::string const& labels, uint64_t value) { line(labels, to_text_unsigned(value), suffix); }
  void part(char const* suffix, std::string const& labels, double value) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.9g", value);
    line(labels, digits, suffix);
  }

  void gauge(char const* name, char const* help, double value) {
    begin(name, "gauge", help);
    sample("", value);
  }
  void gauge(char const* name, char const* help, uint64_t value) {
    begin(name, "gauge", help);
    sample("", value);
  }
  void counter(char const* name, char const* help, uint64_t value) {
    begin(name, "counter", help);
    sample("", value);
  }
  std::string take() { return std::move(text_); }

 private:
  void line(std::string const& labels, std::string_view value, char const* suffix = nullptr) {
    text_.append("holdfast_").append(name_);
    if (suffix) text_.append("_").append(suffix);
    if (!labels.empty()) text_.append("{").append(labels).append("}");
    text_.append(" ").append(value).append("\n");
  }
  std::string text_;
  std::string name_;
};

/// name="value"
std::string label(std::string_view name, std::string_view value) {
  std::string text(name);
  text += "=\"";
  for (char const each : value) {
    if (each == '"' || each == '\\') text += '\\';
    each == '\n' ? text += "\\n" : text += each;
  }
  return text + '"';
}

uint64_t as_number(bool yes) { return yes ? 1 : 0; }
uint64_t not_negative(int64_t value) { return value > 0 ? static_cast<uint64_t>(value) : 0; }

void add_health(Monitor::Seen const& seen, Metrics& metrics) {
  Report const& report = seen.report;
  metrics.gauge("status", "The worst of all checks: 0 green, 1 yellow, 2 red.", static_cast<uint64_t>(report.level));
  metrics.begin("check", "gauge", "One check of HEALTH: 0 green, 1 yellow, 2 red.");
  for (Check const& check : report.checks) metrics.sample(label("check", check.name), static_cast<uint64_t>(check.level));
  metrics.gauge("ready", "1 when the server has its data and takes writes.", as_number(report.ready));
  metrics.gauge("data_at_risk_seconds", "Age of the oldest change that a crash of the machine would lose now.",
                report.at_risk.seconds);
  metrics.gauge("data_at_risk_bytes", "Bytes that a crash of the machine would lose now (without AOF an estimate).",
                report.at_risk.bytes);
  metrics.gauge("data_at_risk_changes", "Changes since the last snapshot, where there is no AOF.", report.at_risk.changes);
  metrics.gauge("disk_free_bytes", "Free space where the data files are.", seen.figures.disk_free_bytes);
  metrics.gauge("next_snapshot_bytes", "What the next snapshot is expected to take.", seen.figures.next_cut_bytes);
}

void add_persistence(Figures const& figures, log::Log const& log, Metrics& metrics) {
  snapshot::PersistenceInfo const& info = figures.persistence;
  metrics.gauge("loading", "1 while data are being loaded.", as_number(info.loading));
  metrics.gauge("loading_total_bytes", "Bytes of the files that are being loaded.", info.loading_total_bytes);
  metrics.gauge("loading_loaded_bytes", "How much of that is loaded.", info.loading_loaded_bytes);
  metrics.gauge("rdb_last_save_timestamp_seconds", "When the last snapshot was complete.", not_negative(info.last_save_s));
  metrics.gauge("rdb_last_save_ok", "1 when the last snapshot succeeded.", as_number(info.last_save_ok));
  metrics.gauge("rdb_save_in_progress", "1 while a snapshot is being written.", as_number(info.saving));
  metrics.gauge("rdb_changes_since_last_save", "Changes since the last snapshot.", info.changes_since_save);
  metrics.counter("rdb_saves_total", "Successful snapshots.", info.saves);
  metrics.gauge("aof_enabled", "1 when the AOF is on.", as_number(figures.append_only));
  metrics.gauge("aof_last_write_ok", "1 when the AOF can be written and synced.", as_number(figures.log_status.ok()));
  metrics.gauge("aof_last_rewrite_ok", "1 when the last rewrite succeeded.", as_number(info.last_rewrite_ok));
  metrics.gauge("aof_rewrite_in_progress", "1 while the AOF is rewritten.", as_number(info.rewriting));
  metrics.counter("aof_rewrites_total", "Rewrites of the AOF.", info.rewrites);
  log::LogSizes const sizes = log.sizes();
  metrics.gauge("aof_current_size_bytes", "Base and increments.", sizes.current_bytes);
  metrics.gauge("aof_base_size_bytes", "The AOF after its last rewrite.", sizes.base_bytes);
  metrics.gauge("aof_buffer_bytes", "Appended and not written to the file yet.", sizes.buffer_bytes);
  metrics.counter("aof_delayed_fsyncs_total", "Fsyncs that were late.", sizes.delayed_syncs);
  metrics.gauge("aof_unsynced_bytes", "Bytes of the AOF that are not on the disk.", figures.unsynced_bytes);
  metrics.gauge("aof_unsynced_seconds", "Age of the oldest of them.", static_cast<double>(figures.unsynced_us) / 1e6);
  metrics.counter("log_bytes_total", "Bytes ever appended to the log.", log.appended_offset());
}

void add_traffic(Services& services, Metrics& metrics) {
  Statistics& statistics = services.statistics;
  metrics.gauge("connected_clients", "Connections.", static_cast<uint64_t>(services.clients.size()));
  metrics.counter("connections_received_total", "Connections accepted.", statistics.sum(&WorkerStatistics::connections_received));
  metrics.counter("connections_rejected_total", "Connections refused.", statistics.sum(&WorkerStatistics::connections_rejected));
  metrics.counter("commands_processed_total", "Commands executed.", statistics.sum(&WorkerStatistics::commands_processed));
  metrics.counter("net_input_bytes_total", "Bytes read from clients.", statistics.sum(&WorkerStatistics::net_input_bytes));
  metrics.counter("net_output_bytes_total", "Bytes sent to clients.", statistics.sum(&WorkerStatistics::net_output_bytes));
  metrics.begin("errors_total", "counter", "Error replies by their first word.");
  for (auto const& [code, count] : statistics.errors()) metrics.sample(label("err", code), count);

  std::map<std::string, Statistics::CommandSum> called;
  for (uint16_t id = 0; id < services.commands.size(); id++) {
    Statistics::CommandSum const sum = statistics.command(id);
    if (sum.calls + sum.rejected + sum.failed > 0) called.emplace(label("cmd", services.commands.by_id(id).full_name), sum);
  }
  metrics.begin("commands_total", "counter", "Calls of a command.");
  for (auto const& [name, sum] : called) metrics.sample(name, sum.calls);
  metrics.begin("commands_duration_seconds_total", "counter", "Time spent in a command.");
  for (auto const& [name, sum] : called) metrics.sample(name, static_cast<double>(sum.nanoseconds) / 1e9);
  metrics.begin("commands_rejected_total", "counter", "Calls that were refused before they were executed.");
  for (auto const& [name, sum] : called) metrics.sample(name, sum.rejected);
  metrics.begin("commands_failed_total", "counter", "Calls that replied an error.");
  for (auto const& [name, sum] : called) metrics.sample(name, sum.failed);
}

/// What commands wait for before they are executed. As many samples as there are buckets and workers, whatever clients do; so
/// names of keys are no labels: TOPKEYS tells hot and big ones.
void add_waiting(Statistics const& statistics, Metrics& metrics) {
  struct Wait {
    char const* name;
    LatencyHistogram WorkerStatistics::*histogram;
  };
  static constexpr Wait kWaits[] = {
      {"turn", &WorkerStatistics::turns}, {"locks", &WorkerStatistics::lock_waits}, {"held", &WorkerStatistics::held_waits}};
  // In powers of four from 16 us to a second.
  constexpr uint64_t kFirstNanoseconds = 16'384;
  constexpr int kBuckets = 9;
  metrics.begin("waiting_seconds", "histogram",
                "How long a turn of a worker's loop took, and how long commands waited for locks or were held back.");
  for (Wait const& wait : kWaits) {
    LatencyDistribution const waited = statistics.latency(wait.histogram);
    std::string const labels = label("for", wait.name);
    for (int i = 0; i < kBuckets; i++) {
      uint64_t const bound = kFirstNanoseconds << (2 * i);
      char le[40];
      std::snprintf(le, sizeof le, "%.9g", static_cast<double>(bound) / 1e9);
      metrics.part("bucket", labels + "," + label("le", le), waited.calls_within(bound));
    }
    metrics.part("bucket", labels + "," + label("le", "+Inf"), waited.calls());
    metrics.part("sum", labels, waited.total_seconds());
    metrics.part("count", labels, waited.calls());
  }
  std::vector<std::pair<std::string, WorkerStatistics const*>> workers;
  for (auto const& worker : statistics.workers()) {
    if (!worker->name.empty()) workers.emplace_back(label("worker", to_text_unsigned(workers.size())), worker.get());
  }
  metrics.begin("worker_commands_total", "counter", "Commands that a worker has executed.");
  for (auto const& [labels, worker] : workers) metrics.sample(labels, worker->commands_processed.get());
  metrics.begin("worker_turns_total", "counter", "Turns of its loop.");
  for (auto const& [labels, worker] : workers) metrics.sample(labels, worker->loop_turns.get());
  metrics.begin("worker_busy_seconds_total", "counter", "Time that it has not spent waiting for something to do.");
  for (auto const& [labels, worker] : workers) metrics.sample(labels, static_cast<double>(worker->loop_microseconds.get()) / 1e6);
}

void add_keyspace(Services& services, Metrics& metrics) {
  Keyspace const& keyspace = services.keyspace;
  metrics.begin("db_keys", "gauge", "Keys of a database.");
  for (int db = 0; db < keyspace.databases(); db++) metrics.sample(label("db", "db" + to_text(db)), keyspace.keys(db));
  metrics.begin("db_keys_expiring", "gauge", "Those of them that have a time to live.");
  for (int db = 0; db < keyspace.databases(); db++) {
    metrics.sample(label("db", "db" + to_text(db)), keyspace.expiring_keys(db));
  }
  metrics.counter("expired_keys_total", "Keys that have expired.", keyspace.sum(&Partition::expired));
  metrics.counter("evicted_keys_total", "Keys deleted to keep within maxmemory.", keyspace.sum(&Partition::evicted));
  metrics.counter("keyspace_hits_total", "Lookups that found a key.", keyspace.sum(&Partition::hits));
  metrics.counter("keyspace_misses_total", "Lookups that found none.", keyspace.sum(&Partition::misses));
}

void add_process(Services& services, Figures const& figures, Metrics& metrics) {
  metrics.begin("build_info", "gauge", "Always 1; the versions are in the labels.");
  metrics.sample(label("version", HOLDFAST_VERSION) + "," + label("redis_version", kRedisVersion), uint64_t{1});
  metrics.gauge("start_time_seconds", "When the server was started.", not_negative(figures.started_s));
  metrics.gauge("workers", "Threads that execute commands.", static_cast<uint64_t>(services.control.worker_count()));
  metrics.gauge("memory_used_bytes", "Memory in use, as INFO counts it.", figures.used_memory);
  metrics.gauge("memory_dataset_bytes", "Memory of keys and values.", figures.dataset_bytes);
  metrics.gauge("memory_peak_bytes", "The most that was used.", services.state.memory.peak());
  metrics.gauge("memory_max_bytes", "maxmemory; 0 is without limit.", figures.maxmemory);
  metrics.gauge("memory_resident_bytes", "Memory of the process.", resident_bytes());
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  auto const seconds = [](timeval const& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  metrics.begin("cpu_seconds_total", "counter", "Processor time of the process.");
  metrics.sample(label("mode", "user"), seconds(usage.ru_utime));
  metrics.sample(label("mode", "system"), seconds(usage.ru_stime));
}

}  // namespace

std::string metrics_text(Services& services, Monitor::Seen const& seen) {
  Metrics metrics;
  add_process(services, seen.figures, metrics);
  add_health(seen, metrics);
  add_persistence(seen.figures, services.log, metrics);
  add_traffic(services, metrics);
  add_waiting(services.statistics, metrics);
  add_keyspace(services, metrics);
  return metrics.take();
}

}  // namespace holdfast::health
