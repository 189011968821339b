#include <cmath>

#include "base/number.h"
#include "command/errors.h"
#include "commands/strings.h"
#include "commands/value_reply.h"

namespace holdfast {
namespace {

void add_to_integer(Txn& txn, std::string_view key, int64_t delta, Reply& reply) {
  Record* record = txn.find(key, Lookup::kWrite);
  if (!is_string_or_missing(record, reply)) return;
  int64_t value = 0;
  if (record && record->encoding() == Encoding::kInt) {
    value = record->integer();
  } else if (record) {
    IntegerText scratch;
    std::optional<int64_t> parsed = parse_int64(record->text(scratch));
    if (!parsed) return reply.error(errors::kNotInteger);
    value = *parsed;
  }
  int64_t sum;
  if (__builtin_add_overflow(value, delta, &sum)) return reply.error(errors::kOverflow);
  txn.put_integer(key, sum);
  txn.notify(config::kEventString, "incrby", key);
  reply.integer(sum);
}

void cmd_incr(Txn& txn, Args args, Reply& reply) { add_to_integer(txn, args[1], 1, reply); }

void cmd_decr(Txn& txn, Args args, Reply& reply) { add_to_integer(txn, args[1], -1, reply); }

void cmd_incrby(Txn& txn, Args args, Reply& reply) {
  if (std::optional<int64_t> delta = args.integer(2, reply)) add_to_integer(txn, args[1], *delta, reply);
}

void cmd_decrby(Txn& txn, Args args, Reply& reply) {
  std::optional<int64_t> delta = args.integer(2, reply);
  if (!delta) return;
  int64_t negative;
  if (__builtin_sub_overflow(int64_t{0}, *delta, &negative)) return reply.error("decrement would overflow");
  add_to_integer(txn, args[1], negative, reply);
}

void cmd_incrbyfloat(Txn& txn, Args args, Reply& reply) {
  std::string_view key = args[1];
  Record* record = txn.find(key, Lookup::kWrite);
  if (!is_string_or_missing(record, reply)) return;
  std::optional<long double> value = 0.0L;
  std::optional<int64_t> expire_ms;
  if (record) {
    IntegerText scratch;
    value = parse_long_double(record->text(scratch));
    expire_ms = record->expiry();
  }
  std::optional<long double> delta = parse_long_double(args[2]);
  if (!value || !delta) return reply.error(errors::kNotFloat);
  long double sum = *value + *delta;
  if (!std::isfinite(sum)) return reply.error(errors::kNotFinite);
  std::string text = format_long_double_human(sum);
  txn.put_string(key, text, StringForm::kText, expire_ms);
  txn.notify(config::kEventString, "incrbyfloat", key);
  // The result and not the sum is logged, so that no replay depends on how another machine rounds.
  txn.effect({"SET", key, text, "KEEPTTL"});
  reply.bulk(text);
}

constexpr CommandRow kCountersRows[] = {
    {.name = "incr", .arity = 2, .flags = "write denyoom fast", .keys = "RW access update i1 r(0,1,0)",
     .categories = "string", .tips = "", .group = "string", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Adds one to the integer of a key.", .syntax = "key:key", .handler = &cmd_incr},
    {.name = "decr", .arity = 2, .flags = "write denyoom fast", .keys = "RW access update i1 r(0,1,0)",
     .categories = "string", .tips = "", .group = "string", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Takes one from the integer of a key.", .syntax = "key:key", .handler = &cmd_decr},
    {.name = "incrby", .arity = 3, .flags = "write denyoom fast", .keys = "RW access update i1 r(0,1,0)",
     .categories = "string", .tips = "", .group = "string", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Adds a number to the integer of a key.", .syntax = "key:key increment:integer",
     .handler = &cmd_incrby},
    {.name = "decrby", .arity = 3, .flags = "write denyoom fast", .keys = "RW access update i1 r(0,1,0)",
     .categories = "string", .tips = "", .group = "string", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Takes a number from the integer of a key.", .syntax = "key:key decrement:integer",
     .handler = &cmd_decrby},
    {.name = "incrbyfloat", .arity = 3, .flags = "write denyoom fast", .keys = "RW access update i1 r(0,1,0)",
     .categories = "string", .tips = "", .group = "string", .since = "2.6.0", .complexity = "O(1)",
     .summary = "Adds a number, which may have a fraction, to the number of a key.",
     .syntax = "key:key increment:double", .handler = &cmd_incrbyfloat},
};

}  // namespace

CommandRows counter_commands() { return kCountersRows; }

}  // namespace holdfast
