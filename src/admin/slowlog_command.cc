#include "admin/slowlog_command.h"

#include <limits>
#include <optional>
#include <vector>

#include "admin/help.h"
#include "command/session.h"
#include "command/slowlog.h"

namespace holdfast {
namespace {

constexpr char kSlowlog[] = "slowlog";
constexpr size_t kDefaultCount = 10;

/// The entries that are asked for; none: an error was replied.
std::optional<std::vector<SlowCommand>> asked_for(Session& session, Args args, Reply& reply) {
  if (args.size() > 3) {
    reply_wrong_arguments(args, reply);
    return std::nullopt;
  }
  size_t count = kDefaultCount;
  if (args.size() == 3) {
    constexpr std::string_view kBadCount = "count should be greater than or equal to -1";
    auto const asked = args.integer(2, reply, kBadCount);
    if (!asked) return std::nullopt;
    if (*asked < -1) {
      reply.error(kBadCount);
      return std::nullopt;
    }
    count = *asked == -1 ? std::numeric_limits<size_t>::max() : static_cast<size_t>(*asked);
  }
  return session.services().slow_log.latest(count);
}

void reply_arguments(SlowCommand const& command, Reply& reply) {
  reply.array(command.arguments.size());
  for (std::string const& argument : command.arguments) reply.bulk(argument);
}

void cmd_slowlog_waits(Session& session, Args args, Reply& reply) {
  auto const commands = asked_for(session, args, reply);
  if (!commands) return;
  reply.array(commands->size());
  for (SlowCommand const& command : *commands) {
    reply.map(6);
    reply.field("id", command.id);
    reply.field("time", command.unix_s);
    reply.field("executed-usec", command.microseconds);
    reply.field("waited-usec", command.waited_us);
    reply.field("waited-for-locks-usec", command.lock_wait_us);
    reply.bulk("command");
    reply_arguments(command, reply);
  }
}

void cmd_slowlog_get(Session& session, Args args, Reply& reply) {
  auto const commands = asked_for(session, args, reply);
  if (!commands) return;
  reply.array(commands->size());
  for (SlowCommand const& command : *commands) {
    reply.array(6);
    reply.integer(static_cast<int64_t>(command.id));
    reply.integer(command.unix_s);
    reply.integer(command.microseconds);
    reply_arguments(command, reply);
    reply.bulk(command.client_address);
    reply.bulk(command.client_name);
  }
}

void cmd_slowlog_len(Session& session, Args, Reply& reply) {
  reply.integer(static_cast<int64_t>(session.services().slow_log.size()));
}

void cmd_slowlog_reset(Session& session, Args, Reply& reply) {
  session.services().slow_log.clear();
  reply.ok();
}

constexpr CommandRow kSlowlogRows[] = {
    {.name = "slowlog", .arity = -2, .flags = "", .keys = "", .categories = "", .tips = "", .group = "server",
     .since = "2.2.12", .complexity = "Depends on the subcommand.", .summary = "Commands about the slow log.",
     .syntax = ""},
    {.name = "slowlog|get", .arity = -2, .flags = "admin loading stale", .keys = "", .categories = "",
     .tips = "request_policy:all_nodes; nondeterministic_output", .group = "server", .since = "2.2.12",
     .complexity = "O(N) where N is the number of entries", .summary = "Tells the latest slow commands.",
     .syntax = "[count:integer]", .handler = &cmd_slowlog_get,
     .history = "4.0.0: Added client IP address, port and name to the reply."},
    {.name = "slowlog|help", .arity = 2, .flags = "loading stale", .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "6.2.0", .complexity = "O(1)", .summary = "Prints this help.", .syntax = "",
     .handler = &cmd_help<kSlowlog>},
    {.name = "slowlog|len", .arity = 2, .flags = "admin loading stale", .keys = "", .categories = "",
     .tips = "request_policy:all_nodes; response_policy:agg_sum; nondeterministic_output", .group = "server",
     .since = "2.2.12", .complexity = "O(1)", .summary = "Tells how many slow commands are kept.", .syntax = "",
     .handler = &cmd_slowlog_len},
    {.name = "slowlog|reset", .arity = 2, .flags = "admin loading stale", .keys = "", .categories = "",
     .tips = "request_policy:all_nodes; response_policy:all_succeeded", .group = "server", .since = "2.2.12",
     .complexity = "O(N) where N is the number of entries", .summary = "Forgets the slow commands.", .syntax = "",
     .handler = &cmd_slowlog_reset},
    {.name = "slowlog|waits", .arity = -2, .flags = "admin loading stale", .keys = "", .categories = "",
     .tips = "request_policy:all_nodes; nondeterministic_output", .group = "server", .since = "7.2.4",
     .complexity = "O(N) where N is the number of entries",
     .summary = "Tells how long the latest slow commands have waited before they were executed.",
     .syntax = "[count:integer]", .handler = &cmd_slowlog_waits},
};

}  // namespace

CommandRows slowlog_commands() { return kSlowlogRows; }

}  // namespace holdfast
