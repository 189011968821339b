#include "base/strings.h"
#include "commands/expire.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/number.h"
#include "command/errors.h"
#include "commands/expiry_time.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

/// When the new expiry may be set.
struct Conditions {
  bool nx = false;  ///< there is none
  bool xx = false;  ///< there is one
  bool gt = false;  ///< it is later than the present one; none is later than all
  bool lt = false;  ///< it is earlier

  static std::optional<Conditions> parse(Args args, Reply& reply);
  bool allow(std::optional<int64_t> present_ms, int64_t new_ms) const;
};

std::optional<Conditions> Conditions::parse(Args args, Reply& reply) {
  Conditions conditions;
  for (size_t i = 3; i < args.size(); i++) {
    if (args.is(i, "NX")) {
      conditions.nx = true;
    } else if (args.is(i, "XX")) {
      conditions.xx = true;
    } else if (args.is(i, "GT")) {
      conditions.gt = true;
    } else if (args.is(i, "LT")) {
      conditions.lt = true;
    } else {
      reply.error("Unsupported option " + std::string(until_zero_byte(args[i])));
      return std::nullopt;
    }
  }
  if (conditions.nx && (conditions.xx || conditions.gt || conditions.lt)) {
    reply.error("NX and XX, GT or LT options at the same time are not compatible");
    return std::nullopt;
  }
  if (conditions.gt && conditions.lt) {
    reply.error("GT and LT options at the same time are not compatible");
    return std::nullopt;
  }
  return conditions;
}

bool Conditions::allow(std::optional<int64_t> present_ms, int64_t new_ms) const {
  if (nx && present_ms) return false;
  if (xx && !present_ms) return false;
  if (gt && (!present_ms || new_ms <= *present_ms)) return false;
  if (lt && present_ms && new_ms >= *present_ms) return false;
  return true;
}

void expire(Txn& txn, Args args, Reply& reply, TimeForm form, std::string_view command) {
  std::string_view key = args[1];
  std::optional<Conditions> conditions = Conditions::parse(args, reply);
  if (!conditions) return;
  std::optional<int64_t> expire_ms = read_any_expiry(args[2], form, txn.now_ms(), command, reply);
  if (!expire_ms) return;
  Record* record = txn.find(key, Lookup::kWrite);
  if (!record || !conditions->allow(record->expiry(), *expire_ms)) return reply.integer(0);
  reply.integer(1);
  // While expiry is held (loading, paused) a moment of the past is kept like any other.
  if (*expire_ms <= txn.now_ms() && txn.keyspace().deletes_expired()) {
    txn.drop(key);
    return txn.effect({txn.expiry_deletion(), key});
  }
  txn.set_expiry(key, expire_ms);
  txn.notify(config::kEventGeneric, "expire", key);
  if (form.absolute && form.unit == TimeUnit::kMilliseconds) return;
  std::string text = to_text(*expire_ms);
  std::vector<std::string_view> effect = {"PEXPIREAT", key, text};
  effect.insert(effect.end(), args.span().begin() + 3, args.span().end());
  txn.effect(effect);
}

void cmd_expire(Txn& txn, Args args, Reply& reply) { expire(txn, args, reply, {TimeUnit::kSeconds, false}, "expire"); }
void cmd_pexpire(Txn& txn, Args args, Reply& reply) {
  expire(txn, args, reply, {TimeUnit::kMilliseconds, false}, "pexpire");
}
void cmd_expireat(Txn& txn, Args args, Reply& reply) {
  expire(txn, args, reply, {TimeUnit::kSeconds, true}, "expireat");
}
void cmd_pexpireat(Txn& txn, Args args, Reply& reply) {
  expire(txn, args, reply, {TimeUnit::kMilliseconds, true}, "pexpireat");
}

/// TTL and its relatives: -2 for no key, -1 for no expiry. Seconds are rounded to the nearest.
void reply_expiry(Txn& txn, Args args, Reply& reply, TimeForm form) {
  Record* record = txn.find(args[1], Lookup::kQuiet);
  if (!record) return reply.integer(-2);
  if (!record->has_expiry()) return reply.integer(-1);
  int64_t value = record->expire_ms();
  if (!form.absolute) value = std::max<int64_t>(value - txn.now_ms(), 0);
  if (form.unit == TimeUnit::kSeconds) {
    value = static_cast<int64_t>((static_cast<uint64_t>(value) + 500) / 1000);
  }
  reply.integer(value);
}

