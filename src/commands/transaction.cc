#include "commands/transaction.h"

#include <algorithm>

#include "command/session.h"

namespace holdfast {
namespace {

void cmd_multi(Session& session, Args, Reply& reply) {
  if (session.transaction.open) return reply.error("MULTI calls can not be nested");
  session.transaction.open = true;
  session.card().queued_commands.store(0, std::memory_order_relaxed);
  reply.ok();
}

/// Only reached without MULTI: the gate runs an open transaction.
void cmd_exec(Session&, Args, Reply& reply) { reply.error("EXEC without MULTI"); }

void cmd_discard(Session& session, Args, Reply& reply) {
  if (!session.transaction.open) return reply.error("DISCARD without MULTI");
  session.end_transaction();
  reply.ok();
}

void cmd_watch(Txn& txn, Session& session, Args args, Reply& reply) {
  if (session.transaction.open) return reply.error("WATCH inside MULTI is not allowed");
  if (!session.watch_flag) {
    session.watch_flag = std::make_shared<std::atomic<bool>>(false);
    session.card().set_watch_flag(session.watch_flag);
  }
  for (size_t i = 1; i < args.size(); i++) {
    bool known = std::any_of(session.watched.begin(), session.watched.end(), [&](WatchedKey const& watched) {
      return watched.db == session.db() && watched.key == args[i];
    });
    if (known) continue;
    txn.watch(args[i], session.watch_flag);
    session.watched.push_back({session.db(), std::string(args[i])});
  }
  session.card().watched_keys.store(static_cast<int>(session.watched.size()), std::memory_order_relaxed);
  reply.ok();
}

void cmd_unwatch(Session& session, Args, Reply& reply) {
  session.unwatch();
  reply.ok();
}

constexpr CommandRow kTransactionRows[] = {
    {.name = "multi", .arity = 1, .flags = "noscript loading stale fast allow_busy", .keys = "", .categories = "transaction",
     .tips = "", .group = "transactions", .since = "1.2.0", .complexity = "O(1)",
     .summary = "Begins a transaction: what follows is queued until EXEC.", .syntax = "", .handler = &cmd_multi},
    {.name = "exec", .arity = 1, .flags = "noscript loading stale skip_slowlog", .keys = "", .categories = "transaction",
     .tips = "", .group = "transactions", .since = "1.2.0", .complexity = "Depends on commands in the transaction",
     .summary = "Runs the queued commands as one, unless a watched key has changed.", .syntax = "", .handler = &cmd_exec},
    {.name = "discard", .arity = 1, .flags = "noscript loading stale fast allow_busy", .keys = "",
     .categories = "transaction", .tips = "", .group = "transactions", .since = "2.0.0",
     .complexity = "O(N), when N is the number of queued commands",
     .summary = "Forgets the queued commands and the watched keys.", .syntax = "", .handler = &cmd_discard},
    {.name = "watch", .arity = -2, .flags = "noscript loading stale fast allow_busy", .keys = "RO i1 r(-1,1,0)",
     .categories = "transaction", .tips = "", .group = "transactions", .since = "2.2.0", .complexity = "O(1) for every key.",
     .summary = "Makes the next EXEC depend on these keys staying as they are.", .syntax = "key:key...",
     .handler = &cmd_watch},
    {.name = "unwatch", .arity = 1, .flags = "noscript loading stale fast allow_busy", .keys = "",
     .categories = "transaction", .tips = "", .group = "transactions", .since = "2.2.0", .complexity = "O(1)",
     .summary = "Forgets the watched keys.", .syntax = "", .handler = &cmd_unwatch},
};

}  // namespace

CommandRows transaction_commands() { return kTransactionRows; }

}  // namespace holdfast
