#include "pubsub/monitor_command.h"

#include "command/session.h"
#include "pubsub/monitors.h"

namespace holdfast {
namespace {

void cmd_monitor(Session& session, Args, Reply& reply) {
  if (session.executing_transaction) return reply.error("MONITOR isn't allowed for DENY BLOCKING client");
  // Said again, it is not even answered.
  if (session.services().monitors->add(session)) reply.ok();
}

constexpr CommandRow kMonitorRows[] = {
    {.name = "monitor", .arity = 1, .flags = "admin noscript loading stale", .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "1.0.0", .complexity = "", .summary = "Shows every command that the server executes.",
     .syntax = "", .handler = &cmd_monitor},
};

}  // namespace

CommandRows monitor_command() { return kMonitorRows; }

}  // namespace holdfast
