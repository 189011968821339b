#include "commands/strings.h"

#include <vector>

#include "base/number.h"
#include "base/strings.h"
#include "command/errors.h"
#include "commands/set_options.h"
#include "commands/value_reply.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

/// Logs a SET with an expiry in the one form that does not depend on the time of its replay.
void log_set_with_expiry(Txn& txn, std::string_view key, std::string_view value, int64_t expire_ms) {
  txn.effect({"SET", key, value, "PXAT", to_text(expire_ms)});
}

/// Logs SET without its GET words: nobody reads a reply of the log.
void log_set_without_get(Txn& txn, Args args) {
  std::vector<std::string_view> kept;
  for (size_t i = 0; i < args.size(); i++) {
    if (i < 3 || !args.is(i, "GET")) kept.push_back(args[i]);
  }
  txn.effect(kept);
}

/// Makes or replaces a key that was not looked up: under an LFU policy that is an access, too.
void set_string(Txn& txn, std::string_view key, std::string_view value, std::optional<int64_t> expire_ms) {
  if (txn.keyspace().access().lfu.load(std::memory_order_relaxed)) [[unlikely]] txn.find(key, Lookup::kWrite);
  txn.put_string(key, value, StringForm::kAuto, expire_ms);
  txn.notify(config::kEventString, "set", key);
}

void cmd_set(Txn& txn, Args args, Reply& reply) {
  std::string_view key = args[1];
  std::string_view value = args[2];
  if (args.size() == 3) [[likely]] {
    set_string(txn, key, value, std::nullopt);
    return reply.ok();
  }
  std::optional<SetOptions> options = SetOptions::parse(args, 3, SetOptions::Of::kSet, reply);
  if (!options) return;
  std::optional<int64_t> expire_ms;
  if (options->expiry) {
    expire_ms = read_positive_expiry(options->expiry->text, options->expiry->form, txn.now_ms(), "set", reply);
    if (!expire_ms) return;
  }
  Record* old = txn.find(key, options->get ? Lookup::kRead : Lookup::kWrite);
  if (options->get) {
    if (!is_string_or_missing(old, reply)) return;
    reply_string(old, reply);
  }
  if ((options->nx && old) || (options->xx && !old)) {
    if (!options->get) reply.null();
    return;
  }
  if (options->keep_ttl && old) expire_ms = old->expiry();
  txn.put_string(key, value, StringForm::kAuto, expire_ms);
  txn.notify(config::kEventString, "set", key);
  if (options->expiry) {
    txn.notify(config::kEventGeneric, "expire", key);
    log_set_with_expiry(txn, key, value, *expire_ms);
  } else if (options->get) {
    log_set_without_get(txn, args);
  }
  if (!options->get) reply.ok();
}

void cmd_setnx(Txn& txn, Args args, Reply& reply) {
  if (txn.find(args[1], Lookup::kWrite)) return reply.integer(0);
  txn.put_string(args[1], args[2], StringForm::kAuto, std::nullopt);
  txn.notify(config::kEventString, "set", args[1]);
  reply.integer(1);
}

void set_for_a_time(Txn& txn, Args args, Reply& reply, TimeUnit unit, std::string_view command) {
  auto expire_ms = read_positive_expiry(args[2], {unit, false}, txn.now_ms(), command, reply);
  if (!expire_ms) return;
  set_string(txn, args[1], args[3], expire_ms);
  txn.notify(config::kEventGeneric, "expire", args[1]);
  log_set_with_expiry(txn, args[1], args[3], *expire_ms);
  reply.ok();
}

void cmd_setex(Txn& txn, Args args, Reply& reply) { set_for_a_time(txn, args, reply, TimeUnit::kSeconds, "setex"); }

void cmd_psetex(Txn& txn, Args args, Reply& reply) {
  set_for_a_time(txn, args, reply, TimeUnit::kMilliseconds, "psetex");
}

void cmd_get(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[1]);
  if (is_string_or_missing(record, reply)) reply_string(record, reply);
}

