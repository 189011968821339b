#include <algorithm>
#include <cmath>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/number.h"
#include "base/strings.h"
#include "command/errors.h"
#include "commands/sorted_sets.h"
#include "commands/zset_inputs.h"
#include "commands/zset_reply.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

enum class Operation : uint8_t { kUnion, kInter, kDiff };
enum class Aggregate : uint8_t { kSum, kMin, kMax };

/// The words of one command of this family.
struct Request {
  std::string_view command;
  Operation operation;
  bool store = false;
  bool count_only = false;  // ZINTERCARD

  std::vector<ZsetInput> inputs = {};
  std::vector<double> weights = {};
  Aggregate aggregate = Aggregate::kSum;
  bool with_scores = false;
  uint64_t limit = 0;  // of ZINTERCARD; 0: none

  /// Reads the number of keys at args[index], the keys and the options. On failure replies why.
  bool parse(Txn& txn, Args args, size_t index, Reply& reply);

 private:
  bool parse_options(Args args, size_t index, Reply& reply);
};

bool Request::parse(Txn& txn, Args args, size_t index, Reply& reply) {
  std::optional<int64_t> const keys = args.integer(index, reply);
  if (!keys) return false;
  if (*keys < 1) {
    std::string const text = "at least 1 input key is needed for '" + std::string(command) + "' command";
    reply.error(text);
    return false;
  }
  if (static_cast<uint64_t>(*keys) > args.size() - index - 1) {
    reply.error(errors::kSyntax);
    return false;
  }
  auto const count = static_cast<size_t>(*keys);
  for (size_t i = 0; i < count; i++) {
    std::optional<ZsetInput> const input = ZsetInput::find(txn, args[index + 1 + i], reply);
    if (!input) return false;
    inputs.push_back(*input);
  }
  weights.assign(count, 1);
  return parse_options(args, index + 1 + count, reply);
}

bool Request::parse_options(Args args, size_t index, Reply& reply) {
  bool const weighted = operation != Operation::kDiff && !count_only;
  while (index < args.size()) {
    size_t const left = args.size() - index;
    if (weighted && left > weights.size() && args.is(index, "WEIGHTS")) {
      for (double& weight : weights) {
        std::optional<double> const number = parse_double(args[++index]);
        if (!number) {
          reply.error("weight value is not a float");
          return false;
        }
        weight = *number;
      }
      index++;
      continue;
    }
    if (weighted && left >= 2 && args.is(index, "AGGREGATE")) {
      index += 2;
      if (args.is(index - 1, "SUM")) {
        aggregate = Aggregate::kSum;
        continue;
      }
      if (args.is(index - 1, "MIN")) {
        aggregate = Aggregate::kMin;
        continue;
      }
      if (args.is(index - 1, "MAX")) {
        aggregate = Aggregate::kMax;
        continue;
      }
    } else if (!store && !count_only && args.is(index, "WITHSCORES")) {
      with_scores = true;
      index++;
      continue;
    } else if (count_only && left >= 2 && args.is(index, "LIMIT")) {
      std::optional<int64_t> const number = parse_int64(args[index + 1]);
      if (!number || *number < 0) {
        reply.error("LIMIT can't be negative");
        return false;
      }
      limit = static_cast<uint64_t>(*number);
      index += 2;
      continue;
    }
    reply.error(errors::kSyntax);
    return false;
  }
  return true;
}

struct ScoredMember {
  double score;
  std::string_view member;

  bool operator<(ScoredMember const& other) const {
    return score < other.score || (score == other.score && member < other.member);
  }
};

/// Makes the result: members that lie in the inputs, in the order of the result.
class Combination {
 public:
  explicit Combination(Request const& request) : request_(request) {
    // Smaller inputs first, as in Redis: the order in which scores are added up shows in the last digit.
    for (size_t i = 0; i < request.inputs.size(); i++) inputs_.push_back({request.inputs[i], request.weights[i]});
    if (request.operation == Operation::kDiff) return;
    std::stable_sort(inputs_.begin(), inputs_.end(),
                     [](Weighted const& a, Weighted const& b) { return a.input.size() < b.input.size(); });
  }

  std::vector<ScoredMember> run() {
    switch (request_.operation) {
      case Operation::kUnion: unite(); break;
      case Operation::kInter: intersect(); break;
      default: subtract();
    }
    std::sort(result_.begin(), result_.end());
    return std::move(result_);
  }

  /// How many members the intersection has, counted up to the limit.
  uint64_t count_common() {
    uint64_t count = 0;
    packed::TextScratch scratch;
    inputs_[0].input.for_each([&](packed::Element const& element, double) {
      std::string_view const member = element.as_text(scratch);
      count += in_all_others(member, [](Weighted const&, double) {});
      return count == 0 || count != request_.limit;
    });
    return count;
  }

 private:
  struct Weighted {
    ZsetInput input;
    double weight;

