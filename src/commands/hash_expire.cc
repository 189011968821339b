#include <algorithm>

#include "commands/field_expiry.h"
#include "commands/hash_access.h"
#include "commands/hashes.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

constexpr int kNoField = -2;
constexpr int kNoExpiry = -1;

void reply_no_fields(Reply& reply, size_t count) {
  reply.array(count);
  for (size_t i = 0; i < count; i++) reply.integer(kNoField);
}

// ---- HEXPIRE and its relatives ------------------------------------------------------------

/// When the new expiry may be set. A field without expiry counts as one that expires later than all.
enum class Condition : uint8_t { kNone, kNx, kXx, kGt, kLt };

Condition read_condition(Args args, size_t at) {
  if (args.is(at, "NX")) return Condition::kNx;
  if (args.is(at, "XX")) return Condition::kXx;
  if (args.is(at, "GT")) return Condition::kGt;
  if (args.is(at, "LT")) return Condition::kLt;
  return Condition::kNone;
}

bool allows(Condition condition, std::optional<int64_t> present_ms, int64_t new_ms) {
  switch (condition) {
    case Condition::kNone:
      return true;
    case Condition::kNx:
      return !present_ms;
    case Condition::kXx:
      return present_ms.has_value();
    case Condition::kGt:
      return present_ms && new_ms > *present_ms;
    case Condition::kLt:
      return !present_ms || new_ms < *present_ms;
  }
  return false;
}

void expire(Txn& txn, Args args, Reply& reply, TimeForm form, char const* command) {
  enum Outcome : int { kRefused = 0, kSet = 1, kDeleted = 2 };
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kWrite, reply);
  if (!hash) return;
  std::optional<int64_t> const expire_ms = read_field_expiry(args[2], form, txn.now_ms(), command, reply);
  if (!expire_ms) return;
  Condition const condition = read_condition(args, 3);
  size_t const at = condition == Condition::kNone ? 3 : 4;
  std::optional<FieldList> const fields =
      read_fields(args, at, 1, "Parameter `numFields` should be greater than 0", reply);
  if (!fields) return;
  hash->settle(args, fields->first);
  if (!hash->exists()) return reply_no_fields(reply, fields->count);

  bool const past = deletes_at_once(txn, *expire_ms);
  ValueEdit edit = hash->edit();
  HashEditor editor(edit, txn.keyspace().value_context());
  FieldEffects effects(txn, args[1]);
  reply.array(fields->count);
  for (size_t i = fields->first; i < args.size(); i++) {
    std::optional<HashValue> const value = HashReader(edit.view()).find(args[i]);
    if (!value) {
      reply.integer(kNoField);
    } else if (!allows(condition, value->expire_ms, *expire_ms)) {
      reply.integer(kRefused);
    } else if (past) {
      editor.erase(args[i]);
      effects.deleted(args[i]);
      reply.integer(kDeleted);
    } else {
      editor.set_expiry(args[i], expire_ms);
      effects.expires(args[i]);
      reply.integer(kSet);
    }
  }
  txn.finish_edit(args[1], edit, editor.empty(), effects.changes(), past ? "hdel" : "hexpire");
  effects.log(*expire_ms);
}

void cmd_hexpire(Txn& txn, Args args, Reply& reply) {
  expire(txn, args, reply, {TimeUnit::kSeconds, false}, "hexpire");
}
void cmd_hpexpire(Txn& txn, Args args, Reply& reply) {
  expire(txn, args, reply, {TimeUnit::kMilliseconds, false}, "hpexpire");
}
void cmd_hexpireat(Txn& txn, Args args, Reply& reply) {
  expire(txn, args, reply, {TimeUnit::kSeconds, true}, "hexpireat");
}
void cmd_hpexpireat(Txn& txn, Args args, Reply& reply) {
  expire(txn, args, reply, {TimeUnit::kMilliseconds, true}, "hpexpireat");
}

// ---- HTTL and its relatives ------------------------------------------------------------

/// Seconds are rounded up.
int64_t shown(int64_t expire_ms, TimeForm form, int64_t now_ms) {
  int64_t const ms = form.absolute ? expire_ms : std::max<int64_t>(expire_ms - now_ms, 0);
  return form.unit == TimeUnit::kSeconds ? (ms + 999) / 1000 : ms;
}

void reply_expiries(Txn& txn, Args args, Reply& reply, TimeForm form) {
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kRead, reply);
  if (!hash) return;
  std::optional<FieldList> const fields = read_fields(args, 2, 1, kFieldCountNotPositive, reply);
  if (!fields) return;
  hash->settle(args, fields->first);
  reply.array(fields->count);
  for (size_t i = fields->first; i < args.size(); i++) {
    std::optional<HashValue> const value = hash->field(args[i]);
    if (!value) {
      reply.integer(kNoField);
    } else {
      reply.integer(value->expire_ms ? shown(*value->expire_ms, form, txn.now_ms()) : kNoExpiry);
    }
  }
}

void cmd_httl(Txn& txn, Args args, Reply& reply) { reply_expiries(txn, args, reply, {TimeUnit::kSeconds, false}); }
void cmd_hpttl(Txn& txn, Args args, Reply& reply) {
  reply_expiries(txn, args, reply, {TimeUnit::kMilliseconds, false});
}
void cmd_hexpiretime(Txn& txn, Args args, Reply& reply) {
  reply_expiries(txn, args, reply, {TimeUnit::kSeconds, true});
}
void cmd_hpexpiretime(Txn& txn, Args args, Reply& reply) {
  reply_expiries(txn, args, reply, {TimeUnit::kMilliseconds, true});
}