void cmd_getex(Txn& txn, Args args, Reply& reply) {
  std::string_view key = args[1];
  std::optional<SetOptions> options = SetOptions::parse(args, 2, SetOptions::Of::kGetEx, reply);
  if (!options) return;
  Record* record = txn.find(key);
  if (!record) return reply.null();
  if (!is_string_or_missing(record, reply)) return;
  std::optional<int64_t> expire_ms;
  if (options->expiry) {
    expire_ms = read_positive_expiry(options->expiry->text, options->expiry->form, txn.now_ms(), "getex", reply);
    if (!expire_ms) return;
  }
  reply_string(record, reply);
  if (expire_ms && *expire_ms <= txn.now_ms() && txn.keyspace().deletes_expired()) {
    txn.drop(key);
    txn.effect({txn.expiry_deletion(), key});
  } else if (expire_ms) {
    txn.set_expiry(key, expire_ms);
    txn.notify(config::kEventGeneric, "expire", key);
    txn.effect({"PEXPIREAT", key, to_text(*expire_ms)});
  } else if (options->persist && record->has_expiry()) {
    txn.set_expiry(key, std::nullopt);
    txn.notify(config::kEventGeneric, "persist", key);
    txn.effect({"PERSIST", key});
  }
}

void cmd_getdel(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[1]);
  if (!is_string_or_missing(record, reply)) return;
  reply_string(record, reply);
  if (!record) return;
  txn.drop(args[1]);
  txn.effect({txn.user_deletion(), args[1]});
}

void cmd_getset(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[1]);
  if (!is_string_or_missing(record, reply)) return;
  reply_string(record, reply);
  txn.put_string(args[1], args[2], StringForm::kAuto, std::nullopt);
  txn.notify(config::kEventString, "set", args[1]);
  txn.effect({"SET", args[1], args[2]});
}

void cmd_mget(Txn& txn, Args args, Reply& reply) {
  reply.array(args.size() - 1);
  for (size_t i = 1; i < args.size(); i++) {
    Record* record = txn.find(args[i]);
    reply_string(record && record->type() == ValueType::kString ? record : nullptr, reply);
  }
}

void put_pairs(Txn& txn, Args args) {
  for (size_t i = 1; i < args.size(); i += 2) set_string(txn, args[i], args[i + 1], std::nullopt);
}

void cmd_mset(Txn& txn, Args args, Reply& reply) {
  if (args.size() % 2 == 0) return reply.error("wrong number of arguments for 'mset' command");
  put_pairs(txn, args);
  reply.ok();
}

void cmd_msetnx(Txn& txn, Args args, Reply& reply) {
  if (args.size() % 2 == 0) return reply.error("wrong number of arguments for 'msetnx' command");
  for (size_t i = 1; i < args.size(); i += 2) {
    if (txn.find(args[i], Lookup::kWrite)) return reply.integer(0);
  }
  put_pairs(txn, args);
  reply.integer(1);
}

