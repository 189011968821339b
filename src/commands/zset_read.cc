#include "command/errors.h"
#include "commands/sorted_sets.h"
#include "commands/zset_access.h"

namespace holdfast {
namespace {

void cmd_zcard(Txn& txn, Args args, Reply& reply) {
  std::optional<Zset> const zset = Zset::find(txn, args[1], Lookup::kRead, reply);
  if (zset) reply.integer(zset->exists() ? static_cast<int64_t>(zset->reader().size()) : 0);
}

void cmd_zcount(Txn& txn, Args args, Reply& reply) {
  std::optional<ScoreRange> const range = ScoreRange::parse(args, 2, 3, reply);
  if (!range) return;
  std::optional<Zset> const zset = Zset::find(txn, args[1], Lookup::kRead, reply);
  if (!zset) return;
  reply.integer(zset->exists() ? static_cast<int64_t>(zset->reader().range(range->min, range->max).size()) : 0);
}

void cmd_zlexcount(Txn& txn, Args args, Reply& reply) {
  std::optional<LexRange> const range = LexRange::parse(args, 2, 3, reply);
  if (!range) return;
  std::optional<Zset> const zset = Zset::find(txn, args[1], Lookup::kRead, reply);
  if (!zset) return;
  reply.integer(zset->exists() ? static_cast<int64_t>(zset->reader().range(range->min, range->max).size()) : 0);
}

void reply_score(Zset const& zset, std::string_view member, Reply& reply) {
  std::optional<double> const score = zset.exists() ? zset.reader().score(member) : std::nullopt;
  score ? reply.number(*score) : reply.null();
}

void cmd_zscore(Txn& txn, Args args, Reply& reply) {
  std::optional<Zset> const zset = Zset::find(txn, args[1], Lookup::kRead, reply);
  if (zset) reply_score(*zset, args[2], reply);
}

void cmd_zmscore(Txn& txn, Args args, Reply& reply) {
  std::optional<Zset> const zset = Zset::find(txn, args[1], Lookup::kRead, reply);
  if (!zset) return;
  reply.array(args.size() - 2);
  for (size_t i = 2; i < args.size(); i++) reply_score(*zset, args[i], reply);
}

void reply_rank(Txn& txn, Args args, bool reverse, Reply& reply) {
  if (args.size() > 4) {
    return reply.errorf("wrong number of arguments for '%s' command", reverse ? "zrevrank" : "zrank");
  }
  bool const with_score = args.size() == 4;
  if (with_score && !args.is(3, "WITHSCORE")) return reply.error(errors::kSyntax);
  std::optional<Zset> const zset = Zset::find(txn, args[1], Lookup::kRead, reply);
  if (!zset) return;
  std::optional<ZsetPlace> const place = zset->exists() ? zset->reader().place(args[2]) : std::nullopt;
  if (!place) return with_score ? reply.null_array() : reply.null();
  if (with_score) reply.array(2);
  reply.integer(static_cast<int64_t>(reverse ? zset->reader().size() - 1 - place->rank : place->rank));
  if (with_score) reply.number(place->score);
}

void cmd_zrank(Txn& txn, Args args, Reply& reply) { reply_rank(txn, args, false, reply); }
void cmd_zrevrank(Txn& txn, Args args, Reply& reply) { reply_rank(txn, args, true, reply); }

constexpr CommandRow kZsetReadRows[] = {
    {.name = "zcard", .arity = 2, .flags = "readonly fast", .keys = "RO i1 r(0,1,0)", .categories = "sortedset",
     .tips = "", .group = "sorted-set", .since = "1.2.0", .complexity = "O(1)",
     .summary = "Tells how many members a sorted set has.", .syntax = "key:key", .handler = &cmd_zcard},
    {.name = "zcount", .arity = 4, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "2.0.0",
     .complexity = "O(log(N)) for N members", .summary = "Counts the members whose scores are in a range.",
     .syntax = "key:key min:double max:double", .handler = &cmd_zcount},
    {.name = "zlexcount", .arity = 4, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "2.8.9",
     .complexity = "O(log(N)) for N members",
     .summary = "Counts the members that lie between two texts, if all scores are the same.",
     .syntax = "key:key min:string max:string", .handler = &cmd_zlexcount},
    {.name = "zscore", .arity = 3, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "1.2.0", .complexity = "O(1)",
     .summary = "Answers the score of a member.", .syntax = "key:key member:string", .handler = &cmd_zscore,
     .element = 2},
    {.name = "zmscore", .arity = -3, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "6.2.0",
     .complexity = "O(N) for N members asked for", .summary = "Answers the scores of several members.",
     .syntax = "key:key member:string...", .handler = &cmd_zmscore, .element = 2},
    {.name = "zrank", .arity = -3, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "2.0.0",
     .complexity = "O(log(N)) for N members", .summary = "Tells how many members come before one, by score.",
     .syntax = "key:key member:string [WITHSCORE]", .handler = &cmd_zrank, .history = "7.2.0: `WITHSCORE`.",
     .element = 2},
    {.name = "zrevrank", .arity = -3, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "2.0.0",
     .complexity = "O(log(N)) for N members", .summary = "Tells how many members come behind one, by score.",
     .syntax = "key:key member:string [WITHSCORE]", .handler = &cmd_zrevrank, .history = "7.2.0: `WITHSCORE`.",
     .element = 2},
};

}  // namespace

CommandRows zset_read_commands() { return kZsetReadRows; }

}  // namespace holdfast
