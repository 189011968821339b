#include <optional>

#include "command/errors.h"
#include "commands/list_pop.h"
#include "commands/lists.h"
#include "commands/value_reply.h"
#include "commands/waiting.h"

namespace holdfast {
namespace {

void pop_or_wait(Txn& txn, Args args, Reply& reply, ListEnd end, DataHandler handler) {
  std::optional<int64_t> const timeout_ms = wait_seconds(args, args.size() - 1, reply);
  if (!timeout_ms) return;
  for (std::string_view key : args.span().subspan(1, args.size() - 2)) {
    Record* record = txn.find(key, Lookup::kWrite);
    if (!record) continue;
    if (!is_type_or_missing(record, ValueType::kList, reply)) return;
    reply.array(2);
    reply.bulk(key);
    pop_one(txn, key, record, end, reply);
    return txn.effect({end == ListEnd::kHead ? "LPOP" : "RPOP", key});
  }
  txn.wait(wait_for_any_key(args, ValueType::kList, handler, *timeout_ms));
}

void cmd_blpop(Txn& txn, Args args, Reply& reply) { pop_or_wait(txn, args, reply, ListEnd::kHead, &cmd_blpop); }
void cmd_brpop(Txn& txn, Args args, Reply& reply) { pop_or_wait(txn, args, reply, ListEnd::kTail, &cmd_brpop); }

/// False: the command waits, so there is nothing to log.
bool move_or_wait(Txn& txn, Args args, Reply& reply, ListEnd from, ListEnd to, DataHandler handler) {
  std::optional<int64_t> const timeout_ms = wait_seconds(args, args.size() - 1, reply);
  if (!timeout_ms) return false;
  if (move_element(txn, args, reply, from, to)) return txn.command_changed();
  auto request = std::make_unique<RepeatedCommand>(
      args, ValueType::kList, handler, [](std::span<std::string const> command, std::string_view) {
        return std::vector<std::string_view>(command.begin(), command.end());
      });
  request->keys = {std::string(args[1])};
  request->target = args[2];
  request->timeout_ms = *timeout_ms;
  request->nothing = WaitRequest::Nothing::kNull;
  txn.wait(std::move(request));
  return false;
}

void cmd_blmove(Txn& txn, Args args, Reply& reply) {
  std::optional<ListEnd> const from = read_list_end(args, 3, reply);
  if (!from) return;
  std::optional<ListEnd> const to = read_list_end(args, 4, reply);
  if (!to) return;
  if (move_or_wait(txn, args, reply, *from, *to, &cmd_blmove)) {
    txn.effect({"LMOVE", args[1], args[2], args[3], args[4]});
  }
}

void cmd_brpoplpush(Txn& txn, Args args, Reply& reply) {
  if (move_or_wait(txn, args, reply, ListEnd::kTail, ListEnd::kHead, &cmd_brpoplpush)) {
    txn.effect({"RPOPLPUSH", args[1], args[2]});
  }
}

void cmd_blmpop(Txn& txn, Args args, Reply& reply) {
  std::optional<ListPop> const pop = ListPop::parse(args, 2, reply);
  if (!pop) return;
  std::optional<int64_t> const timeout_ms = wait_seconds(args, 1, reply);
  if (!timeout_ms || pop_first(txn, args, *pop, reply)) return;
  txn.wait(wait_for_numbered_keys(args, pop->keys, ValueType::kList, &cmd_blmpop, *timeout_ms));
}

constexpr std::string_view kTimeoutHistory = "6.0.0: `timeout` is interpreted as a double instead of an integer.";

constexpr CommandRow kListWaitsRows[] = {
    {.name = "blpop", .arity = -3, .flags = "write noscript blocking", .keys = "RW access delete i1 r(-2,1,0)",
     .categories = "list", .tips = "", .group = "list", .since = "2.0.0", .complexity = "O(N) for N keys",
     .summary = "Removes the head of the first list that is there and answers it; waits while there is none.",
     .syntax = "key:key... timeout:double", .handler = &cmd_blpop, .history = kTimeoutHistory},
    {.name = "brpop", .arity = -3, .flags = "write noscript blocking", .keys = "RW access delete i1 r(-2,1,0)",
     .categories = "list", .tips = "", .group = "list", .since = "2.0.0", .complexity = "O(N) for N keys",
     .summary = "Removes the tail of the first list that is there and answers it; waits while there is none.",
     .syntax = "key:key... timeout:double", .handler = &cmd_brpop, .history = kTimeoutHistory},
    {.name = "blmove", .arity = 6, .flags = "write denyoom noscript blocking",
     .keys = "RW access delete i1 r(0,1,0); RW insert i2 r(0,1,0)", .categories = "list", .tips = "", .group = "list",
     .since = "6.2.0", .complexity = "O(1)",
     .summary = "Moves an element from an end of a list to an end of another one and answers it; waits while there is none.",
     .syntax = "source:key destination:key wherefrom:oneof(LEFT|RIGHT) whereto:oneof(LEFT|RIGHT) timeout:double",
     .handler = &cmd_blmove},
    {.name = "brpoplpush", .arity = 4, .flags = "write denyoom noscript blocking",
     .keys = "RW access delete i1 r(0,1,0); RW insert i2 r(0,1,0)", .categories = "list", .tips = "", .group = "list",
     .since = "2.2.0", .complexity = "O(1)",
     .summary = "Moves the last element of a list to the head of another one and answers it; waits while there is none.",
     .syntax = "source:key destination:key timeout:double", .handler = &cmd_brpoplpush, .history = kTimeoutHistory,
     .deprecated = "6.2.0: `BLMOVE` with the `RIGHT` and `LEFT` arguments"},
    {.name = "blmpop", .arity = -5, .flags = "write blocking movablekeys", .keys = "RW access delete i2 n(0,1,1)",
     .categories = "list", .tips = "", .group = "list", .since = "7.0.0",
     .complexity = "O(N+M) for N keys and M elements in the reply",
     .summary = "Removes elements at an end of the first list that is there and answers them; waits while there is none.",
     .syntax = "timeout:double numkeys:integer key:key... where:oneof(LEFT|RIGHT) [COUNT count:integer]",
     .handler = &cmd_blmpop},
};

}  // namespace

CommandRows list_wait_commands() { return kListWaitsRows; }

}  // namespace holdfast