constexpr CommandRow kStringsRows[] = {
    {.name = "set", .arity = -3, .flags = "write denyoom",
     .keys = "RW access update variable_flags i1 r(0,1,0) \"RW and ACCESS due to the optional `GET` argument\"",
     .categories = "string", .tips = "", .group = "string", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Stores a string under a key, with conditions and an expiry on request.",
     .syntax = "key:key value:string [condition:oneof(NX|XX)@2.6.12] [GET@6.2.0] "
               "[expiration:oneof(EX seconds:integer@2.6.12|PX milliseconds:integer@2.6.12|"
               "EXAT unix-time-seconds:unix-time@6.2.0|PXAT unix-time-milliseconds:unix-time@6.2.0|KEEPTTL@6.0.0)]",
     .handler = &cmd_set,
     .history = "2.6.12: Added the `EX`, `PX`, `NX` and `XX` options.; 6.0.0: Added the `KEEPTTL` option.; "
                "6.2.0: Added the `GET`, `EXAT` and `PXAT` option.; "
                "7.0.0: Allowed the `NX` and `GET` options to be used together."},
    {.name = "setnx", .arity = 3, .flags = "write denyoom fast", .keys = "OW insert i1 r(0,1,0)",
     .categories = "string", .tips = "", .group = "string", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Stores a string unless the key exists.", .syntax = "key:key value:string", .handler = &cmd_setnx},
    {.name = "setex", .arity = 4, .flags = "write denyoom", .keys = "OW update i1 r(0,1,0)", .categories = "string",
     .tips = "", .group = "string", .since = "2.0.0", .complexity = "O(1)",
     .summary = "Stores a string that expires after some seconds.", .syntax = "key:key seconds:integer value:string",
     .handler = &cmd_setex},
    {.name = "psetex", .arity = 4, .flags = "write denyoom", .keys = "OW update i1 r(0,1,0)", .categories = "string",
     .tips = "", .group = "string", .since = "2.6.0", .complexity = "O(1)",
     .summary = "Stores a string that expires after some milliseconds.",
     .syntax = "key:key milliseconds:integer value:string", .handler = &cmd_psetex},
    {.name = "get", .arity = 2, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)", .categories = "string",
     .tips = "", .group = "string", .since = "1.0.0", .complexity = "O(1)", .summary = "Answers the string of a key.",
     .syntax = "key:key", .handler = &cmd_get},
    {.name = "getex", .arity = -2, .flags = "write fast",
     .keys = "RW access update i1 r(0,1,0) \"RW and UPDATE because it changes the TTL\"", .categories = "string",
     .tips = "", .group = "string", .since = "6.2.0", .complexity = "O(1)",
     .summary = "Answers the string of a key and sets or clears its expiry.",
     .syntax = "key:key [expiration:oneof(EX seconds:integer|PX milliseconds:integer|EXAT unix-time-seconds:unix-time|"
               "PXAT unix-time-milliseconds:unix-time|PERSIST)]",
     .handler = &cmd_getex},
    {.name = "getdel", .arity = 2, .flags = "write fast", .keys = "RW access delete i1 r(0,1,0)",
     .categories = "string", .tips = "", .group = "string", .since = "6.2.0", .complexity = "O(1)",
     .summary = "Answers the string of a key and deletes the key.", .syntax = "key:key", .handler = &cmd_getdel},
    {.name = "getset", .arity = 3, .flags = "write denyoom fast", .keys = "RW access update i1 r(0,1,0)",
     .categories = "string", .tips = "", .group = "string", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Stores a string and answers the one before.", .syntax = "key:key value:string", .handler = &cmd_getset,
     .deprecated = "6.2.0: `SET` with the `!GET` argument"},
    {.name = "mget", .arity = -2, .flags = "readonly fast", .keys = "RO access i1 r(-1,1,0)", .categories = "string",
     .tips = "request_policy:multi_shard", .group = "string", .since = "1.0.0",
     .complexity = "O(N) where N is the number of keys", .summary = "Answers the strings of several keys.",
     .syntax = "key:key...", .handler = &cmd_mget},
    {.name = "mset", .arity = -3, .flags = "write denyoom", .keys = "OW update i1 r(-1,2,0)", .categories = "string",
     .tips = "request_policy:multi_shard; response_policy:all_succeeded", .group = "string", .since = "1.0.1",
     .complexity = "O(N) where N is the number of keys", .summary = "Stores several strings at once.",
     .syntax = "key_value:block(key:key value:string)...", .handler = &cmd_mset},
    {.name = "msetnx", .arity = -3, .flags = "write denyoom", .keys = "OW insert i1 r(-1,2,0)", .categories = "string",
     .tips = "request_policy:multi_shard; response_policy:agg_min", .group = "string", .since = "1.0.1",
     .complexity = "O(N) where N is the number of keys",
     .summary = "Stores several strings at once, unless one of the keys exists.",
     .syntax = "key_value:block(key:key value:string)...", .handler = &cmd_msetnx},
};

}  // namespace

CommandRows string_commands() { return kStringsRows; }

}  // namespace holdfast