void cmd_hpersist(Txn& txn, Args args, Reply& reply) {
  constexpr int kPersists = 1;
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kWrite, reply);
  if (!hash) return;
  std::optional<FieldList> const fields = read_fields(args, 2, 1, kFieldCountNotPositive, reply);
  if (!fields) return;
  hash->settle(args, fields->first);
  if (!hash->exists()) return reply_no_fields(reply, fields->count);
  ValueEdit edit = hash->edit();
  HashEditor editor(edit, txn.keyspace().value_context());
  uint64_t changes = 0;
  reply.array(fields->count);
  for (size_t i = fields->first; i < args.size(); i++) {
    std::optional<HashValue> const value = HashReader(edit.view()).find(args[i]);
    if (!value) {
      reply.integer(kNoField);
    } else if (!value->expire_ms) {
      reply.integer(kNoExpiry);
    } else {
      editor.set_expiry(args[i], std::nullopt);
      changes++;
      reply.integer(kPersists);
    }
  }
  txn.finish_edit(args[1], edit, false, changes, "hpersist");
}

constexpr std::string_view kComplexity = "O(N) for N fields";
constexpr std::string_view kReadKeys = "RO access i1 r(0,1,0)";
constexpr std::string_view kWriteKeys = "RW update i1 r(0,1,0)";
constexpr std::string_view kFieldsSyntax = "key:key FIELDS fields:block(numfields:integer field:string...)";

constexpr CommandRow kHashExpireRows[] = {
    {.name = "hexpire", .arity = -6, .flags = "write denyoom fast", .keys = kWriteKeys, .categories = "hash",
     .tips = "", .group = "hash", .since = "7.4.0", .complexity = kComplexity,
     .summary = "Lets fields of a hash expire after some seconds.",
     .syntax = "key:key seconds:integer [condition:oneof(NX|XX|GT|LT)] "
               "FIELDS fields:block(numfields:integer field:string...)",
     .handler = &cmd_hexpire},
    {.name = "hpexpire", .arity = -6, .flags = "write denyoom fast", .keys = kWriteKeys, .categories = "hash",
     .tips = "", .group = "hash", .since = "7.4.0", .complexity = kComplexity,
     .summary = "Lets fields of a hash expire after some milliseconds.",
     .syntax = "key:key milliseconds:integer [condition:oneof(NX|XX|GT|LT)] "
               "FIELDS fields:block(numfields:integer field:string...)",
     .handler = &cmd_hpexpire},
    {.name = "hexpireat", .arity = -6, .flags = "write denyoom fast", .keys = kWriteKeys, .categories = "hash",
     .tips = "", .group = "hash", .since = "7.4.0", .complexity = kComplexity,
     .summary = "Lets fields of a hash expire at a Unix time in seconds.",
     .syntax = "key:key unix-time-seconds:unix-time [condition:oneof(NX|XX|GT|LT)] "
               "FIELDS fields:block(numfields:integer field:string...)",
     .handler = &cmd_hexpireat},
    {.name = "hpexpireat", .arity = -6, .flags = "write denyoom fast", .keys = kWriteKeys, .categories = "hash",
     .tips = "", .group = "hash", .since = "7.4.0", .complexity = kComplexity,
     .summary = "Lets fields of a hash expire at a Unix time in milliseconds.",
     .syntax = "key:key unix-time-milliseconds:unix-time [condition:oneof(NX|XX|GT|LT)] "
               "FIELDS fields:block(numfields:integer field:string...)",
     .handler = &cmd_hpexpireat},
    {.name = "httl", .arity = -5, .flags = "readonly fast", .keys = kReadKeys, .categories = "hash",
     .tips = "nondeterministic_output", .group = "hash", .since = "7.4.0", .complexity = kComplexity,
     .summary = "Answers how many seconds fields of a hash still have.", .syntax = kFieldsSyntax,
     .handler = &cmd_httl},
    {.name = "hpttl", .arity = -5, .flags = "readonly fast", .keys = kReadKeys, .categories = "hash",
     .tips = "nondeterministic_output", .group = "hash", .since = "7.4.0", .complexity = kComplexity,
     .summary = "Answers how many milliseconds fields of a hash still have.", .syntax = kFieldsSyntax,
     .handler = &cmd_hpttl},
    {.name = "hexpiretime", .arity = -5, .flags = "readonly fast", .keys = kReadKeys, .categories = "hash",
     .tips = "", .group = "hash", .since = "7.4.0", .complexity = kComplexity,
     .summary = "Answers the Unix times in seconds at which fields of a hash expire.", .syntax = kFieldsSyntax,
     .handler = &cmd_hexpiretime},
    {.name = "hpexpiretime", .arity = -5, .flags = "readonly fast", .keys = kReadKeys, .categories = "hash",
     .tips = "", .group = "hash", .since = "7.4.0", .complexity = kComplexity,
     .summary = "Answers the Unix times in milliseconds at which fields of a hash expire.", .syntax = kFieldsSyntax,
     .handler = &cmd_hpexpiretime},
    {.name = "hpersist", .arity = -5, .flags = "write fast", .keys = kWriteKeys, .categories = "hash", .tips = "",
     .group = "hash", .since = "7.4.0", .complexity = kComplexity,
     .summary = "Lets fields of a hash live for ever.", .syntax = kFieldsSyntax, .handler = &cmd_hpersist},
};

}  // namespace

CommandRows hash_expire_commands() { return kHashExpireRows; }

}  // namespace holdfast
