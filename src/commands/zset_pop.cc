#include <limits>
#include <vector>

#include "base/number.h"
#include "command/errors.h"
#include "commands/sorted_sets.h"
#include "commands/zset_reply.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

/// Removes up to `count` (at least one) pairs of a set that exists, the highest or the lowest, and replies them.
/// Returns how many they were.
uint64_t pop(Txn& txn, Zset& zset, bool highest, uint64_t count, ZsetShape shape, Reply& reply) {
  uint64_t const size = zset.reader().size();
  uint64_t const popped = std::min(count, size);
  RankRange const ranks = highest ? RankRange{size - popped, size} : RankRange{0, popped};
  // A long reply follows from a frozen copy.
  reply_slice(txn, zset, ZsetSlice::of(ranks, highest), shape, reply);
  ValueEdit edit = zset.edit();
  if (popped < size) ZsetEditor(edit, txn.keyspace().value_context()).erase_range(ranks);
  zset.finish(edit, popped == size, popped, highest ? "zpopmax" : "zpopmin");
  return popped;
}

void pop_one_key(Txn& txn, Args args, bool highest, Reply& reply) {
  if (args.size() > 3) return reply.error(errors::kSyntax);
  bool const counted = args.size() == 3;
  uint64_t count = 1;
  if (counted) {
    std::optional<int64_t> const number = parse_int64(args[2]);
    if (!number || *number < 0) return reply.error("value is out of range, must be positive");
    count = static_cast<uint64_t>(*number);
  }
  std::optional<Zset> zset = Zset::find(txn, args[1], Lookup::kWrite, reply);
  if (!zset) return;
  if (!zset->exists() || count == 0) return reply.array(0);
  pop(txn, *zset, highest, count, counted ? ZsetShape::kScores : ZsetShape::kFlat, reply);
}

void cmd_zpopmin(Txn& txn, Args args, Reply& reply) { pop_one_key(txn, args, false, reply); }
void cmd_zpopmax(Txn& txn, Args args, Reply& reply) { pop_one_key(txn, args, true, reply); }

void cmd_zmpop(Txn& txn, Args args, Reply& reply) {
  std::optional<int64_t> const keys = parse_int64(args[1]);
  if (!keys || *keys < 1) return reply.error("numkeys should be greater than 0");
  if (static_cast<uint64_t>(*keys) >= args.size() - 2) return reply.error(errors::kSyntax);
  auto const key_count = static_cast<size_t>(*keys);
  size_t index = 2 + key_count;
  bool const highest = args.is(index, "MAX");
  if (!highest && !args.is(index, "MIN")) return reply.error(errors::kSyntax);
  std::optional<int64_t> count;
  for (index++; index < args.size(); index += 2) {
    if (count || index + 1 >= args.size() || !args.is(index, "COUNT")) return reply.error(errors::kSyntax);
    count = parse_int64(args[index + 1]);
    if (!count || *count < 1) return reply.error("count should be greater than 0");
  }
  for (size_t i = 0; i < key_count; i++) {
    std::string_view const key = args[2 + i];
    std::optional<Zset> zset = Zset::find(txn, key, Lookup::kWrite, reply);
    if (!zset) return;
    if (!zset->exists()) continue;
    reply.array(2);
    reply.bulk(key);
    uint64_t const popped = pop(txn, *zset, highest, static_cast<uint64_t>(count.value_or(1)), ZsetShape::kPairs, reply);
    char digits[kInt64TextBytesMax];
    txn.effect({highest ? "ZPOPMAX" : "ZPOPMIN", key, {digits, format_uint64(digits, popped)}});
    return;
  }
  reply.null_array();
}

constexpr CommandRow kRows[] = {
    {.name = "zpopmin", .arity = -2, .flags = "write fast", .keys = "RW access delete i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "5.0.0",
     .complexity = "O(log(N)*M) to remove M of N members",
     .summary = "Removes and answers the members with the lowest scores.", .syntax = "key:key [count:integer]",
     .handler = &cmd_zpopmin},
    {.name = "zpopmax", .arity = -2, .flags = "write fast", .keys = "RW access delete i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "5.0.0",
     .complexity = "O(log(N)*M) to remove M of N members",
     .summary = "Removes and answers the members with the highest scores.", .syntax = "key:key [count:integer]",
     .handler = &cmd_zpopmax},
    {.name = "zmpop", .arity = -4, .flags = "write movablekeys", .keys = "RW access delete i1 n(0,1,1)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "7.0.0",
     .complexity = "O(K)+O(M*log(N)) for K keys, to remove M of N members",
     .summary = "Removes and answers members of the first sorted set that is there, by score.",
     .syntax = "numkeys:integer key:key... where:oneof(MIN|MAX) [COUNT count:integer]", .handler = &cmd_zmpop},
};

}  // namespace

CommandRows zset_pop_commands() { return kRows; }

}  // namespace holdfast
