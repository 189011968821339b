#include "commands/keys.h"

#include "command/errors.h"
#include "commands/database_index.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

/// DEL and UNLINK: big values are freed in the background by both.
void cmd_del(Txn& txn, Args args, Reply& reply) {
  int64_t removed = 0;
  for (size_t i = 1; i < args.size(); i++) removed += txn.drop(args[i]);
  reply.integer(removed);
}

void count_keys(Txn& txn, Args args, Lookup lookup, Reply& reply) {
  int64_t found = 0;
  for (size_t i = 1; i < args.size(); i++) found += txn.find(args[i], lookup) != nullptr;
  reply.integer(found);
}

void cmd_exists(Txn& txn, Args args, Reply& reply) { count_keys(txn, args, Lookup::kQuiet, reply); }

void cmd_touch(Txn& txn, Args args, Reply& reply) { count_keys(txn, args, Lookup::kRead, reply); }

void cmd_type(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[1], Lookup::kQuiet);
  reply.status(record ? type_name(record->type()) : "none");
}

/// Moves the value of args[1] to args[2]. False: replied that there is none, or that `only_new` forbids it.
bool rename(Txn& txn, Args args, bool only_new, Reply& reply) {
  if (!txn.find(args[1], Lookup::kWrite)) {
    reply.error(errors::kNoSuchKey);
    return false;
  }
  bool same = args[1] == args[2];
  if (only_new && (same || txn.find(args[2], Lookup::kWrite))) {
    reply.integer(0);
    return false;
  }
  if (same) return true;
  // A key that is replaced goes and comes anew.
  if (txn.find(args[2], Lookup::kPeek)) txn.notify(config::kEventNew, "new", args[2]);
  // Looked up again: the new name may have expired just now, in the same partition.
  DetachedValue value = txn.copy_value(txn.find(args[1], Lookup::kPeek));
  txn.remove_in(txn.db(), args[1], 0);
  txn.put_value(txn.db(), args[2], std::move(value));
  txn.notify(config::kEventGeneric, "rename_from", args[1]);
  txn.notify(config::kEventGeneric, "rename_to", args[2]);
  return true;
}

void cmd_rename(Txn& txn, Args args, Reply& reply) {
  if (rename(txn, args, false, reply)) reply.ok();
}

void cmd_renamenx(Txn& txn, Args args, Reply& reply) {
  if (rename(txn, args, true, reply)) reply.integer(1);
}

void cmd_copy(Txn& txn, Args args, Reply& reply) {
  int db = txn.db();
  bool replace = false;
  for (size_t i = 3; i < args.size(); i++) {
    if (args.is(i, "REPLACE")) {
      replace = true;
    } else if (args.is(i, "DB") && i + 1 < args.size()) {
      std::optional<int> index = database_argument(args, ++i, txn.keyspace().databases(), reply);
      if (!index) return;
      db = *index;
    } else {
      return reply.error(errors::kSyntax);
    }
  }
  if (db == txn.db() && args[1] == args[2]) return reply.error(errors::kSameObject);
  if (!txn.find(args[1])) return reply.integer(0);
  if (!replace && txn.find_in(db, args[2], Lookup::kWrite)) return reply.integer(0);
  DetachedValue value = txn.copy_value(txn.find(args[1], Lookup::kPeek));
  value.access = txn.keyspace().initial_access();
  if (txn.find_in(db, args[2], Lookup::kPeek)) txn.notify_in(db, config::kEventNew, "new", args[2]);
  txn.put_value(db, args[2], std::move(value));
  txn.notify_in(db, config::kEventGeneric, "copy_to", args[2]);
  reply.integer(1);
}

void cmd_move(Txn& txn, Args args, Reply& reply) {
  std::string_view key = args[1];
  std::optional<int> db = database_argument(args, 2, txn.keyspace().databases(), reply);
  if (!db) return;
  if (*db == txn.db()) return reply.error(errors::kSameObject);
  if (!txn.find(key, Lookup::kWrite)) return reply.integer(0);
  if (txn.find_in(*db, key, Lookup::kWrite)) return reply.integer(0);
  DetachedValue value = txn.copy_value(txn.find(key, Lookup::kPeek));
  txn.remove_in(txn.db(), key, 0);
  txn.put_value(*db, key, std::move(value));
  txn.notify(config::kEventGeneric, "move_from", key);
  txn.notify_in(*db, config::kEventGeneric, "move_to", key);
  reply.integer(1);
}

