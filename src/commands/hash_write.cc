#include <cmath>

#include "base/number.h"
#include "command/errors.h"
#include "commands/hash_access.h"
#include "commands/hashes.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

/// HSET and HMSET. The number of new fields, or nothing after an error.
std::optional<int64_t> set_pairs(Txn& txn, Args args, Reply& reply, char const* command) {
  if (args.size() % 2 != 0) {
    reply.errorf("wrong number of arguments for '%s' command", command);
    return std::nullopt;
  }
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kWrite, reply);
  if (!hash) return std::nullopt;
  hash->settle(args, 2, 2);
  ValueEdit edit = hash->edit();
  HashEditor editor(edit, txn.keyspace().value_context());
  editor.prepare(args.span().subspan(2));
  int64_t created = 0;
  for (size_t i = 2; i < args.size(); i += 2) created += editor.set(args[i], args[i + 1]);
  txn.finish_edit(args[1], edit, false, (args.size() - 2) / 2, "hset");
  return created;
}

void cmd_hset(Txn& txn, Args args, Reply& reply) {
  if (std::optional<int64_t> created = set_pairs(txn, args, reply, "hset")) reply.integer(*created);
}

void cmd_hmset(Txn& txn, Args args, Reply& reply) {
  if (set_pairs(txn, args, reply, "hmset")) reply.ok();
}

void cmd_hsetnx(Txn& txn, Args args, Reply& reply) {
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kWrite, reply);
  if (!hash) return;
  hash->settle(args, 2, 2);
  if (hash->exists() && hash->reader().contains(args[2])) return reply.integer(0);
  ValueEdit edit = hash->edit();
  HashEditor editor(edit, txn.keyspace().value_context());
  editor.prepare(args.span().subspan(2));
  editor.set(args[2], args[3]);
  txn.finish_edit(args[1], edit, false, 1, "hset");
  reply.integer(1);
}

void cmd_hdel(Txn& txn, Args args, Reply& reply) {
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kWrite, reply);
  if (!hash) return;
  hash->settle(args, 2);
  if (!hash->exists()) return reply.integer(0);
  ValueEdit edit = hash->edit();
  HashEditor editor(edit, txn.keyspace().value_context());
  uint64_t deleted = 0;
  for (size_t i = 2; i < args.size(); i++) deleted += editor.erase(args[i]);
  txn.finish_edit(args[1], edit, editor.empty(), deleted, "hdel");
  reply.integer(static_cast<int64_t>(deleted));
}

/// Puts in the result of an increment; the field keeps its expiry.
void set_result(Txn& txn, Hash& hash, Args args, std::string_view text, std::optional<int64_t> expire_ms,
                std::string_view event) {
  ValueEdit edit = hash.edit();
  HashEditor(edit, txn.keyspace().value_context()).set(args[2], text, expire_ms);
  txn.finish_edit(args[1], edit, false, 1, event);
}

void cmd_hincrby(Txn& txn, Args args, Reply& reply) {
  std::optional<int64_t> delta = args.integer(3, reply);
  if (!delta) return;
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kWrite, reply);
  if (!hash) return;
  hash->settle(args.first(3), 2);
  std::optional<HashValue> const present = hash->field(args[2]);
  int64_t value = 0;
  if (present) {
    std::optional<int64_t> const number =
        present->element.is_integer ? present->element.integer : parse_int64(present->element.text);
    if (!number) return reply.error("hash value is not an integer");
    value = *number;
  }
  int64_t sum;
  if (__builtin_add_overflow(value, *delta, &sum)) return reply.error(errors::kOverflow);
  char text[kInt64TextBytesMax];
  set_result(txn, *hash, args, {text, format_int64(text, sum)}, present ? present->expire_ms : std::nullopt,
             "hincrby");
  reply.integer(sum);
}

