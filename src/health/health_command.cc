#include "health/health_command.h"

#include "command/session.h"
#include "health/monitor.h"

namespace holdfast {
namespace {

void cmd_health(Session& session, Args, Reply& reply) {
  health::Report const report = session.services().health->look().report;
  reply.map(6);
  reply.field("status", health::level_name(report.level));
  reply.field("ready", report.ready ? 1 : 0);
  reply.bulk("data-at-risk-seconds");
  reply.number(report.at_risk.seconds);
  reply.field("data-at-risk-bytes", report.at_risk.bytes);
  reply.field("data-at-risk-changes", report.at_risk.changes);
  reply.bulk("checks");
  reply.map(report.checks.size());
  for (health::Check const& check : report.checks) {
    reply.bulk(check.name);
    reply.array(2);
    reply.bulk(health::level_name(check.level));
    reply.bulk(check.text);
  }
}

constexpr CommandRow kHealthRows[] = {
    {.name = "health", .arity = 1, .flags = "noscript loading stale fast allow_busy", .keys = "", .categories = "admin dangerous",
     .tips = "nondeterministic_output", .group = "server", .since = "0.1.0", .complexity = "O(1)",
     .summary = "Tells whether the data are safe, and what is wrong.", .syntax = "", .handler = &cmd_health},
};

}  // namespace

CommandRows health_commands() { return kHealthRows; }

}  // namespace holdfast
