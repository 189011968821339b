#include <limits>
#include <variant>

#include "command/errors.h"
#include "commands/sorted_sets.h"
#include "commands/zset_reply.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

enum class By : uint8_t { kRank, kScore, kLex };

/// What ZRANGE and its relatives are asked for.
struct RangeRequest {
  std::optional<By> by;         ///< none: an option may say so
  std::optional<bool> reverse;  ///< none: an option may say so
  bool with_scores = false;
  int64_t offset = 0;
  int64_t limit = -1;
  std::variant<std::monostate, ScoreRange, LexRange> range = {};  // of the others
  int64_t first_rank = 0;  ///< of kRank
  int64_t last_rank = 0;

  /// Reads args[index], args[index + 1] and the options behind them. On failure replies why.
  bool parse(Args args, size_t index, bool store, Reply& reply);
  /// The pairs that are asked for.
  ZsetSlice slice_of(ZsetReader const& zset) const;

 private:
  bool parse_options(Args args, size_t index, bool store, Reply& reply);
};

bool RangeRequest::parse_options(Args args, size_t index, bool store, Reply& reply) {
  for (; index < args.size(); index++) {
    if (!store && args.is(index, "WITHSCORES")) {
      with_scores = true;
    } else if (index + 2 < args.size() && args.is(index, "LIMIT")) {
      std::optional<int64_t> const first = args.integer(index + 1, reply);
      if (!first) return false;
      std::optional<int64_t> const count = args.integer(index + 2, reply);
      if (!count) return false;
      offset = *first;
      limit = *count;
      index += 2;
    } else if (!reverse && args.is(index, "REV")) {
      reverse = true;
    } else if (!by && args.is(index, "BYLEX")) {
      by = By::kLex;
    } else if (!by && args.is(index, "BYSCORE")) {
      by = By::kScore;
    } else {
      reply.error(errors::kSyntax);
      return false;
    }
  }
  return true;
}

