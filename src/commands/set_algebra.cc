#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "command/errors.h"
#include "commands/set_reply.h"
#include "commands/sets.h"
#include "commands/value_reply.h"
#include "keyspace/keyspace.h"
#include "values/set_combination.h"

namespace holdfast {
namespace {

using Records = std::vector<Record const*>;

/// The sets that an operation works on: as SetCombination takes them. nullopt after an error reply.
std::optional<Records> find_operands(Txn& txn, SetOperation operation, std::span<std::string_view const> keys,
                                     Reply& reply) {
  for (std::string_view key : keys) {
    if (!is_type_or_missing(txn.find(key), ValueType::kSet, reply)) return std::nullopt;
  }
  // A lookup may have deleted a key that has expired; from here on nothing changes.
  Records records;
  for (size_t i = 0; i < keys.size(); i++) {
    Record const* record = txn.find(keys[i], Lookup::kPeek);
    bool const decides = operation == SetOperation::kIntersection || (operation == SetOperation::kDifference && i == 0);
    if (!record && decides) return Records();
    if (record) records.push_back(record);
  }
  return records;
}

std::vector<SetReader> readers_of(Records const& records) {
  std::vector<SetReader> readers;
  for (Record const* record : records) readers.emplace_back(record->view());
  return readers;
}

/// Members that are walked over, about.
uint64_t work_of(SetOperation operation, std::vector<SetReader> const& sets) {
  uint64_t smallest = std::numeric_limits<uint64_t>::max();
  uint64_t sum = 0;
  for (SetReader const& set : sets) {
    smallest = std::min(smallest, set.size());
    sum += set.size();
  }
  return operation == SetOperation::kIntersection ? smallest : sum;
}

/// Frozen sets, and their combination.
class FrozenCombination {
 public:
  FrozenCombination(Txn& txn, SetOperation operation, Records const& records)
      : operation_(operation), hasher_(txn.keyspace().value_context().hasher) {
    for (Record const* record : records) values_.push_back(txn.copy_value(record));
  }
  /// See SetCombination::step.
  template <class Visit>
  bool step(size_t members_max, Visit&& visit) {
    if (!combination_) {
      std::vector<SetReader> sets;
      for (DetachedValue const& value : values_) sets.emplace_back(value.view());
      combination_.emplace(operation_, std::move(sets), hasher_);
    }
    return combination_->step(members_max, visit);
  }

 private:
  SetOperation operation_;
  KeyHasher const& hasher_;
  std::vector<DetachedValue> values_;
  std::optional<SetCombination> combination_;  // made when the locks are released
};

/// The members of a combination: first they are found, then they are written.
class CombinedMembers final : public ReplySource {
 public:
  CombinedMembers(Txn& txn, SetOperation operation, Records const& records) : combination_(txn, operation, records) {}
  bool write(Reply& reply, size_t elements_max) override {
    if (!searching_) return found_.write(reply, elements_max);
    searching_ = combination_.step(elements_max, [&](packed::Element const& member) {
      found_.add(member);
      return true;
    });
    if (!searching_) reply.set(found_.size());
    return true;
  }

 private:
  FrozenCombination combination_;
  bool searching_ = true;
  MemberList found_;
};

void reply_combination(Txn& txn, SetOperation operation, Args args, Reply& reply) {
  std::optional<Records> const records = find_operands(txn, operation, args.span().subspan(1), reply);
  if (!records) return;
  if (records->empty()) return reply.set(0);
  if (records->size() == 1) return reply_members(txn, records->front(), MembersShape::kSet, reply);
  std::vector<SetReader> sets = readers_of(*records);
  if (work_of(operation, sets) > kSetMembersUnderLockMax) {
    return reply.follow(std::make_unique<CombinedMembers>(txn, operation, *records));
  }
  SetCombination combination(operation, std::move(sets), txn.keyspace().value_context().hasher);
  size_t const mark = reply.begin_deferred();
  size_t count = 0;
  combination.step(SIZE_MAX, [&](packed::Element const& member) {
    reply_member(reply, member);
    count++;
    return true;
  });
  reply.end_deferred_set(mark, count);
}

void cmd_sinter(Txn& txn, Args args, Reply& reply) { reply_combination(txn, SetOperation::kIntersection, args, reply); }
void cmd_sunion(Txn& txn, Args args, Reply& reply) { reply_combination(txn, SetOperation::kUnion, args, reply); }
void cmd_sdiff(Txn& txn, Args args, Reply& reply) { reply_combination(txn, SetOperation::kDifference, args, reply); }

// ---- SINTERCARD ------------------------------------------------------------

/// Counts the members of an intersection.
class CommonMembers final : public ReplySource {
 public:
  CommonMembers(Txn& txn, Records const& records, uint64_t limit)
      : combination_(txn, SetOperation::kIntersection, records), limit_(limit) {}
  bool write(Reply& reply, size_t elements_max) override {
    if (combination_.step(elements_max, [&](packed::Element const&) { return ++count_ < limit_; })) return true;
    reply.integer(static_cast<int64_t>(count_));
    return false;
  }

