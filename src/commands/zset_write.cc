#include <array>
#include <cmath>
#include <vector>

#include "base/number.h"
#include "command/errors.h"
#include "commands/sorted_sets.h"
#include "commands/zset_add.h"
#include "keyspace/keyspace.h"

namespace holdfast {

ZaddOptions ZaddOptions::read(Args args, size_t& index) {
  ZaddOptions options;
  for (; index < args.size(); index++) {
    if (args.is(index, "NX")) {
      options.only_new = true;
    } else if (args.is(index, "XX")) {
      options.only_present = true;
    } else if (args.is(index, "CH")) {
      options.count_changed = true;
    } else if (args.is(index, "INCR")) {
      options.increment = true;
    } else if (args.is(index, "GT")) {
      options.only_greater = true;
    } else if (args.is(index, "LT")) {
      options.only_less = true;
    } else {
      break;
    }
  }
  return options;
}

bool ZaddOptions::check(size_t pairs, Reply& reply) const {
  if (only_new && only_present) {
    reply.error("XX and NX options at the same time are not compatible");
  } else if ((only_new && (only_greater || only_less)) || (only_greater && only_less)) {
    reply.error("GT, LT, and/or NX options at the same time are not compatible");
  } else if (increment && pairs > 1) {
    reply.error("INCR option supports a single increment-element pair");
  } else {
    return true;
  }
  return false;
}

uint64_t add_to_zset(Txn& txn, Args args, ZaddOptions const& options, std::span<double const> scores, size_t first,
                     size_t step, Reply& reply) {
  std::optional<Zset> zset = Zset::find(txn, args[1], Lookup::kWrite, reply);
  if (!zset) return 0;
  if (!zset->exists() && options.only_present) {
    options.increment ? reply.null() : reply.integer(0);
    return 0;
  }
  ValueEdit edit = zset->edit();
  ZsetEditor editor(edit, txn.keyspace().value_context());
  int64_t added = 0;
  int64_t updated = 0;
  bool refused = false;  // by an option
  double result = 0;     // of INCR
  for (size_t i = 0; i < scores.size(); i++) {
    ZsetEditor::Put const put =
        editor.change(args[first + i * step], [&](std::optional<double> present) -> std::optional<double> {
          result = options.increment && present ? *present + scores[i] : scores[i];
          refused = present ? options.only_new || std::isnan(result) || (options.only_less && result >= *present) ||
                                  (options.only_greater && result <= *present)
                            : options.only_present;
          return refused ? std::nullopt : std::optional(result);
        });
    added += put == ZsetEditor::Put::kAdded;
    updated += put == ZsetEditor::Put::kUpdated;
  }
  auto const changes = static_cast<uint64_t>(added + updated);
  zset->finish(edit, false, changes, options.increment ? "zincr" : "zadd");
  if (!options.increment) {
    reply.integer(options.count_changed ? added + updated : added);
  } else if (std::isnan(result) && !options.only_new) {
    reply.error("resulting score is not a number (NaN)");
  } else {
    refused ? reply.null() : reply.number(result);
  }
  return changes;
}

namespace {

void add(Txn& txn, Args args, bool increment, Reply& reply) {
  size_t first = 2;
  ZaddOptions options = ZaddOptions::read(args, first);
  options.increment |= increment;
  size_t const words = args.size() - first;
  if (words == 0 || words % 2 != 0) return reply.error(errors::kSyntax);
  size_t const pairs = words / 2;
  if (!options.check(pairs, reply)) return;
  constexpr size_t kFew = 8;  // that need no memory
  std::array<double, kFew> few;
  std::vector<double> many(pairs > kFew ? pairs : 0);
  std::span<double> const scores = pairs > kFew ? std::span(many) : std::span(few).first(pairs);
  for (size_t i = 0; i < pairs; i++) {
    std::optional<double> const score = parse_double(args[first + 2 * i]);
    if (!score) return reply.error(errors::kNotFloat);
    scores[i] = *score;
  }
  add_to_zset(txn, args, options, scores, first + 1, 2, reply);
}

void cmd_zadd(Txn& txn, Args args, Reply& reply) { add(txn, args, false, reply); }
// Its increment may be a word of ZADD, as in Redis; there is no member left then.
void cmd_zincrby(Txn& txn, Args args, Reply& reply) { add(txn, args, true, reply); }

void cmd_zrem(Txn& txn, Args args, Reply& reply) {
  std::optional<Zset> zset = Zset::find(txn, args[1], Lookup::kWrite, reply);
  if (!zset) return;
  if (!zset->exists()) return reply.integer(0);
  ValueEdit edit = zset->edit();
  ZsetEditor editor(edit, txn.keyspace().value_context());
  int64_t removed = 0;
  for (size_t i = 2; i < args.size(); i++) removed += editor.erase(args[i]);
  zset->finish(edit, static_cast<uint64_t>(removed), "zrem");
  reply.integer(removed);
}

// ---- ranges ------------------------------------------------------------

/// `find(ZsetReader) -> RankRange` says which pairs go.
template <class Find>
void remove_range(Txn& txn, Args args, std::string_view event, Reply& reply, Find&& find) {
  std::optional<Zset> zset = Zset::find(txn, args[1], Lookup::kWrite, reply);
  if (!zset) return;
  if (!zset->exists()) return reply.integer(0);
  ZsetReader const reader = zset->reader();
  uint64_t const size = reader.size();
  RankRange const range = find(reader);
  if (!range.empty()) {
    ValueEdit edit = zset->edit();
    // When all goes, the value goes as it is, and is taken apart in the background.
    bool const all = range.size() == size;
    if (!all) ZsetEditor(edit, txn.keyspace().value_context()).erase_range(range);
    zset->finish(edit, all, range.size(), event);
  }
  reply.integer(static_cast<int64_t>(range.size()));
}

void cmd_zremrangebyrank(Txn& txn, Args args, Reply& reply) {
  std::optional<int64_t> const first = args.integer(2, reply);
  if (!first) return;
  std::optional<int64_t> const last = args.integer(3, reply);
  if (!last) return;
  remove_range(txn, args, "zremrangebyrank", reply, [&](ZsetReader const& zset) { return rank_range(*first, *last, zset.size()); });
}

void cmd_zremrangebyscore(Txn& txn, Args args, Reply& reply) {
  std::optional<ScoreRange> const range = ScoreRange::parse(args, 2, 3, reply);
  if (!range) return;
  remove_range(txn, args, "zremrangebyscore", reply, [&](ZsetReader const& zset) { return zset.range(range->min, range->max); });
}

void cmd_zremrangebylex(Txn& txn, Args args, Reply& reply) {
  std::optional<LexRange> const range = LexRange::parse(args, 2, 3, reply);
  if (!range) return;
  remove_range(txn, args, "zremrangebylex", reply, [&](ZsetReader const& zset) { return zset.range(range->min, range->max); });
}

constexpr CommandRow kZsetWriteRows[] = {
    {.name = "zadd", .arity = -4, .flags = "write denyoom fast", .keys = "RW update i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "1.2.0",
     .complexity = "O(log(N)) for each member in a sorted set of N",
     .summary = "Adds members to a sorted set, or gives them other scores.",
     .syntax = "key:key [condition:oneof(NX|XX)@3.0.2] [comparison:oneof(GT|LT)@6.2.0] [CH change:pure-token@3.0.2] [INCR increment:pure-token@3.0.2] "
               "score_member:block(score:double member:string)...",
     .handler = &cmd_zadd,
     .history = "2.4.0: Several members at once.; 3.0.2: `XX`, `NX`, `CH` and `INCR`.; 6.2.0: `GT` and `LT`.",
     .element = 3},
    {.name = "zincrby", .arity = 4, .flags = "write denyoom fast", .keys = "RW access update i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "1.2.0", .complexity = "O(log(N)) for N members",
     .summary = "Adds a number to the score of a member.", .syntax = "key:key increment:integer member:string",
     .handler = &cmd_zincrby, .element = 3},
    {.name = "zrem", .arity = -3, .flags = "write fast", .keys = "RW delete i1 r(0,1,0)", .categories = "sortedset",
     .tips = "", .group = "sorted-set", .since = "1.2.0", .complexity = "O(M*log(N)) to remove M of N members",
     .summary = "Removes members from a sorted set.", .syntax = "key:key member:string...", .handler = &cmd_zrem,
     .history = "2.4.0: Several members at once.", .element = 2},
    {.name = "zremrangebyrank", .arity = 4, .flags = "write", .keys = "RW delete i1 r(0,1,0)", .categories = "sortedset",
     .tips = "", .group = "sorted-set", .since = "2.0.0", .complexity = "O(log(N)+M) to remove M of N members",
     .summary = "Removes the members of a sorted set whose ranks are in a range.",
     .syntax = "key:key start:integer stop:integer", .handler = &cmd_zremrangebyrank},
    {.name = "zremrangebyscore", .arity = 4, .flags = "write", .keys = "RW delete i1 r(0,1,0)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "1.2.0",
     .complexity = "O(log(N)+M) to remove M of N members",
     .summary = "Removes the members of a sorted set whose scores are in a range.",
     .syntax = "key:key min:double max:double", .handler = &cmd_zremrangebyscore},
    {.name = "zremrangebylex", .arity = 4, .flags = "write", .keys = "RW delete i1 r(0,1,0)", .categories = "sortedset",
     .tips = "", .group = "sorted-set", .since = "2.8.9", .complexity = "O(log(N)+M) to remove M of N members",
     .summary = "Removes the members of a sorted set that lie between two texts, if all scores are the same.",
     .syntax = "key:key min:string max:string", .handler = &cmd_zremrangebylex},
};

}  // namespace

CommandRows zset_write_commands() { return kZsetWriteRows; }

}  // namespace holdfast