bool RangeRequest::parse(Args args, size_t index, bool store, Reply& reply) {
  if (!parse_options(args, index + 2, store, reply)) return false;
  if (!reverse) reverse = false;
  if (!by) by = By::kRank;
  if (limit != -1 && by == By::kRank) {
    reply.error("syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    return false;
  }
  if (with_scores && by == By::kLex) {
    reply.error("syntax error, WITHSCORES not supported in combination with BYLEX");
    return false;
  }
  size_t const min = *reverse ? index + 1 : index;
  size_t const max = *reverse ? index : index + 1;
  switch (*by) {
    case By::kRank: {
      std::optional<int64_t> const first = args.integer(index, reply);
      if (!first) return false;
      std::optional<int64_t> const last = args.integer(index + 1, reply);
      if (!last) return false;
      first_rank = *first;
      last_rank = *last;
      return true;
    }
    case By::kScore: {
      std::optional<ScoreRange> const scores = ScoreRange::parse(args, min, max, reply);
      if (scores) range = *scores;
      return scores.has_value();
    }
    default: {
      std::optional<LexRange> const members = LexRange::parse(args, min, max, reply);
      if (members) range = *members;
      return members.has_value();
    }
  }
}

ZsetSlice RangeRequest::slice_of(ZsetReader const& zset) const {
  if (by == By::kRank) {
    uint64_t const size = zset.size();
    RankRange ranks = rank_range(first_rank, last_rank, size);
    if (*reverse && !ranks.empty()) ranks = {size - ranks.last, size - ranks.first};
    return ZsetSlice::of(ranks, *reverse);
  }
  RankRange ranks;
  if (auto const* scores = std::get_if<ScoreRange>(&range)) {
    ranks = zset.range(scores->min, scores->max);
  } else {
    auto const& members = std::get<LexRange>(range);
    ranks = zset.range(members.min, members.max, *reverse);
  }
  if (offset < 0 || static_cast<uint64_t>(offset) >= ranks.size()) return {};
  uint64_t const left = ranks.size() - static_cast<uint64_t>(offset);
  uint64_t const count = limit < 0 ? left : std::min(left, static_cast<uint64_t>(limit));
  uint64_t const skipped = static_cast<uint64_t>(offset);
  return {*reverse ? ranks.last - 1 - skipped : ranks.first + skipped, count, *reverse};
}

void reply_range(Txn& txn, Args args, RangeRequest request, Reply& reply) {
  if (!request.parse(args, 2, false, reply)) return;
  std::optional<Zset> const zset = Zset::find(txn, args[1], Lookup::kRead, reply);
  if (!zset) return;
  if (!zset->exists()) return reply.array(0);
  ZsetShape const shape = request.with_scores ? ZsetShape::kScores : ZsetShape::kMembers;
  reply_slice(txn, *zset, request.slice_of(zset->reader()), shape, reply);
}

void cmd_zrange(Txn& txn, Args args, Reply& reply) { reply_range(txn, args, {}, reply); }

void cmd_zrevrange(Txn& txn, Args args, Reply& reply) {
  reply_range(txn, args, {.by = By::kRank, .reverse = true}, reply);
}

void cmd_zrangebyscore(Txn& txn, Args args, Reply& reply) {
  reply_range(txn, args, {.by = By::kScore, .reverse = false}, reply);
}

void cmd_zrevrangebyscore(Txn& txn, Args args, Reply& reply) {
  reply_range(txn, args, {.by = By::kScore, .reverse = true}, reply);
}

void cmd_zrangebylex(Txn& txn, Args args, Reply& reply) {
  reply_range(txn, args, {.by = By::kLex, .reverse = false}, reply);
}

void cmd_zrevrangebylex(Txn& txn, Args args, Reply& reply) {
  reply_range(txn, args, {.by = By::kLex, .reverse = true}, reply);
}

void cmd_zrangestore(Txn& txn, Args args, Reply& reply) {
  RangeRequest request;
  if (!request.parse(args, 3, true, reply)) return;
  std::optional<Zset> const zset = Zset::find(txn, args[2], Lookup::kRead, reply);
  if (!zset) return;
  ZsetSlice const slice = zset->exists() ? request.slice_of(zset->reader()) : ZsetSlice{};
  if (slice.count == 0) {
    txn.drop(args[1]);
    return reply.integer(0);
  }
  ValueEdit result{.type = ValueType::kZset};
  ZsetEditor editor(result, txn.keyspace().value_context());
  packed::TextScratch scratch;
  ZsetCursor at = zset->reader().at(slice.first);
  for (uint64_t left = slice.count; left > 0; left--) {
    editor.put(at.member().as_text(scratch), at.score());
    if (left > 1) slice.reverse ? at.previous() : at.next();
  }
  txn.put_value(txn.db(), args[1],
                result.in_body() ? DetachedValue::of_body(ValueType::kZset, std::move(result.made))
                                 : DetachedValue::of_packed(ValueType::kZset, std::move(result.bytes)));
  txn.notify(config::kEventZset, "zrangestore", args[1]);
  reply.integer(static_cast<int64_t>(slice.count));
}

constexpr CommandRow kZsetRangeRows[] = {
    {.name = "zrange", .arity = -4, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "sortedset",
     .tips = "", .group = "sorted-set", .since = "1.2.0", .complexity = "O(log(N)+M) to answer M of N members",
     .summary = "Answers a range of a sorted set, by rank, score or text.",
     .syntax = "key:key start:string stop:string [sortby:oneof(BYSCORE|BYLEX)@6.2.0] [REV@6.2.0] [LIMIT "
               "offset_count:block(offset:integer count:integer)@6.2.0] [WITHSCORES]",
     .handler = &cmd_zrange, .history = "6.2.0: `REV`, `BYSCORE`, `BYLEX` and `LIMIT`."},
    {.name = "zrangestore", .arity = -5, .flags = "write denyoom",
     .keys = "OW update i1 r(0,1,0); RO access i2 r(0,1,0)", .categories = "sortedset", .tips = "",
     .group = "sorted-set", .since = "6.2.0", .complexity = "O(log(N)+M) to store M of N members",
     .summary = "Stores a range of a sorted set under another key.",
     .syntax = "dst:key src:key min:string max:string [sortby:oneof(BYSCORE|BYLEX)] [REV] [LIMIT "
               "offset_count:block(offset:integer count:integer)]",
     .handler = &cmd_zrangestore},
    {.name = "zrangebyscore", .arity = -4, .flags = "readonly", .keys = "RO access i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "1.0.5",
     .complexity = "O(log(N)+M) to answer M of N members",
     .summary = "Answers the members whose scores are in a range.",
     .syntax = "key:key min:double max:double [WITHSCORES@2.0.0] [LIMIT offset_count:block(offset:integer "
               "count:integer)]",
     .handler = &cmd_zrangebyscore, .history = "2.0.0: `WITHSCORES`.",
     .deprecated = "6.2.0: `ZRANGE` with the `BYSCORE` argument"},
    {.name = "zrevrangebyscore", .arity = -4, .flags = "readonly", .keys = "RO access i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "2.2.0",
     .complexity = "O(log(N)+M) to answer M of N members",
     .summary = "Answers the members whose scores are in a range, from the highest down.",
     .syntax = "key:key max:double min:double [WITHSCORES] [LIMIT offset_count:block(offset:integer count:integer)]",
     .handler = &cmd_zrevrangebyscore, .history = "2.1.6: `min` and `max` can be exclusive.",
     .deprecated = "6.2.0: `ZRANGE` with the `REV` and `BYSCORE` arguments"},
    {.name = "zrangebylex", .arity = -4, .flags = "readonly", .keys = "RO access i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "2.8.9",
     .complexity = "O(log(N)+M) to answer M of N members",
     .summary = "Answers the members that lie between two texts, if all scores are the same.",
     .syntax = "key:key min:string max:string [LIMIT offset_count:block(offset:integer count:integer)]",
     .handler = &cmd_zrangebylex, .deprecated = "6.2.0: `ZRANGE` with the `BYLEX` argument"},
    {.name = "zrevrangebylex", .arity = -4, .flags = "readonly", .keys = "RO access i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "2.8.9",
     .complexity = "O(log(N)+M) to answer M of N members",
     .summary = "Answers the members that lie between two texts, from the last down, if all scores are the same.",
     .syntax = "key:key max:string min:string [LIMIT offset_count:block(offset:integer count:integer)]",
     .handler = &cmd_zrevrangebylex, .deprecated = "6.2.0: `ZRANGE` with the `REV` and `BYLEX` arguments"},
    {.name = "zrevrange", .arity = -4, .flags = "readonly", .keys = "RO access i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "1.2.0",
     .complexity = "O(log(N)+M) to answer M of N members",
     .summary = "Answers the members whose ranks from the highest score down are in a range.",
     .syntax = "key:key start:integer stop:integer [WITHSCORES]", .handler = &cmd_zrevrange,
     .deprecated = "6.2.0: `ZRANGE` with the `REV` argument"},
};

}  // namespace

CommandRows zset_range_commands() { return kZsetRangeRows; }

}  // namespace holdfast