void cmd_ttl(Txn& txn, Args args, Reply& reply) { reply_expiry(txn, args, reply, {TimeUnit::kSeconds, false}); }
void cmd_pttl(Txn& txn, Args args, Reply& reply) { reply_expiry(txn, args, reply, {TimeUnit::kMilliseconds, false}); }
void cmd_expiretime(Txn& txn, Args args, Reply& reply) { reply_expiry(txn, args, reply, {TimeUnit::kSeconds, true}); }
void cmd_pexpiretime(Txn& txn, Args args, Reply& reply) {
  reply_expiry(txn, args, reply, {TimeUnit::kMilliseconds, true});
}

void cmd_persist(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[1], Lookup::kWrite);
  if (!record || !record->has_expiry()) return reply.integer(0);
  txn.set_expiry(args[1], std::nullopt);
  txn.notify(config::kEventGeneric, "persist", args[1]);
  reply.integer(1);
}

constexpr std::string_view kConditionHistory = "7.0.0: Added options: `NX`, `XX`, `GT` and `LT`.";

constexpr CommandRow kExpireRows[] = {
    {.name = "expire", .arity = -3, .flags = "write fast", .keys = "RW update i1 r(0,1,0)", .categories = "keyspace",
     .tips = "", .group = "generic", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Lets a key expire after some seconds.",
     .syntax = "key:key seconds:integer [condition:oneof(NX|XX|GT|LT)@7.0.0]", .handler = &cmd_expire,
     .history = kConditionHistory},
    {.name = "pexpire", .arity = -3, .flags = "write fast", .keys = "RW update i1 r(0,1,0)", .categories = "keyspace",
     .tips = "", .group = "generic", .since = "2.6.0", .complexity = "O(1)",
     .summary = "Lets a key expire after some milliseconds.",
     .syntax = "key:key milliseconds:integer [condition:oneof(NX|XX|GT|LT)@7.0.0]", .handler = &cmd_pexpire,
     .history = kConditionHistory},
    {.name = "expireat", .arity = -3, .flags = "write fast", .keys = "RW update i1 r(0,1,0)", .categories = "keyspace",
     .tips = "", .group = "generic", .since = "1.2.0", .complexity = "O(1)",
     .summary = "Lets a key expire at a Unix time in seconds.",
     .syntax = "key:key unix-time-seconds:unix-time [condition:oneof(NX|XX|GT|LT)@7.0.0]", .handler = &cmd_expireat,
     .history = kConditionHistory},
    {.name = "pexpireat", .arity = -3, .flags = "write fast", .keys = "RW update i1 r(0,1,0)", .categories = "keyspace",
     .tips = "", .group = "generic", .since = "2.6.0", .complexity = "O(1)",
     .summary = "Lets a key expire at a Unix time in milliseconds.",
     .syntax = "key:key unix-time-milliseconds:unix-time [condition:oneof(NX|XX|GT|LT)@7.0.0]",
     .handler = &cmd_pexpireat, .history = kConditionHistory},
    {.name = "ttl", .arity = 2, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)", .categories = "keyspace",
     .tips = "nondeterministic_output", .group = "generic", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Answers how many seconds a key still has.", .syntax = "key:key", .handler = &cmd_ttl,
     .history = "2.8.0: Added the -2 reply."},
    {.name = "pttl", .arity = 2, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)", .categories = "keyspace",
     .tips = "nondeterministic_output", .group = "generic", .since = "2.6.0", .complexity = "O(1)",
     .summary = "Answers how many milliseconds a key still has.", .syntax = "key:key", .handler = &cmd_pttl,
     .history = "2.8.0: Added the -2 reply."},
    {.name = "expiretime", .arity = 2, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)",
     .categories = "keyspace", .tips = "", .group = "generic", .since = "7.0.0", .complexity = "O(1)",
     .summary = "Answers the Unix time in seconds at which a key expires.", .syntax = "key:key",
     .handler = &cmd_expiretime},
    {.name = "pexpiretime", .arity = 2, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)",
     .categories = "keyspace", .tips = "", .group = "generic", .since = "7.0.0", .complexity = "O(1)",
     .summary = "Answers the Unix time in milliseconds at which a key expires.", .syntax = "key:key",
     .handler = &cmd_pexpiretime},
    {.name = "persist", .arity = 2, .flags = "write fast", .keys = "RW update i1 r(0,1,0)", .categories = "keyspace",
     .tips = "", .group = "generic", .since = "2.2.0", .complexity = "O(1)", .summary = "Lets a key live for ever.",
     .syntax = "key:key", .handler = &cmd_persist},
};

}  // namespace

CommandRows expire_commands() { return kExpireRows; }

}  // namespace holdfast