    double weighted(double score) const {
      double const product = score * weight;
      return std::isnan(product) ? 0 : product;
    }
  };

  /// The text of a member, which stays where it is.
  std::string_view lasting(packed::Element const& member) {
    if (!member.is_integer) return member.text;
    packed::TextScratch scratch;
    return numbers_.emplace_back(member.as_text(scratch));
  }

  double aggregated(double total, double score) const {
    switch (request_.aggregate) {
      case Aggregate::kMin: return score < total ? score : total;
      case Aggregate::kMax: return score > total ? score : total;
      default: {
        double const sum = total + score;  // infinities of both signs
        return std::isnan(sum) ? 0 : sum;
      }
    }
  }

  void unite() {
    std::unordered_map<std::string_view, size_t> places;  // in result_
    packed::TextScratch scratch;
    for (Weighted const& each : inputs_) {
      each.input.for_each([&](packed::Element const& element, double score) {
        double const weighted = each.weighted(score);
        if (auto const found = places.find(element.as_text(scratch)); found != places.end()) {
          double& total = result_[found->second].score;
          total = aggregated(total, weighted);
        } else {
          std::string_view const member = lasting(element);
          places.emplace(member, result_.size());
          result_.push_back({weighted, member});
        }
        return true;
      });
    }
  }

  /// Calls `visit` with each input but the first and its score; false when one of them lacks the member.
  template <class Visit>
  bool in_all_others(std::string_view member, Visit&& visit) const {
    for (size_t i = 1; i < inputs_.size(); i++) {
      std::optional<double> const score = inputs_[i].input.score(member);
      if (!score) return false;
      visit(inputs_[i], *score);
    }
    return true;
  }

  void intersect() {
    packed::TextScratch scratch;
    inputs_[0].input.for_each([&](packed::Element const& element, double score) {
      double total = inputs_[0].weighted(score);
      bool const common = in_all_others(element.as_text(scratch), [&](Weighted const& other, double other_score) {
        // Not `weighted`: Redis looks for NaN only in the sum.
        total = aggregated(total, other_score * other.weight);
      });
      if (common) result_.push_back({total, lasting(element)});
      return true;
    });
  }

  void subtract() {
    packed::TextScratch scratch;
    inputs_[0].input.for_each([&](packed::Element const& element, double score) {
      std::string_view const member = element.as_text(scratch);
      bool const elsewhere = std::any_of(inputs_.begin() + 1, inputs_.end(),
                                         [&](Weighted const& each) { return each.input.score(member).has_value(); });
      if (!elsewhere) result_.push_back({score, lasting(element)});
      return true;
    });
  }

  Request const& request_;
  std::vector<Weighted> inputs_;
  std::vector<ScoredMember> result_;
  std::deque<std::string> numbers_;  // texts of members that are integers in a packed set
};

SortedSet set_of(std::vector<ScoredMember> const& members, KeyHasher const& hasher) {
  SortedSet set(hasher);
  for (ScoredMember const& each : members) CHECK(set.append(each.member, each.score));
  return set;
}

void combine(Txn& txn, Args args, Request request, Reply& reply) {
  if (!request.parse(txn, args, request.store ? 2 : 1, reply)) return;
  Combination combination(request);
  if (request.count_only) return reply.integer(static_cast<int64_t>(combination.count_common()));
  std::vector<ScoredMember> const result = combination.run();
  ValueContext const context = txn.keyspace().value_context();
  if (request.store) {
    if (result.empty()) {
      txn.drop(args[1]);
    } else {
      txn.put_value(txn.db(), args[1], zset_value_of(set_of(result, context.hasher), context.limits));
      txn.notify(config::kEventZset, request.command, args[1]);
    }
    return reply.integer(static_cast<int64_t>(result.size()));
  }
  ZsetShape const shape = request.with_scores ? ZsetShape::kScores : ZsetShape::kMembers;
  if (result.size() > kReplyPairsMax) {
    auto body = std::make_unique<ZsetBody>(set_of(result, context.hasher));
    return reply_slice(DetachedValue::of_body(ValueType::kZset, std::move(body)), {0, result.size(), false}, shape,
                       reply);
  }
  begin_pairs(reply, shape, result.size());
  for (ScoredMember const& each : result) reply_pair(reply, shape, {false, 0, each.member}, each.score);
}

void cmd_zunion(Txn& txn, Args args, Reply& reply) {
  combine(txn, args, {.command = "zunion", .operation = Operation::kUnion}, reply);
}

void cmd_zinter(Txn& txn, Args args, Reply& reply) {
  combine(txn, args, {.command = "zinter", .operation = Operation::kInter}, reply);
}

void cmd_zdiff(Txn& txn, Args args, Reply& reply) {
  combine(txn, args, {.command = "zdiff", .operation = Operation::kDiff}, reply);
}

void cmd_zintercard(Txn& txn, Args args, Reply& reply) {
  combine(txn, args, {.command = "zintercard", .operation = Operation::kInter, .count_only = true}, reply);
}

