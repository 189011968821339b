#include <limits>

#include "acl/access_log.h"
#include "admin/acl_command.h"
#include "admin/help.h"
#include "command/services.h"

namespace holdfast {
namespace {

constexpr size_t kDefaultCount = 10;

void reply_entry(acl::AccessLog::Entry const& entry, int64_t now_ms, Reply& reply) {
  reply.map(10);
  reply.field("count", entry.count);
  reply.field("reason", acl::name_of(entry.reason));
  reply.field("context", acl::name_of(entry.context));
  reply.field("object", entry.object);
  reply.field("username", entry.username);
  reply.bulk("age-seconds");
  reply.number(static_cast<double>(now_ms - entry.updated_ms) / 1000);
  reply.field("client-info", entry.client);
  reply.field("entry-id", entry.id);
  reply.field("timestamp-created", entry.created_ms);
  reply.field("timestamp-last-updated", entry.updated_ms);
}

}  // namespace

void cmd_acl_log(Session& session, Args args, Reply& reply) {
  if (args.size() > 3) return reply_wrong_arguments(args, reply);
  Services& services = session.services();
  size_t count = kDefaultCount;
  if (args.size() == 3) {
    if (args.is(2, "RESET")) {
      services.access_log.reset();
      return reply.ok();
    }
    auto const asked = args.integer(2, reply);
    if (!asked) return;
    count = *asked < 0 ? 0 : static_cast<size_t>(*asked);
  }
  auto const entries = services.access_log.newest(count);
  int64_t const now_ms = services.clock.unix_ms();
  reply.array(entries.size());
  for (auto const& entry : entries) reply_entry(entry, now_ms, reply);
}

}  // namespace holdfast
