#include <limits>
#include <vector>

#include "base/number.h"
#include "command/errors.h"
#include "commands/sorted_sets.h"
#include "commands/waiting.h"
#include "commands/zset_reply.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

void erase(Txn& txn, Zset& zset, RankRange ranks, bool highest) {
  bool const all = ranks.size() == zset.reader().size();
  ValueEdit edit = zset.edit();
  if (!all) ZsetEditor(edit, txn.keyspace().value_context()).erase_range(ranks);
  zset.finish(edit, all, ranks.size(), highest ? "zpopmax" : "zpopmin");
}

/// Removes up to `count` (at least one) pairs of a set that exists, the highest or the lowest, and replies them.
/// Returns how many they were.
uint64_t pop(Txn& txn, Zset& zset, bool highest, uint64_t count, ZsetShape shape, Reply& reply) {
  uint64_t const size = zset.reader().size();
  uint64_t const popped = std::min(count, size);
  RankRange const ranks = highest ? RankRange{size - popped, size} : RankRange{0, popped};
  // A long reply follows from a frozen copy.
  reply_slice(txn, zset, ZsetSlice::of(ranks, highest), shape, reply);
  erase(txn, zset, ranks, highest);
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

/// What ZMPOP and BZMPOP are asked for.
struct ZsetPop {
  size_t first_key = 0;  ///< argument index
  size_t keys = 0;
  bool highest = false;
  uint64_t count = 1;

  /// Reads `numkeys key [key ...] MIN|MAX [COUNT count]` from `at` on. On failure writes the error.
  static std::optional<ZsetPop> parse(Args args, size_t at, Reply& reply) {
    auto const refuse = [&reply](std::string_view error) {
      reply.error(error);
      return std::nullopt;
    };
    std::optional<int64_t> const keys = parse_int64(args[at]);
    if (!keys || *keys < 1) return refuse("numkeys should be greater than 0");
    if (static_cast<uint64_t>(*keys) > args.size() - at - 2) return refuse(errors::kSyntax);
    ZsetPop pop{.first_key = at + 1, .keys = static_cast<size_t>(*keys)};
    size_t const where = pop.first_key + pop.keys;
    pop.highest = args.is(where, "MAX");
    if (!pop.highest && !args.is(where, "MIN")) return refuse(errors::kSyntax);
    for (size_t i = where + 1; i < args.size(); i += 2) {
      if (i != where + 1 || i + 1 >= args.size() || !args.is(i, "COUNT")) return refuse(errors::kSyntax);
      std::optional<int64_t> const count = parse_int64(args[i + 1]);
      if (!count || *count < 1) return refuse("count should be greater than 0");
      pop.count = static_cast<uint64_t>(*count);
    }
    return pop;
  }
};

/// Pops from the first set that is there, and replies its name and the pairs. False: there is none, and nothing was replied.
bool pop_first(Txn& txn, Args args, ZsetPop const& wanted, Reply& reply) {
  for (std::string_view key : args.span().subspan(wanted.first_key, wanted.keys)) {
    std::optional<Zset> zset = Zset::find(txn, key, Lookup::kWrite, reply);
    if (!zset) return true;
    if (!zset->exists()) continue;
    reply.array(2);
    reply.bulk(key);
    uint64_t const popped = pop(txn, *zset, wanted.highest, wanted.count, ZsetShape::kPairs, reply);
    txn.effect({wanted.highest ? "ZPOPMAX" : "ZPOPMIN", key, to_text_unsigned(popped)});
    return true;
  }
  return false;
}

void cmd_zmpop(Txn& txn, Args args, Reply& reply) {
  std::optional<ZsetPop> const wanted = ZsetPop::parse(args, 1, reply);
  if (wanted && !pop_first(txn, args, *wanted, reply)) reply.null_array();
}

void cmd_bzmpop(Txn& txn, Args args, Reply& reply) {
  std::optional<ZsetPop> const wanted = ZsetPop::parse(args, 2, reply);
  if (!wanted) return;
  std::optional<int64_t> const timeout_ms = wait_seconds(args, 1, reply);
  if (!timeout_ms || pop_first(txn, args, *wanted, reply)) return;
  txn.wait(wait_for_numbered_keys(args, wanted->keys, ValueType::kZset, &cmd_bzmpop, *timeout_ms));
}

void pop_or_wait(Txn& txn, Args args, Reply& reply, bool highest, DataHandler handler) {
  std::optional<int64_t> const timeout_ms = wait_seconds(args, args.size() - 1, reply);
  if (!timeout_ms) return;
  for (std::string_view key : args.span().subspan(1, args.size() - 2)) {
    std::optional<Zset> zset = Zset::find(txn, key, Lookup::kWrite, reply);
    if (!zset) return;
    if (!zset->exists()) continue;
    uint64_t const rank = highest ? zset->reader().size() - 1 : 0;
    ZsetCursor const at = zset->reader().at(rank);
    reply.array(3);
    reply.bulk(key);
    reply_pair(reply, ZsetShape::kFlat, at.member(), at.score());
    erase(txn, *zset, {rank, rank + 1}, highest);
    return txn.effect({highest ? "ZPOPMAX" : "ZPOPMIN", key});
  }
  txn.wait(wait_for_any_key(args, ValueType::kZset, handler, *timeout_ms));
}

void cmd_bzpopmin(Txn& txn, Args args, Reply& reply) { pop_or_wait(txn, args, reply, false, &cmd_bzpopmin); }
void cmd_bzpopmax(Txn& txn, Args args, Reply& reply) { pop_or_wait(txn, args, reply, true, &cmd_bzpopmax); }

constexpr std::string_view kTimeoutHistory = "6.0.0: `timeout` is interpreted as a double instead of an integer.";

constexpr CommandRow kZsetPopRows[] = {
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
    {.name = "bzpopmin", .arity = -3, .flags = "write noscript blocking fast", .keys = "RW access delete i1 r(-2,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "5.0.0",
     .complexity = "O(log(N)) for N members",
     .summary = "Removes and answers the member with the lowest score of the first sorted set that is there; waits while "
                "there is none.",
     .syntax = "key:key... timeout:double", .handler = &cmd_bzpopmin, .history = kTimeoutHistory},
    {.name = "bzpopmax", .arity = -3, .flags = "write noscript blocking fast", .keys = "RW access delete i1 r(-2,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "5.0.0",
     .complexity = "O(log(N)) for N members",
     .summary = "Removes and answers the member with the highest score of the first sorted set that is there; waits while "
                "there is none.",
     .syntax = "key:key... timeout:double", .handler = &cmd_bzpopmax, .history = kTimeoutHistory},
    {.name = "bzmpop", .arity = -5, .flags = "write blocking movablekeys", .keys = "RW access delete i2 n(0,1,1)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "7.0.0",
     .complexity = "O(K)+O(M*log(N)) for K keys, to remove M of N members",
     .summary = "Removes and answers members of the first sorted set that is there, by score; waits while there is none.",
     .syntax = "timeout:double numkeys:integer key:key... where:oneof(MIN|MAX) [COUNT count:integer]",
     .handler = &cmd_bzmpop},
};

}  // namespace

CommandRows zset_pop_commands() { return kZsetPopRows; }

}  // namespace holdfast
