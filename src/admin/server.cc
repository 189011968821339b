#include "admin/server.h"

#include "admin/lolwut.h"
#include "base/number.h"
#include "command/redis_version.h"
#include "command/session.h"
#include "command/worker_context.h"
#include "log/log.h"

namespace holdfast {
namespace {

void cmd_time(Session& session, Args, Reply& reply) {
  int64_t const now_us = session.services().clock.unix_us();
  reply.array(2);
  reply.bulk_integer(now_us / 1'000'000);
  reply.bulk_integer(now_us % 1'000'000);
}

void cmd_lolwut(Session& session, Args args, Reply& reply) {
  // There is one picture for all versions.
  if (args.size() > 2 && args.is(1, "VERSION") && !args.integer(2, reply)) return;
  std::string const text = draw_fortress(session.worker().random) + "\nRedis ver. " + std::string(kRedisVersion) + "\n";
  reply.verbatim("txt", text);
}

constexpr CommandRow kServerRows[] = {
    {.name = "time", .arity = 1, .flags = "loading stale fast", .keys = "", .categories = "",
     .tips = "nondeterministic_output", .group = "server", .since = "2.6.0", .complexity = "O(1)",
     .summary = "Tells the time of the server.", .syntax = "", .handler = &cmd_time},
    {.name = "lolwut", .arity = -1, .flags = "readonly fast", .keys = "", .categories = "", .tips = "",
     .group = "server", .since = "5.0.0", .complexity = "O(1)", .summary = "Draws a picture and tells the version.",
     .syntax = "[VERSION version:integer]", .handler = &cmd_lolwut},
};

}  // namespace

CommandRows server_commands() { return kServerRows; }

}  // namespace holdfast
