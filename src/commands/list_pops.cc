#include <algorithm>
#include <optional>
#include <string>

#include "base/number.h"
#include "command/errors.h"
#include "commands/list_pop.h"
#include "commands/list_removal.h"
#include "commands/list_reply.h"
#include "commands/lists.h"
#include "commands/value_reply.h"
#include "keyspace/keyspace.h"
#include "values/list_value.h"

namespace holdfast {
namespace {

std::string_view pop_event(ListEnd end) { return end == ListEnd::kHead ? "lpop" : "rpop"; }
std::string_view push_event(ListEnd end) { return end == ListEnd::kHead ? "lpush" : "rpush"; }

/// An array of the elements that go. Precondition: count <= length.
void pop_count(Txn& txn, std::string_view key, Record* record, ListEnd end, uint64_t count, Reply& reply) {
  uint64_t const size = ListReader(record->view()).size();
  if (end == ListEnd::kHead) {
    reply_range(txn, record, 0, count, ListOrder::kHeadFirst, reply);
    keep_list_range(txn, key, record, count, size, count, "lpop");
  } else {
    reply_range(txn, record, size - count, count, ListOrder::kTailFirst, reply);
    keep_list_range(txn, key, record, 0, size - count, count, "rpop");
  }
}

}  // namespace

void pop_one(Txn& txn, std::string_view key, Record* record, ListEnd end, Reply& reply) {
  ValueEdit edit = txn.edit(key, record, ValueType::kList);
  ListEditor list(edit, txn.keyspace().value_context().limits);
  uint64_t const size = list.size();
  uint64_t const index = end == ListEnd::kHead ? 0 : size - 1;
  reply_element(list.reader().at(index), reply);
  list.erase(index, index + 1);
  txn.finish_edit(key, edit, size == 1, 1, pop_event(end));
}

std::optional<ListEnd> read_list_end(Args args, size_t index, Reply& reply) {
  if (args.is(index, "LEFT")) return ListEnd::kHead;
  if (args.is(index, "RIGHT")) return ListEnd::kTail;
  reply.error(errors::kSyntax);
  return std::nullopt;
}

std::optional<ListPop> ListPop::parse(Args args, size_t index, Reply& reply) {
  auto const refuse = [&reply](std::string_view error) {
    reply.error(error);
    return std::nullopt;
  };
  std::optional<int64_t> const keys = parse_int64(args[index]);
  if (!keys || *keys < 1) return refuse("numkeys should be greater than 0");
  // Of the arguments, one is left for LEFT or RIGHT.
  if (static_cast<uint64_t>(*keys) > args.size() - index - 2) return refuse(errors::kSyntax);
  ListPop pop{.first_key = index + 1, .keys = static_cast<size_t>(*keys)};
  size_t const where = pop.first_key + pop.keys;
  std::optional<ListEnd> const end = read_list_end(args, where, reply);
  if (!end) return std::nullopt;
  pop.end = *end;
  for (size_t i = where + 1; i < args.size(); i += 2) {
    if (i != where + 1 || !args.is(i, "COUNT") || i + 1 == args.size()) return refuse(errors::kSyntax);
    std::optional<int64_t> const count = parse_int64(args[i + 1]);
    if (!count || *count < 1) return refuse("count should be greater than 0");
    pop.count = static_cast<uint64_t>(*count);
  }
  return pop;
}

bool pop_first(Txn& txn, Args args, ListPop const& pop, Reply& reply) {
  for (std::string_view key : args.span().subspan(pop.first_key, pop.keys)) {
    Record* record = txn.find(key, Lookup::kWrite);
    if (!record) continue;
    if (!is_type_or_missing(record, ValueType::kList, reply)) return true;
    uint64_t const popped = std::min(pop.count, ListReader(record->view()).size());
    reply.array(2);
    reply.bulk(key);
    pop_count(txn, key, record, pop.end, popped, reply);
    txn.effect({pop.end == ListEnd::kHead ? "LPOP" : "RPOP", key, to_text_unsigned(popped)});
    return true;
  }
  return false;
}

bool move_element(Txn& txn, Args args, Reply& reply, ListEnd from, ListEnd to) {
  std::string_view const source_key = args[1];
  std::string_view const target_key = args[2];
  Record* source_record = txn.find(source_key, Lookup::kWrite);
  if (!source_record) return false;
  if (!is_type_or_missing(source_record, ValueType::kList, reply)) return true;
  if (!is_type_or_missing(txn.find(target_key, Lookup::kWrite), ValueType::kList, reply)) return true;
  source_record = txn.find(source_key, Lookup::kPeek);  // the target may have expired, and records have moved

  ValueLimits const& limits = txn.keyspace().value_context().limits;
  ValueEdit source_edit = txn.edit(source_key, source_record, ValueType::kList);
  ListEditor source(source_edit, limits);
  uint64_t const size = source.size();
  uint64_t const index = from == ListEnd::kHead ? 0 : size - 1;
  ListReader::Cursor const at = source.reader().at(index);
  reply_element(at, reply);
  packed::TextScratch scratch;
  if (source_key == target_key) {
    std::string const text(at.element().as_text(scratch));
    source.erase(index, index + 1);
    source.push(to, text);
    txn.finish_edit(source_key, source_edit, false, 1, push_event(to));
    txn.notify(config::kEventList, pop_event(from), source_key);
    return true;
  }
  ValueEdit target_edit = txn.edit(target_key, txn.find(target_key, Lookup::kPeek), ValueType::kList);
  ListEditor(target_edit, limits).push(to, at.element().as_text(scratch));
  source.erase(index, index + 1);
  txn.finish_edit(target_key, target_edit, false, 1, push_event(to));
  txn.finish_edit(source_key, source_edit, size == 1, 1, pop_event(from));
  return true;
}

namespace {

void pop(Txn& txn, Args args, Reply& reply, ListEnd end, std::string_view name) {
  if (args.size() > 3) return reply.errorf("wrong number of arguments for '%s' command", name.data());
  bool const counted = args.size() == 3;
  int64_t count = 1;
  if (counted) {
    std::optional<int64_t> const given = parse_int64(args[2]);
    if (!given || *given < 0) return reply.error("value is out of range, must be positive");
    count = *given;
  }
  std::string_view key = args[1];
  Record* record = txn.find(key, Lookup::kWrite);
  if (!record) return counted ? reply.null_array() : reply.null();
  if (!is_type_or_missing(record, ValueType::kList, reply)) return;
  if (!counted) return pop_one(txn, key, record, end, reply);
  if (count == 0) return reply.array(0);
  pop_count(txn, key, record, end, std::min(static_cast<uint64_t>(count), ListReader(record->view()).size()), reply);
}

void cmd_lpop(Txn& txn, Args args, Reply& reply) { pop(txn, args, reply, ListEnd::kHead, "lpop"); }
void cmd_rpop(Txn& txn, Args args, Reply& reply) { pop(txn, args, reply, ListEnd::kTail, "rpop"); }

void cmd_lmpop(Txn& txn, Args args, Reply& reply) {
  std::optional<ListPop> const pop = ListPop::parse(args, 1, reply);
  if (pop && !pop_first(txn, args, *pop, reply)) reply.null_array();
}

void cmd_lmove(Txn& txn, Args args, Reply& reply) {
  std::optional<ListEnd> const from = read_list_end(args, 3, reply);
  if (!from) return;
  std::optional<ListEnd> const to = read_list_end(args, 4, reply);
  if (to && !move_element(txn, args, reply, *from, *to)) reply.null();
}

void cmd_rpoplpush(Txn& txn, Args args, Reply& reply) {
  if (!move_element(txn, args, reply, ListEnd::kTail, ListEnd::kHead)) reply.null();
}

constexpr CommandRow kListPopsRows[] = {
    {.name = "lpop", .arity = -2, .flags = "write fast", .keys = "RW access delete i1 r(0,1,0)", .categories = "list",
     .tips = "", .group = "list", .since = "1.0.0", .complexity = "O(N) for N elements in the reply",
     .summary = "Removes elements at the head of a list and answers them.",
     .syntax = "key:key [count:integer@6.2.0]", .handler = &cmd_lpop, .history = "6.2.0: Added the `count` argument."},
    {.name = "rpop", .arity = -2, .flags = "write fast", .keys = "RW access delete i1 r(0,1,0)", .categories = "list",
     .tips = "", .group = "list", .since = "1.0.0", .complexity = "O(N) for N elements in the reply",
     .summary = "Removes elements at the tail of a list and answers them.",
     .syntax = "key:key [count:integer@6.2.0]", .handler = &cmd_rpop, .history = "6.2.0: Added the `count` argument."},
    {.name = "lmpop", .arity = -4, .flags = "write movablekeys", .keys = "RW access delete i1 n(0,1,1)", .categories = "list",
     .tips = "", .group = "list", .since = "7.0.0", .complexity = "O(N+M) for N keys and M elements in the reply",
     .summary = "Removes elements at an end of the first list that exists and answers them.",
     .syntax = "numkeys:integer key:key... where:oneof(LEFT|RIGHT) [COUNT count:integer]", .handler = &cmd_lmpop},
    {.name = "lmove", .arity = 5, .flags = "write denyoom",
     .keys = "RW access delete i1 r(0,1,0); RW insert i2 r(0,1,0)", .categories = "list", .tips = "", .group = "list",
     .since = "6.2.0", .complexity = "O(1)",
     .summary = "Moves an element from an end of a list to an end of another one and answers it.",
     .syntax = "source:key destination:key wherefrom:oneof(LEFT|RIGHT) whereto:oneof(LEFT|RIGHT)",
     .handler = &cmd_lmove},
    {.name = "rpoplpush", .arity = 3, .flags = "write denyoom",
     .keys = "RW access delete i1 r(0,1,0); RW insert i2 r(0,1,0)", .categories = "list", .tips = "", .group = "list",
     .since = "1.2.0", .complexity = "O(1)",
     .summary = "Moves the last element of a list to the head of another one and answers it.",
     .syntax = "source:key destination:key", .handler = &cmd_rpoplpush,
     .deprecated = "6.2.0: `LMOVE` with the `RIGHT` and `LEFT` arguments"},
};

}  // namespace

CommandRows list_pop_commands() { return kListPopsRows; }

}  // namespace holdfast