void cmd_hincrbyfloat(Txn& txn, Args args, Reply& reply) {
  std::optional<long double> delta = parse_long_double(args[3]);
  if (!delta) return reply.error(errors::kNotFloat);
  if (!std::isfinite(*delta)) return reply.error("value is NaN or Infinity");
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kWrite, reply);
  if (!hash) return;
  hash->settle(args.first(3), 2);
  std::optional<HashValue> const present = hash->field(args[2]);
  std::optional<long double> value = 0.0L;
  if (present) {
    packed::TextScratch scratch;
    value = parse_long_double(present->element.as_text(scratch));
    if (!value) return reply.error("hash value is not a float");
  }
  long double const sum = *value + *delta;
  if (!std::isfinite(sum)) return reply.error(errors::kNotFinite);
  std::string const text = format_long_double_human(sum);
  std::optional<int64_t> const expire_ms = present ? present->expire_ms : std::nullopt;
  set_result(txn, *hash, args, text, expire_ms, "hincrbyfloat");
  // The result and not the sum is logged, so that no replay depends on how another machine rounds.
  txn.effect({"HSET", args[1], args[2], text});
  if (expire_ms) txn.effect({"HPEXPIREAT", args[1], to_text(*expire_ms), "FIELDS", "1", args[2]});
  reply.bulk(text);
}

constexpr CommandRow kHashWriteRows[] = {
    {.name = "hset", .arity = -4, .flags = "write denyoom fast", .keys = "RW update i1 r(0,1,0)", .categories = "hash",
     .tips = "", .group = "hash", .since = "2.0.0", .complexity = "O(N) for N fields",
     .summary = "Sets fields of a hash, which is made when there is none.",
     .syntax = "key:key field_value:block(field:string value:string)...", .handler = &cmd_hset,
     .history = "4.0.0: Accepts multiple `field` and `value` arguments.", .element = 2},
    {.name = "hmset", .arity = -4, .flags = "write denyoom fast", .keys = "RW update i1 r(0,1,0)",
     .categories = "hash", .tips = "", .group = "hash", .since = "2.0.0", .complexity = "O(N) for N fields",
     .summary = "Sets fields of a hash.", .syntax = "key:key field_value:block(field:string value:string)...",
     .handler = &cmd_hmset, .deprecated = "4.0.0: `HSET` with multiple field-value pairs", .element = 2},
    {.name = "hsetnx", .arity = 4, .flags = "write denyoom fast", .keys = "RW insert i1 r(0,1,0)",
     .categories = "hash", .tips = "", .group = "hash", .since = "2.0.0", .complexity = "O(1)",
     .summary = "Sets a field of a hash that is not there yet.", .syntax = "key:key field:string value:string",
     .handler = &cmd_hsetnx, .element = 2},
    {.name = "hdel", .arity = -3, .flags = "write fast", .keys = "RW delete i1 r(0,1,0)", .categories = "hash",
     .tips = "", .group = "hash", .since = "2.0.0", .complexity = "O(N) for N fields",
     .summary = "Deletes fields of a hash, and the hash with its last field.", .syntax = "key:key field:string...",
     .handler = &cmd_hdel, .history = "2.4.0: Accepts multiple `field` arguments.", .element = 2},
    {.name = "hincrby", .arity = 4, .flags = "write denyoom fast", .keys = "RW access update i1 r(0,1,0)",
     .categories = "hash", .tips = "", .group = "hash", .since = "2.0.0", .complexity = "O(1)",
     .summary = "Adds a number to the integer in a field.", .syntax = "key:key field:string increment:integer",
     .handler = &cmd_hincrby, .element = 2},
    {.name = "hincrbyfloat", .arity = 4, .flags = "write denyoom fast", .keys = "RW access update i1 r(0,1,0)",
     .categories = "hash", .tips = "", .group = "hash", .since = "2.6.0", .complexity = "O(1)",
     .summary = "Adds a number, which may have a fraction, to the number in a field.",
     .syntax = "key:key field:string increment:double", .handler = &cmd_hincrbyfloat, .element = 2},
};

}  // namespace

CommandRows hash_write_commands() { return kHashWriteRows; }

}  // namespace holdfast
