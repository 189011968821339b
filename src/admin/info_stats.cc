#include <cstdio>

#include "acl/access_log.h"
#include "admin/info_sections.h"
#include "base/strings.h"
#include "command/command_table.h"
#include "command/server_state.h"
#include "command/statistics.h"
#include "config/config.h"
#include "config/special_values.h"
#include "keyspace/keyspace.h"
#include "pubsub/pubsub.h"
#include "replication/replication.h"
#include "pubsub/tracking.h"

// What has been counted: stats, commandstats, errorstats, latencystats.

namespace holdfast {
namespace {

using config::Directive;

void info_traffic(Statistics& statistics, replication::Replication& replication, InfoText& text) {
  Statistics::Rates const rates = statistics.rates();
  text.field("total_connections_received", statistics.sum(&WorkerStatistics::connections_received));
  text.field("total_commands_processed", statistics.sum(&WorkerStatistics::commands_processed));
  text.field("instantaneous_ops_per_sec", rates.commands);
  text.field("total_net_input_bytes", statistics.sum(&WorkerStatistics::net_input_bytes));
  text.field("total_net_output_bytes", statistics.sum(&WorkerStatistics::net_output_bytes));
  text.zero({"total_net_repl_input_bytes", "total_net_repl_output_bytes"});
  text.number("instantaneous_input_kbps", static_cast<double>(rates.input_bytes) / 1024);
  text.number("instantaneous_output_kbps", static_cast<double>(rates.output_bytes) / 1024);
  text.number("instantaneous_input_repl_kbps", 0);
  text.number("instantaneous_output_repl_kbps", 0);
  text.field("rejected_connections", statistics.sum(&WorkerStatistics::connections_rejected));
  replication::Replicas const& replicas = replication.replicas();
  text.field("sync_full", replicas.full.load(std::memory_order_relaxed));
  text.field("sync_partial_ok", replicas.partial_ok.load(std::memory_order_relaxed));
  text.field("sync_partial_err", replicas.partial_error.load(std::memory_order_relaxed));
}

void info_keys(Services& services, InfoText& text) {
  Keyspace const& keyspace = services.keyspace;
  MemoryLimit const& limit = services.state.memory_limit;
  text.field("expired_keys", keyspace.sum(&Partition::expired));
  text.field("expired_subkeys", keyspace.sum(&Partition::expired_fields));
  text.number("expired_stale_perc", 0);
  text.zero({"expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds"});
  text.field("evicted_keys", keyspace.sum(&Partition::evicted));
  text.field("evicted_clients", services.state.client_limit.evicted());
  text.field("total_eviction_exceeded_time", limit.exceeded_us() / 1000);
  text.field("current_eviction_exceeded_time", limit.exceeded_now_us() / 1000);
  text.field("keyspace_hits", keyspace.sum(&Partition::hits));
  text.field("keyspace_misses", keyspace.sum(&Partition::misses));
}

void info_defragmentation(Services& services, InfoText& text) {
  Defragmentation const& defragmentation = services.keyspace.defragmentation();
  int64_t const now_us = services.clock.monotonic_us();
  constexpr auto kOrder = std::memory_order_relaxed;
  text.field("active_defrag_hits", defragmentation.counts.hits.load(kOrder));
  text.field("active_defrag_misses", defragmentation.counts.misses.load(kOrder));
  text.field("active_defrag_key_hits", defragmentation.counts.key_hits.load(kOrder));
  text.field("active_defrag_key_misses", defragmentation.counts.key_misses.load(kOrder));
  text.field("total_active_defrag_time", defragmentation.total_us(now_us) / 1000);
  text.field("current_active_defrag_time", defragmentation.current_us(now_us) / 1000);
}

}  // namespace

void info_stats(Session& session, InfoText& text) {
  Services& services = session.services();
  Statistics& statistics = services.statistics;
  uint64_t errors = 0;
  for (auto const& [code, count] : statistics.errors()) errors += count;
  text.section("Stats");
  info_traffic(statistics, *services.replication, text);
  info_keys(services, text);
  PubSub const& pubsub = *services.pubsub;
  text.field("pubsub_channels", pubsub.channels().size());
  text.field("pubsub_patterns", pubsub.patterns());
  text.field("pubsubshard_channels", pubsub.shard_channels().size());
  text.zero({"latest_fork_usec", "total_forks", "migrate_cached_sockets", "slave_expires_tracked_keys"});
  info_defragmentation(services, text);
  text.field("tracking_total_keys", services.keyspace.tracked_keys.load(std::memory_order_relaxed));
  text.field("tracking_total_items", services.keyspace.tracked_items.load(std::memory_order_relaxed));
  text.field("tracking_total_prefixes", services.tracking->prefixes());
  text.zero({"unexpected_error_replies"});
  text.field("total_error_replies", errors);
  text.zero({"dump_payload_sanitizations"});
  text.field("total_reads_processed", statistics.sum(&WorkerStatistics::reads));
  text.field("total_writes_processed", statistics.sum(&WorkerStatistics::writes));
  text.zero({"io_threaded_reads_processed", "io_threaded_writes_processed", "reply_buffer_shrinks",
             "reply_buffer_expands"});
  Statistics::Rates const rates = statistics.rates();
  text.field("eventloop_cycles", statistics.sum(&WorkerStatistics::loop_turns));
  text.field("eventloop_duration_sum", statistics.sum(&WorkerStatistics::loop_microseconds));
  text.field("eventloop_duration_cmd_sum", statistics.command_microseconds());
  text.field("instantaneous_eventloop_cycles_per_sec", rates.loop_turns);
  text.field("instantaneous_eventloop_duration_usec", rates.loop_microseconds);
  acl::AccessLog const& refused = services.access_log;
  text.field("acl_access_denied_auth", refused.count(acl::Reason::kAuth));
  text.field("acl_access_denied_cmd", refused.count(acl::Reason::kCommand));
  text.field("acl_access_denied_key", refused.count(acl::Reason::kKey));
  text.field("acl_access_denied_channel", refused.count(acl::Reason::kChannel));
}

void info_commandstats(Session& session, InfoText& text) {
  Services& services = session.services();
  text.section("Commandstats");
  for (uint16_t id = 0; id < services.commands.size(); id++) {
    Statistics::CommandSum const sum = services.statistics.command(id);
    if (sum.calls == 0 && sum.rejected == 0 && sum.failed == 0) continue;
    double const total_us = static_cast<double>(sum.nanoseconds) / 1000;
    char line[192];
    int const length = std::snprintf(
        line, sizeof line, "calls=%llu,usec=%llu,usec_per_call=%.2f,rejected_calls=%llu,failed_calls=%llu",
        static_cast<unsigned long long>(sum.calls), static_cast<unsigned long long>(sum.nanoseconds / 1000),
        sum.calls ? total_us / static_cast<double>(sum.calls) : 0.0, static_cast<unsigned long long>(sum.rejected),
        static_cast<unsigned long long>(sum.failed));
    text.field("cmdstat_" + info_name(services.commands.by_id(id).full_name),
               std::string_view(line, static_cast<size_t>(length)));
  }
}

void info_errorstats(Session& session, InfoText& text) {
  text.section("Errorstats");
  for (auto const& [code, count] : session.services().statistics.errors()) {
    text.field("errorstat_" + info_name(code), "count=" + to_text_unsigned(count));
  }
}

void info_latencystats(Session& session, InfoText& text) {
  Services& services = session.services();
  std::vector<std::string> const names = config::split_spaces(services.config.text(Directive::kLatencyTrackingInfoPercentiles));
  std::vector<double> const percents = services.config.latency_percentiles();
  text.section("Latencystats");
  for (uint16_t id = 0; id < services.commands.size(); id++) {
    LatencyDistribution const distribution = services.statistics.latency(id);
    if (distribution.calls() == 0) continue;
    std::string values;
    for (size_t i = 0; i < percents.size() && i < names.size(); i++) {
      char value[64];
      std::snprintf(value, sizeof value, "=%.3f", static_cast<double>(distribution.percentile(percents[i])) / 1000);
      values.append(i ? ",p" : "p").append(names[i]).append(value);
    }
    text.field("latency_percentiles_usec_" + info_name(services.commands.by_id(id).full_name), values);
  }
}

}  // namespace holdfast
