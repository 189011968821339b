#include "commands/databases.h"

#include <limits>

#include "base/number.h"
#include "command/errors.h"
#include "command/services.h"
#include "command/session.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

void cmd_dbsize(Txn& txn, Args, Reply& reply) { reply.integer(static_cast<int64_t>(txn.keyspace().keys(txn.db()))); }

/// ASYNC and SYNC make no difference: the tables are unhooked at once and freed in the background.
bool is_flush(Args args, Reply& reply) {
  if (args.size() == 1 || (args.size() == 2 && (args.is(1, "ASYNC") || args.is(1, "SYNC")))) return true;
  reply.error(errors::kSyntax);
  return false;
}

void cmd_flushdb(Txn& txn, Args args, Reply& reply) {
  if (!is_flush(args, reply)) return;
  txn.flush(txn.db());
  reply.ok();
}

void cmd_flushall(Txn& txn, Args args, Reply& reply) {
  if (!is_flush(args, reply)) return;
  txn.flush(-1);
  reply.ok();
}

std::optional<int> swap_index(std::string_view text, std::string_view error, Reply& reply) {
  std::optional<int64_t> value = parse_int64(text);
  if (value && *value >= std::numeric_limits<int>::min() && *value <= std::numeric_limits<int>::max()) {
    return static_cast<int>(*value);
  }
  reply.error(error);
  return std::nullopt;
}

void cmd_swapdb(Txn& txn, Args args, Reply& reply) {
  std::optional<int> first = swap_index(args[1], "invalid first DB index", reply);
  if (!first) return;
  std::optional<int> second = swap_index(args[2], "invalid second DB index", reply);
  if (!second) return;
  int databases = txn.keyspace().databases();
  if (*first < 0 || *first >= databases || *second < 0 || *second >= databases) {
    return reply.error(errors::kDbIndexOutOfRange);
  }
  if (*first == *second) {
    txn.mark_dirty();
  } else {
    txn.swap_databases(*first, *second);
  }
  reply.ok();
}

constexpr std::string_view kFlushHistory =
    "4.0.0: Added the `ASYNC` flushing mode modifier.; 6.2.0: Added the `SYNC` flushing mode modifier.";

constexpr CommandRow kDatabasesRows[] = {
    {.name = "dbsize", .arity = 1, .flags = "readonly fast all_partitions", .keys = "", .categories = "keyspace",
     .tips = "request_policy:all_shards; response_policy:agg_sum", .group = "server", .since = "1.0.0",
     .complexity = "O(1)", .summary = "Counts the keys of the database.", .syntax = "", .handler = &cmd_dbsize},
    {.name = "flushdb", .arity = -1, .flags = "write all_partitions", .keys = "", .categories = "keyspace dangerous",
     .tips = "request_policy:all_shards; response_policy:all_succeeded", .group = "server", .since = "1.0.0",
     .complexity = "O(1); memory is freed in the background", .summary = "Removes all keys of the database.",
     .syntax = "[async:oneof(ASYNC@4.0.0|SYNC@6.2.0)]", .handler = &cmd_flushdb, .history = kFlushHistory},
    {.name = "flushall", .arity = -1, .flags = "write all_partitions", .keys = "", .categories = "keyspace dangerous",
     .tips = "request_policy:all_shards; response_policy:all_succeeded", .group = "server", .since = "1.0.0",
     .complexity = "O(1); memory is freed in the background", .summary = "Removes all keys of all databases.",
     .syntax = "[async:oneof(ASYNC@4.0.0|SYNC@6.2.0)]", .handler = &cmd_flushall, .history = kFlushHistory},
    {.name = "swapdb", .arity = 3, .flags = "write fast all_partitions", .keys = "", .categories = "keyspace dangerous",
     .tips = "", .group = "server", .since = "4.0.0",
     .complexity = "O(N) where N is the number of watched keys of both databases",
     .summary = "Exchanges the contents of two databases.", .syntax = "index1:integer index2:integer",
     .handler = &cmd_swapdb},
};

}  // namespace

CommandRows database_commands() { return kDatabasesRows; }

}  // namespace holdfast
