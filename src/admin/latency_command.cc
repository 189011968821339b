#include "admin/latency_command.h"

#include <string>
#include <utility>
#include <vector>

#include "admin/help.h"
#include "admin/latency_report.h"
#include "base/strings.h"
#include "command/command_table.h"
#include "command/session.h"
#include "command/statistics.h"

namespace holdfast {
namespace {

constexpr char kLatency[] = "latency";

int64_t now_s(Session& session) { return session.services().clock.unix_us() / 1'000'000; }

void cmd_latency_latest(Session& session, Args, Reply& reply) {
  auto const events = session.services().latency.events();
  reply.array(events.size());
  for (LatencyMonitor::Event const& event : events) {
    reply.array(4);
    reply.bulk(event.name);
    reply.integer(event.samples.back().unix_s);
    reply.integer(event.samples.back().ms);
    reply.integer(event.longest_ms);
  }
}

void cmd_latency_history(Session& session, Args args, Reply& reply) {
  auto const event = session.services().latency.event(args[2]);
  reply.array(event.samples.size());
  for (LatencyMonitor::Sample const& sample : event.samples) {
    reply.array(2);
    reply.integer(sample.unix_s);
    reply.integer(sample.ms);
  }
}

void cmd_latency_reset(Session& session, Args args, Reply& reply) {
  reply.integer(static_cast<int64_t>(session.services().latency.reset(args.span().subspan(2))));
}

void cmd_latency_graph(Session& session, Args args, Reply& reply) {
  auto const event = session.services().latency.event(args[2]);
  if (event.samples.empty()) return reply.error("No samples available for event '" + std::string(until_zero_byte(args[2])) + "'");
  reply.verbatim("txt", latency_graph(event, now_s(session)));
}

void cmd_latency_doctor(Session& session, Args, Reply& reply) {
  Services& services = session.services();
  reply.verbatim("txt", latency_doctor(services.latency.events(), services.config, now_s(session)));
}

using Distributions = std::vector<std::pair<Command const*, LatencyDistribution>>;

void add_distributions(Services& services, Command const& command, Distributions& called) {
  LatencyDistribution distribution = services.statistics.latency(command.id);
  if (distribution.calls() > 0) called.emplace_back(&command, std::move(distribution));
  for (Command const* subcommand : command.subcommands) add_distributions(services, *subcommand, called);
}

/// A container stands for its subcommands; a subcommand is named `config|get`.
void add_named(Services& services, std::string_view name, Distributions& called) {
  Command const* command = services.commands.find_full(name);
  if (command) add_distributions(services, *command, called);
}

void reply_distribution(std::string_view name, LatencyDistribution const& distribution, Reply& reply) {
  auto const steps = distribution.cumulative();
  reply.bulk(name);
  reply.map(2);
  reply.field("calls", distribution.calls());
  reply.bulk("histogram_usec");
  reply.map(steps.size());
  for (auto const& step : steps) {
    reply.integer(static_cast<int64_t>(step.microseconds));
    reply.integer(static_cast<int64_t>(step.calls));
  }
}

void cmd_latency_queueing(Session& session, Args, Reply& reply) {
  Statistics const& statistics = session.services().statistics;
  reply.map(3);
  reply_distribution("turn", statistics.latency(&WorkerStatistics::turns), reply);
  reply_distribution("locks", statistics.latency(&WorkerStatistics::lock_waits), reply);
  reply_distribution("held", statistics.latency(&WorkerStatistics::held_waits), reply);
}

void cmd_latency_histogram(Session& session, Args args, Reply& reply) {
  Services& services = session.services();
  Distributions called;
  if (args.size() == 2) {
    for (Command const* command : services.commands.top_level()) add_distributions(services, *command, called);
  }
  for (std::string_view name : args.span().subspan(2)) add_named(services, name, called);
  reply.map(called.size());
  for (auto const& [command, distribution] : called) reply_distribution(command->full_name, distribution, reply);
}

constexpr std::string_view kAllNodes = "nondeterministic_output; request_policy:all_nodes; response_policy:special";

constexpr CommandRow kLatencyRows[] = {
    {.name = "latency", .arity = -2, .flags = "", .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "2.8.13", .complexity = "Depends on the subcommand.", .summary = "Commands about what took long.",
     .syntax = ""},
    {.name = "latency|doctor", .arity = 2, .flags = "admin noscript loading stale", .keys = "", .categories = "",
     .tips = kAllNodes, .group = "server", .since = "2.8.13", .complexity = "O(1)",
     .summary = "Tells what was late and what helps.", .syntax = "", .handler = &cmd_latency_doctor},
    {.name = "latency|graph", .arity = 3, .flags = "admin noscript loading stale", .keys = "", .categories = "",
     .tips = kAllNodes, .group = "server", .since = "2.8.13", .complexity = "O(1)",
     .summary = "Draws the samples of an event.", .syntax = "event:string", .handler = &cmd_latency_graph},
    {.name = "latency|help", .arity = 2, .flags = "loading stale", .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "2.8.13", .complexity = "O(1)", .summary = "Prints this help.", .syntax = "",
     .handler = &cmd_help<kLatency>},
    {.name = "latency|histogram", .arity = -2, .flags = "admin noscript loading stale", .keys = "", .categories = "",
     .tips = kAllNodes, .group = "server", .since = "7.0.0",
     .complexity = "O(N) where N is the number of commands that were called",
     .summary = "Tells how long the calls of commands took.", .syntax = "[command:string...]",
     .handler = &cmd_latency_histogram},
    {.name = "latency|history", .arity = 3, .flags = "admin noscript loading stale", .keys = "", .categories = "",
     .tips = kAllNodes, .group = "server", .since = "2.8.13", .complexity = "O(1)",
     .summary = "Tells the samples of an event.", .syntax = "event:string", .handler = &cmd_latency_history},
    {.name = "latency|latest", .arity = 2, .flags = "admin noscript loading stale", .keys = "", .categories = "",
     .tips = kAllNodes, .group = "server", .since = "2.8.13", .complexity = "O(1)",
     .summary = "Tells the latest sample of each event.", .syntax = "", .handler = &cmd_latency_latest},
    {.name = "latency|queueing", .arity = 2, .flags = "admin noscript loading stale", .keys = "", .categories = "",
     .tips = kAllNodes, .group = "server", .since = "7.2.4", .complexity = "O(1)",
     .summary = "Tells how long commands have waited before they were executed.", .syntax = "",
     .handler = &cmd_latency_queueing},
    {.name = "latency|reset", .arity = -2, .flags = "admin noscript loading stale", .keys = "", .categories = "",
     .tips = "request_policy:all_nodes; response_policy:all_succeeded", .group = "server", .since = "2.8.13",
     .complexity = "O(1)", .summary = "Forgets the samples of some events, or all.", .syntax = "[event:string...]",
     .handler = &cmd_latency_reset},
};

}  // namespace

CommandRows latency_commands() { return kLatencyRows; }

}  // namespace holdfast