void cmd_zunionstore(Txn& txn, Args args, Reply& reply) {
  combine(txn, args, {.command = "zunionstore", .operation = Operation::kUnion, .store = true}, reply);
}

void cmd_zinterstore(Txn& txn, Args args, Reply& reply) {
  combine(txn, args, {.command = "zinterstore", .operation = Operation::kInter, .store = true}, reply);
}

void cmd_zdiffstore(Txn& txn, Args args, Reply& reply) {
  combine(txn, args, {.command = "zdiffstore", .operation = Operation::kDiff, .store = true}, reply);
}

constexpr CommandRow kZsetCombineRows[] = {
    {.name = "zunion", .arity = -3, .flags = "readonly movablekeys", .keys = "RO access i1 n(0,1,1)", .categories = "sortedset",
     .tips = "", .group = "sorted-set", .since = "6.2.0",
     .complexity = "O(N)+O(M*log(M)) for N members of all inputs and M of the result",
     .summary = "Answers the members that are in any of several sorted sets.",
     .syntax = "numkeys:integer key:key... [WEIGHTS weight:integer...] [AGGREGATE aggregate:oneof(SUM|MIN|MAX)] "
               "[WITHSCORES]",
     .handler = &cmd_zunion},
    {.name = "zinter", .arity = -3, .flags = "readonly movablekeys", .keys = "RO access i1 n(0,1,1)", .categories = "sortedset",
     .tips = "", .group = "sorted-set", .since = "6.2.0",
     .complexity = "O(N*K)+O(M*log(M)) for K inputs, the smallest of which has N members, and M of the result",
     .summary = "Answers the members that are in each of several sorted sets.",
     .syntax = "numkeys:integer key:key... [WEIGHTS weight:integer...] [AGGREGATE aggregate:oneof(SUM|MIN|MAX)] "
               "[WITHSCORES]",
     .handler = &cmd_zinter},
    {.name = "zdiff", .arity = -3, .flags = "readonly movablekeys", .keys = "RO access i1 n(0,1,1)", .categories = "sortedset",
     .tips = "", .group = "sorted-set", .since = "6.2.0",
     .complexity = "O(N*K)+O(M*log(M)) for K inputs, the first of which has N members, and M of the result",
     .summary = "Answers the members of one sorted set that are in none of others.",
     .syntax = "numkeys:integer key:key... [WITHSCORES]", .handler = &cmd_zdiff},
    {.name = "zintercard", .arity = -3, .flags = "readonly movablekeys", .keys = "RO access i1 n(0,1,1)",
     .categories = "sortedset", .tips = "", .group = "sorted-set", .since = "7.0.0",
     .complexity = "O(N*K) for K inputs, the smallest of which has N members",
     .summary = "Counts the members that are in each of several sorted sets.",
     .syntax = "numkeys:integer key:key... [LIMIT limit:integer]", .handler = &cmd_zintercard},
    {.name = "zunionstore", .arity = -4, .flags = "write denyoom movablekeys",
     .keys = "OW update i1 r(0,1,0); RO access i2 n(0,1,1)", .categories = "sortedset", .tips = "",
     .group = "sorted-set", .since = "2.0.0",
     .complexity = "O(N)+O(M*log(M)) for N members of all inputs and M of the result",
     .summary = "Stores the members that are in any of several sorted sets.",
     .syntax = "destination:key numkeys:integer key:key... [WEIGHTS weight:integer...] [AGGREGATE "
               "aggregate:oneof(SUM|MIN|MAX)]",
     .handler = &cmd_zunionstore},
    {.name = "zinterstore", .arity = -4, .flags = "write denyoom movablekeys",
     .keys = "OW update i1 r(0,1,0); RO access i2 n(0,1,1)", .categories = "sortedset", .tips = "",
     .group = "sorted-set", .since = "2.0.0",
     .complexity = "O(N*K)+O(M*log(M)) for K inputs, the smallest of which has N members, and M of the result",
     .summary = "Stores the members that are in each of several sorted sets.",
     .syntax = "destination:key numkeys:integer key:key... [WEIGHTS weight:integer...] [AGGREGATE "
               "aggregate:oneof(SUM|MIN|MAX)]",
     .handler = &cmd_zinterstore},
    {.name = "zdiffstore", .arity = -4, .flags = "write denyoom movablekeys",
     .keys = "OW update i1 r(0,1,0); RO access i2 n(0,1,1)", .categories = "sortedset", .tips = "",
     .group = "sorted-set", .since = "6.2.0",
     .complexity = "O(N*K)+O(M*log(M)) for K inputs, the first of which has N members, and M of the result",
     .summary = "Stores the members of one sorted set that are in none of others.",
     .syntax = "destination:key numkeys:integer key:key...", .handler = &cmd_zdiffstore},
};

}  // namespace

CommandRows zset_combine_commands() { return kZsetCombineRows; }

}  // namespace holdfast
