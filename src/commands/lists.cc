#include "commands/lists.h"

#include <algorithm>
#include <optional>

#include "command/errors.h"
#include "commands/list_removal.h"
#include "commands/list_reply.h"
#include "commands/value_reply.h"
#include "keyspace/keyspace.h"
#include "values/list_value.h"

namespace holdfast {
namespace {

void push(Txn& txn, Args args, Reply& reply, ListEnd end, bool only_existing) {
  std::string_view key = args[1];
  Record* record = txn.find(key, Lookup::kWrite);
  if (!is_type_or_missing(record, ValueType::kList, reply)) return;
  if (!record && only_existing) return reply.integer(0);
  std::span<std::string_view const> const texts = args.span().subspan(2);
  ValueEdit edit = txn.edit(key, record, ValueType::kList);
  ListEditor list(edit, txn.keyspace().value_context().limits);
  list.push(end, texts);
  reply.integer(static_cast<int64_t>(list.size()));
  txn.finish_edit(key, edit, false, texts.size(), end == ListEnd::kHead ? "lpush" : "rpush");
}

void cmd_lpush(Txn& txn, Args args, Reply& reply) { push(txn, args, reply, ListEnd::kHead, false); }
void cmd_rpush(Txn& txn, Args args, Reply& reply) { push(txn, args, reply, ListEnd::kTail, false); }
void cmd_lpushx(Txn& txn, Args args, Reply& reply) { push(txn, args, reply, ListEnd::kHead, true); }
void cmd_rpushx(Txn& txn, Args args, Reply& reply) { push(txn, args, reply, ListEnd::kTail, true); }

void cmd_llen(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[1]);
  if (!is_type_or_missing(record, ValueType::kList, reply)) return;
  reply.integer(record ? static_cast<int64_t>(ListReader(record->view()).size()) : 0);
}

/// The position that an index means, from the tail when it is negative; nothing outside of the list.
std::optional<uint64_t> position(int64_t index, uint64_t size) {
  if (index < 0) index += static_cast<int64_t>(size);
  if (index < 0 || static_cast<uint64_t>(index) >= size) return std::nullopt;
  return static_cast<uint64_t>(index);
}

void cmd_lindex(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[1]);
  if (!record) return reply.null();
  if (!is_type_or_missing(record, ValueType::kList, reply)) return;
  std::optional<int64_t> const index = args.integer(2, reply);
  if (!index) return;
  ListReader const list(record->view());
  std::optional<uint64_t> const at = position(*index, list.size());
  if (!at) return reply.null();
  reply_element(list.at(*at), reply);
}

void cmd_lset(Txn& txn, Args args, Reply& reply) {
  std::string_view key = args[1];
  Record* record = txn.find(key, Lookup::kWrite);
  if (!record) return reply.error(errors::kNoSuchKey);
  if (!is_type_or_missing(record, ValueType::kList, reply)) return;
  std::optional<int64_t> const index = args.integer(2, reply);
  if (!index) return;
  std::optional<uint64_t> const at = position(*index, ListReader(record->view()).size());
  if (!at) return reply.error(errors::kIndexOutOfRange);
  ValueEdit edit = txn.edit(key, record, ValueType::kList);
  ListEditor(edit, txn.keyspace().value_context().limits).set(*at, args[3]);
  txn.finish_edit(key, edit, false, 1, "lset");
  reply.ok();
}

struct Range {
  uint64_t first;
  uint64_t last;  // behind the last element
};

/// The part of a list that LRANGE and LTRIM mean; empty when the bounds do not meet.
Range range_of(int64_t start, int64_t stop, uint64_t size) {
  auto const length = static_cast<int64_t>(size);
  if (start < 0) start = std::max<int64_t>(0, start + length);
  if (stop < 0) stop += length;
  if (start > stop || start >= length) return {0, 0};
  return {static_cast<uint64_t>(start), static_cast<uint64_t>(std::min(stop, length - 1)) + 1};
}

void cmd_lrange(Txn& txn, Args args, Reply& reply) {
  std::optional<int64_t> const start = args.integer(2, reply);
  if (!start) return;
  std::optional<int64_t> const stop = args.integer(3, reply);
  if (!stop) return;
  Record* record = txn.find(args[1]);
  if (!record) return reply.array(0);
  if (!is_type_or_missing(record, ValueType::kList, reply)) return;
  Range const range = range_of(*start, *stop, ListReader(record->view()).size());
  reply_range(txn, record, range.first, range.last - range.first, ListOrder::kHeadFirst, reply);
}

