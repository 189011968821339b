#pragma once

#include <algorithm>

#include "base/latency_monitor.h"
#include "command/command_table.h"
#include "command/services.h"
#include "command/session.h"
#include "command/slowlog.h"
#include "command/worker_context.h"
#include "config/config.h"

namespace holdfast {

/// Counts a call of `command` that was executed and took `nanoseconds`: statistics of its worker, the latency monitor and
/// the slow log (not of what is replayed). `failed`: it replied an error, whose first word is `error_code`. `event`: the
/// name for the latency monitor, when it is not that of the command's kind.
inline void count_call(Session& session, Command const& command, Args args, uint64_t nanoseconds, bool failed,
                       std::string_view error_code, std::string_view event = {}) {
  Services& services = session.services();
  WorkerContext& worker = session.worker();
  CommandStatistics& statistics = worker.statistics.commands[command.id];
  statistics.calls.add(1);
  statistics.nanoseconds.add(nanoseconds);
  if (services.config.flag(config::Directive::kLatencyTracking)) statistics.latency.record(nanoseconds);
  if (failed) [[unlikely]] {
    statistics.failed.add(1);
    worker.statistics.count_error(error_code);
  }
  if (services.latency.is_late(nanoseconds) && !session.owns_keyspace()) [[unlikely]] {
    services.latency.note(!event.empty() ? event : command.has(kFast) ? "fast-command" : "command", nanoseconds);
  }
  if (services.slow_log.is_slow(nanoseconds) && !command.has(kSkipSlowlog) && !session.owns_keyspace()) [[unlikely]] {
    int64_t const began_us = services.clock.monotonic_us() - static_cast<int64_t>(nanoseconds / 1000);
    int64_t const waited_us = session.received_us == 0 ? 0 : std::max<int64_t>(began_us - session.received_us, session.lock_wait_us);
    services.slow_log.record(session.card(), command, args, worker.now_ms, nanoseconds, {waited_us, session.lock_wait_us});
  }
}

}  // namespace holdfast
