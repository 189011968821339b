#include "commands/sets.h"

#include "commands/set_reply.h"
#include "commands/value_reply.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

void cmd_sadd(Txn& txn, Args args, Reply& reply) {
  std::optional<Record*> record = find_set(txn, args[1], Lookup::kWrite, reply);
  if (!record) return;
  ValueEdit edit = txn.edit(args[1], *record, ValueType::kSet);
  SetEditor editor(edit, txn.keyspace().value_context());
  editor.prepare(args[2], args.size() - 2);
  uint64_t added = 0;
  for (size_t i = 2; i < args.size(); i++) added += editor.add(args[i]);
  txn.finish_edit(args[1], edit, false, added, "sadd");
  reply.integer(static_cast<int64_t>(added));
}

void cmd_srem(Txn& txn, Args args, Reply& reply) {
  std::optional<Record*> record = find_set(txn, args[1], Lookup::kWrite, reply);
  if (!record) return;
  if (!*record) return reply.integer(0);
  ValueEdit edit = txn.edit(args[1], *record, ValueType::kSet);
  SetEditor editor(edit, txn.keyspace().value_context());
  uint64_t removed = 0;
  for (size_t i = 2; i < args.size(); i++) removed += editor.erase(args[i]);
  txn.finish_edit(args[1], edit, editor.empty(), removed, "srem");
  reply.integer(static_cast<int64_t>(removed));
}

/// Takes a member out of a set that has it.
void take(Txn& txn, std::string_view key, Record* record, std::string_view member) {
  ValueEdit edit = txn.edit(key, record, ValueType::kSet);
  SetEditor editor(edit, txn.keyspace().value_context());
  editor.erase(member);
  txn.finish_edit(key, edit, editor.empty(), 1, "srem");
}

void cmd_smove(Txn& txn, Args args, Reply& reply) {
  std::string_view const member = args[3];
  Record* source = txn.find(args[1], Lookup::kWrite);
  Record* destination = txn.find(args[2], Lookup::kWrite);
  source = txn.find(args[1], Lookup::kPeek);  // the second lookup may have deleted a key
  if (!source) return reply.integer(0);
  if (!is_type_or_missing(source, ValueType::kSet, reply)) return;
  if (!is_type_or_missing(destination, ValueType::kSet, reply)) return;
  bool const is_member = SetReader(source->view()).contains(member);
  if (!is_member || args[1] == args[2]) return reply.integer(is_member);
  take(txn, args[1], source, member);
  ValueEdit edit = txn.edit(args[2], txn.find(args[2], Lookup::kPeek), ValueType::kSet);
  SetEditor editor(edit, txn.keyspace().value_context());
  editor.prepare(member, 1);
  bool const is_new = editor.add(member);
  txn.finish_edit(args[2], edit, false, is_new, "sadd");
  reply.integer(1);
}

void cmd_sismember(Txn& txn, Args args, Reply& reply) {
  std::optional<Record*> record = find_set(txn, args[1], Lookup::kRead, reply);
  if (!record) return;
  reply.integer(*record && SetReader((*record)->view()).contains(args[2]));
}

void cmd_smismember(Txn& txn, Args args, Reply& reply) {
  std::optional<Record*> record = find_set(txn, args[1], Lookup::kRead, reply);
  if (!record) return;
  reply.array(args.size() - 2);
  for (size_t i = 2; i < args.size(); i++) reply.integer(*record && SetReader((*record)->view()).contains(args[i]));
}

void cmd_scard(Txn& txn, Args args, Reply& reply) {
  std::optional<Record*> record = find_set(txn, args[1], Lookup::kRead, reply);
  if (!record) return;
  reply.integer(*record ? static_cast<int64_t>(SetReader((*record)->view()).size()) : 0);
}

void cmd_smembers(Txn& txn, Args args, Reply& reply) {
  std::optional<Record*> record = find_set(txn, args[1], Lookup::kRead, reply);
  if (!record) return;
  if (!*record) return reply.set(0);
  reply_members(txn, *record, MembersShape::kSet, reply);
}

constexpr CommandRow kSetsRows[] = {
    {.name = "sadd", .arity = -3, .flags = "write denyoom fast", .keys = "RW insert i1 r(0,1,0)", .categories = "set",
     .tips = "", .group = "set", .since = "1.0.0", .complexity = "O(N) for N members",
     .summary = "Adds members to a set, which is made when there is none.", .syntax = "key:key member:string...",
     .handler = &cmd_sadd, .history = "2.4.0: Accepts multiple `member` arguments.", .element = 2},
    {.name = "srem", .arity = -3, .flags = "write fast", .keys = "RW delete i1 r(0,1,0)", .categories = "set",
     .tips = "", .group = "set", .since = "1.0.0", .complexity = "O(N) for N members",
     .summary = "Removes members from a set, and the set with its last member.", .syntax = "key:key member:string...",
     .handler = &cmd_srem, .history = "2.4.0: Accepts multiple `member` arguments.", .element = 2},
    {.name = "smove", .arity = 4, .flags = "write fast",
     .keys = "RW access delete i1 r(0,1,0); RW insert i2 r(0,1,0)", .categories = "set", .tips = "", .group = "set",
     .since = "1.0.0", .complexity = "O(1)", .summary = "Moves a member from one set to another.",
     .syntax = "source:key destination:key member:string", .handler = &cmd_smove},
    {.name = "sismember", .arity = 3, .flags = "readonly fast", .keys = "RO i1 r(0,1,0)", .categories = "set",
     .tips = "", .group = "set", .since = "1.0.0", .complexity = "O(1)", .summary = "Tells whether a set has a member.",
     .syntax = "key:key member:string", .handler = &cmd_sismember, .element = 2},
    {.name = "smismember", .arity = -3, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)", .categories = "set",
     .tips = "", .group = "set", .since = "6.2.0", .complexity = "O(N) for N members",
     .summary = "Tells of several members whether a set has them.", .syntax = "key:key member:string...",
     .handler = &cmd_smismember, .element = 2},
    {.name = "scard", .arity = 2, .flags = "readonly fast", .keys = "RO i1 r(0,1,0)", .categories = "set", .tips = "",
     .group = "set", .since = "1.0.0", .complexity = "O(1)", .summary = "Answers the number of members of a set.",
     .syntax = "key:key", .handler = &cmd_scard},
    {.name = "smembers", .arity = 2, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "set",
     .tips = "nondeterministic_output_order", .group = "set", .since = "1.0.0", .complexity = "O(N) for N members",
     .summary = "Answers all members of a set.", .syntax = "key:key", .handler = &cmd_smembers},
};

}  // namespace

CommandRows set_commands() { return kSetsRows; }

}  // namespace holdfast