void cmd_ltrim(Txn& txn, Args args, Reply& reply) {
  std::optional<int64_t> const start = args.integer(2, reply);
  if (!start) return;
  std::optional<int64_t> const stop = args.integer(3, reply);
  if (!stop) return;
  Record* record = txn.find(args[1], Lookup::kWrite);
  if (!is_type_or_missing(record, ValueType::kList, reply)) return;
  reply.ok();
  if (!record) return;
  uint64_t const size = ListReader(record->view()).size();
  Range const range = range_of(*start, *stop, size);
  keep_list_range(txn, args[1], record, range.first, range.last, size - (range.last - range.first), "ltrim");
}

constexpr std::string_view kPushComplexity = "O(N) for N new elements, whatever the length of the list";
constexpr std::string_view kPushSyntax = "key:key element:string...";

constexpr CommandRow kListsRows[] = {
    {.name = "lpush", .arity = -3, .flags = "write denyoom fast", .keys = "RW insert i1 r(0,1,0)", .categories = "list",
     .tips = "", .group = "list", .since = "1.0.0", .complexity = kPushComplexity,
     .summary = "Puts elements at the head of a list, and makes it when there is none.", .syntax = kPushSyntax,
     .handler = &cmd_lpush, .history = "2.4.0: Accepts multiple `element` arguments."},
    {.name = "rpush", .arity = -3, .flags = "write denyoom fast", .keys = "RW insert i1 r(0,1,0)", .categories = "list",
     .tips = "", .group = "list", .since = "1.0.0", .complexity = kPushComplexity,
     .summary = "Puts elements at the tail of a list, and makes it when there is none.", .syntax = kPushSyntax,
     .handler = &cmd_rpush, .history = "2.4.0: Accepts multiple `element` arguments."},
    {.name = "lpushx", .arity = -3, .flags = "write denyoom fast", .keys = "RW insert i1 r(0,1,0)",
     .categories = "list", .tips = "", .group = "list", .since = "2.2.0", .complexity = kPushComplexity,
     .summary = "Puts elements at the head of a list that exists.", .syntax = kPushSyntax, .handler = &cmd_lpushx,
     .history = "4.0.0: Accepts multiple `element` arguments."},
    {.name = "rpushx", .arity = -3, .flags = "write denyoom fast", .keys = "RW insert i1 r(0,1,0)",
     .categories = "list", .tips = "", .group = "list", .since = "2.2.0", .complexity = kPushComplexity,
     .summary = "Puts elements at the tail of a list that exists.", .syntax = kPushSyntax, .handler = &cmd_rpushx,
     .history = "4.0.0: Accepts multiple `element` arguments."},
    {.name = "llen", .arity = 2, .flags = "readonly fast", .keys = "RO i1 r(0,1,0)", .categories = "list", .tips = "",
     .group = "list", .since = "1.0.0", .complexity = "O(1)", .summary = "Answers the length of a list.",
     .syntax = "key:key", .handler = &cmd_llen},
    {.name = "lindex", .arity = 3, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "list",
     .tips = "", .group = "list", .since = "1.0.0", .complexity = "O(log N) in a list of N elements",
     .summary = "Answers the element at an index.", .syntax = "key:key index:integer", .handler = &cmd_lindex},
    {.name = "lset", .arity = 4, .flags = "write denyoom", .keys = "RW update i1 r(0,1,0)", .categories = "list",
     .tips = "", .group = "list", .since = "1.0.0", .complexity = "O(log N) in a list of N elements",
     .summary = "Replaces the element at an index.", .syntax = "key:key index:integer element:string",
     .handler = &cmd_lset},
    {.name = "lrange", .arity = 4, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "list",
     .tips = "", .group = "list", .since = "1.0.0",
     .complexity = "O(log N + M) for M elements in a list of N",
     .summary = "Answers the elements between two indexes.", .syntax = "key:key start:integer stop:integer",
     .handler = &cmd_lrange},
    {.name = "ltrim", .arity = 4, .flags = "write", .keys = "RW delete i1 r(0,1,0)", .categories = "list", .tips = "",
     .group = "list", .since = "1.0.0", .complexity = "O(log N) in a list of N elements; what goes is freed later",
     .summary = "Removes all elements that are not between two indexes.",
     .syntax = "key:key start:integer stop:integer", .handler = &cmd_ltrim},
};

}  // namespace

CommandRows list_commands() { return kListsRows; }

}  // namespace holdfast