constexpr std::string_view kSumTips = "request_policy:multi_shard; response_policy:agg_sum";

constexpr CommandRow kKeysRows[] = {
    {.name = "del", .arity = -2, .flags = "write", .keys = "RM delete i1 r(-1,1,0)", .categories = "keyspace",
     .tips = kSumTips, .group = "generic", .since = "1.0.0", .complexity = "O(N) where N is the number of keys",
     .summary = "Deletes keys.", .syntax = "key:key...", .handler = &cmd_del},
    {.name = "unlink", .arity = -2, .flags = "write fast", .keys = "RM delete i1 r(-1,1,0)", .categories = "keyspace",
     .tips = kSumTips, .group = "generic", .since = "4.0.0", .complexity = "O(N) where N is the number of keys",
     .summary = "Deletes keys; memory is freed in the background.", .syntax = "key:key...", .handler = &cmd_del},
    {.name = "exists", .arity = -2, .flags = "readonly fast", .keys = "RO i1 r(-1,1,0)", .categories = "keyspace",
     .tips = kSumTips, .group = "generic", .since = "1.0.0", .complexity = "O(N) where N is the number of keys",
     .summary = "Counts how many of the keys exist.", .syntax = "key:key...", .handler = &cmd_exists,
     .history = "3.0.3: Accepts multiple `key` arguments."},
    {.name = "touch", .arity = -2, .flags = "readonly fast", .keys = "RO i1 r(-1,1,0)", .categories = "keyspace",
     .tips = kSumTips, .group = "generic", .since = "3.2.1", .complexity = "O(N) where N is the number of keys",
     .summary = "Marks keys as used now and counts how many exist.", .syntax = "key:key...", .handler = &cmd_touch},
    {.name = "type", .arity = 2, .flags = "readonly fast", .keys = "RO i1 r(0,1,0)", .categories = "keyspace",
     .tips = "",
     .group = "generic", .since = "1.0.0", .complexity = "O(1)", .summary = "Answers the type of a key's value.",
     .syntax = "key:key", .handler = &cmd_type},
    {.name = "rename", .arity = 3, .flags = "write", .keys = "RW access delete i1 r(0,1,0); OW update i2 r(0,1,0)",
     .categories = "keyspace", .tips = "", .group = "generic", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Gives a key another name, in place of what had it.", .syntax = "key:key newkey:key",
     .handler = &cmd_rename},
    {.name = "renamenx", .arity = 3, .flags = "write fast",
     .keys = "RW access delete i1 r(0,1,0); OW insert i2 r(0,1,0)",
     .categories = "keyspace", .tips = "", .group = "generic", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Gives a key another name, unless that exists.", .syntax = "key:key newkey:key",
     .handler = &cmd_renamenx,
     .history = "3.2.0: The command no longer returns an error when source and destination names are the same."},
    {.name = "copy", .arity = -3, .flags = "write denyoom", .keys = "RO access i1 r(0,1,0); OW update i2 r(0,1,0)",
     .categories = "keyspace", .tips = "", .group = "generic", .since = "6.2.0",
     .complexity = "O(1) for strings, O(N) for collections of N items", .summary = "Copies a value to another key.",
     .syntax = "source:key destination:key [DB destination-db:integer] [REPLACE]", .handler = &cmd_copy},
    {.name = "move", .arity = 3, .flags = "write fast", .keys = "RW access update i1 r(0,1,0)",
     .categories = "keyspace", .tips = "", .group = "generic", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Moves a key to another database.", .syntax = "key:key db:integer", .handler = &cmd_move},
};

}  // namespace

CommandRows key_commands() { return kKeysRows; }

}  // namespace holdfast