 private:
  FrozenCombination combination_;
  uint64_t limit_;
  uint64_t count_ = 0;
};

void cmd_sintercard(Txn& txn, Args args, Reply& reply) {
  constexpr std::string_view kNoKeys = "numkeys should be greater than 0";
  constexpr std::string_view kNegativeLimit = "LIMIT can't be negative";
  std::optional<int64_t> const keys = args.integer(1, reply, kNoKeys);
  if (!keys) return;
  if (*keys < 1) return reply.error(kNoKeys);
  if (static_cast<uint64_t>(*keys) > args.size() - 2) {
    return reply.error("Number of keys can't be greater than number of args");
  }
  uint64_t limit = std::numeric_limits<uint64_t>::max();
  for (size_t i = 2 + static_cast<size_t>(*keys); i < args.size(); i++) {
    if (!args.is(i, "LIMIT") || i + 1 == args.size()) return reply.error(errors::kSyntax);
    std::optional<int64_t> const number = args.integer(++i, reply, kNegativeLimit);
    if (!number) return;
    if (*number < 0) return reply.error(kNegativeLimit);
    limit = *number == 0 ? std::numeric_limits<uint64_t>::max() : static_cast<uint64_t>(*number);
  }
  constexpr SetOperation kOperation = SetOperation::kIntersection;
  std::optional<Records> const records =
      find_operands(txn, kOperation, args.span().subspan(2, static_cast<size_t>(*keys)), reply);
  if (!records) return;
  if (records->empty()) return reply.integer(0);
  std::vector<SetReader> sets = readers_of(*records);
  if (sets.size() == 1) return reply.integer(static_cast<int64_t>(std::min(sets[0].size(), limit)));
  if (work_of(kOperation, sets) > kSetMembersUnderLockMax) {
    return reply.follow(std::make_unique<CommonMembers>(txn, *records, limit));
  }
  uint64_t count = 0;
  SetCombination combination(kOperation, std::move(sets), txn.keyspace().value_context().hasher);
  combination.step(SIZE_MAX, [&](packed::Element const&) { return ++count < limit; });
  reply.integer(static_cast<int64_t>(count));
}

// ---- SINTERSTORE, SUNIONSTORE, SDIFFSTORE ------------------------------------------------------------

/// A union begins as a copy in O(1) of its largest set, if that is so big that no form in a record comes into question.
void unite(Txn& txn, Records records, SetBuilder& builder) {
  ValueContext const& context = txn.keyspace().value_context();
  auto const size = [](Record const* record) { return SetReader(record->view()).size(); };
  std::ranges::sort(records, [&](Record const* a, Record const* b) { return size(a) > size(b); });
  size_t united = 0;
  if (records[0]->encoding() == Encoding::kBody && size(records[0]) > context.limits.set_max_intset_entries &&
      size(records[0]) > context.limits.set_max_listpack_entries) {
    builder.begin_with(records[0]->body()->freeze());
    united = 1;
  }
  for (; united < records.size(); united++) builder.add_all(SetReader(records[united]->view()));
}

void store_combination(Txn& txn, SetOperation operation, Args args, std::string_view event, Reply& reply) {
  std::optional<Records> const records = find_operands(txn, operation, args.span().subspan(2), reply);
  if (!records) return;
  SetBuilder builder(txn.keyspace().value_context());
  if (records->size() == 1 || (operation == SetOperation::kUnion && !records->empty())) {
    unite(txn, *records, builder);
  } else {
    SetCombination combination(operation, readers_of(*records), txn.keyspace().value_context().hasher);
    combination.step(SIZE_MAX, [&](packed::Element const& member) {
      builder.add(member);
      return true;
    });
  }
  auto const size = static_cast<int64_t>(builder.editor().size());
  std::optional<DetachedValue> value = builder.finish();
  if (value) {
    value->access = txn.keyspace().initial_access();
    txn.put_value(txn.db(), args[1], std::move(*value));
    txn.notify(config::kEventSet, event, args[1]);
  } else {
    txn.drop(args[1]);
  }
  reply.integer(size);
}

void cmd_sinterstore(Txn& txn, Args args, Reply& reply) {
  store_combination(txn, SetOperation::kIntersection, args, "sinterstore", reply);
}
void cmd_sunionstore(Txn& txn, Args args, Reply& reply) {
  store_combination(txn, SetOperation::kUnion, args, "sunionstore", reply);
}
void cmd_sdiffstore(Txn& txn, Args args, Reply& reply) {
  store_combination(txn, SetOperation::kDifference, args, "sdiffstore", reply);
}

constexpr CommandRow kSetAlgebraRows[] = {
    {.name = "sinter", .arity = -2, .flags = "readonly", .keys = "RO access i1 r(-1,1,0)", .categories = "set",
     .tips = "nondeterministic_output_order", .group = "set", .since = "1.0.0",
     .complexity = "O(N*M) for M sets, the smallest of which has N members",
     .summary = "Answers the members that all sets have in common.", .syntax = "key:key...", .handler = &cmd_sinter},
    {.name = "sintercard", .arity = -3, .flags = "readonly movablekeys", .keys = "RO access i1 n(0,1,1)",
     .categories = "set",
     .tips = "", .group = "set", .since = "7.0.0",
     .complexity = "O(N*M) for M sets, the smallest of which has N members",
     .summary = "Counts the members that all sets have in common.",
     .syntax = "numkeys:integer key:key... [LIMIT limit:integer]", .handler = &cmd_sintercard},
    {.name = "sinterstore", .arity = -3, .flags = "write denyoom",
     .keys = "RW update i1 r(0,1,0); RO access i2 r(-1,1,0)", .categories = "set", .tips = "", .group = "set",
     .since = "1.0.0", .complexity = "O(N*M) for M sets, the smallest of which has N members",
     .summary = "Stores the members that all sets have in common.", .syntax = "destination:key key:key...",
     .handler = &cmd_sinterstore},
    {.name = "sunion", .arity = -2, .flags = "readonly", .keys = "RO access i1 r(-1,1,0)", .categories = "set",
     .tips = "nondeterministic_output_order", .group = "set", .since = "1.0.0",
     .complexity = "O(N) for N members of all sets together", .summary = "Answers the members of all sets.",
     .syntax = "key:key...", .handler = &cmd_sunion},
    {.name = "sunionstore", .arity = -3, .flags = "write denyoom",
     .keys = "OW update i1 r(0,1,0); RO access i2 r(-1,1,0)", .categories = "set", .tips = "", .group = "set",
     .since = "1.0.0", .complexity = "O(N) for N members of all sets together",
     .summary = "Stores the members of all sets.", .syntax = "destination:key key:key...", .handler = &cmd_sunionstore},
    {.name = "sdiff", .arity = -2, .flags = "readonly", .keys = "RO access i1 r(-1,1,0)", .categories = "set",
     .tips = "nondeterministic_output_order", .group = "set", .since = "1.0.0",
     .complexity = "O(N) for N members of all sets together",
     .summary = "Answers the members of the first set that none of the others has.", .syntax = "key:key...",
     .handler = &cmd_sdiff},
    {.name = "sdiffstore", .arity = -3, .flags = "write denyoom",
     .keys = "OW update i1 r(0,1,0); RO access i2 r(-1,1,0)", .categories = "set", .tips = "", .group = "set",
     .since = "1.0.0", .complexity = "O(N) for N members of all sets together",
     .summary = "Stores the members of the first set that none of the others has.",
     .syntax = "destination:key key:key...", .handler = &cmd_sdiffstore},
};

}  // namespace

CommandRows set_algebra_commands() { return kSetAlgebraRows; }

}  // namespace holdfast
