#include "command/errors.h"
#include "commands/hash_access.h"
#include "commands/hash_reply.h"
#include "commands/hashes.h"

namespace holdfast {
namespace {

void cmd_hget(Txn& txn, Args args, Reply& reply) {
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kRead, reply);
  if (!hash) return;
  hash->settle(args, 2);
  reply_value(reply, hash->field(args[2]));
}

void cmd_hmget(Txn& txn, Args args, Reply& reply) {
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kRead, reply);
  if (!hash) return;
  hash->settle(args, 2);
  reply.array(args.size() - 2);
  for (size_t i = 2; i < args.size(); i++) reply_value(reply, hash->field(args[i]));
}

void cmd_hlen(Txn& txn, Args args, Reply& reply) {
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kRead, reply);
  if (hash) reply.integer(hash->exists() ? static_cast<int64_t>(hash->reader().size()) : 0);
}

void cmd_hstrlen(Txn& txn, Args args, Reply& reply) {
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kRead, reply);
  if (!hash) return;
  hash->settle(args, 2);
  std::optional<HashValue> const value = hash->field(args[2]);
  reply.integer(value ? static_cast<int64_t>(value->element.text_bytes()) : 0);
}

void cmd_hexists(Txn& txn, Args args, Reply& reply) {
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kRead, reply);
  if (!hash) return;
  hash->settle(args, 2);
  reply.integer(hash->field(args[2]).has_value());
}

void reply_all(Txn& txn, Args args, HashPart part, Reply& reply) {
  std::optional<Hash> hash = Hash::find(txn, args[1], Lookup::kRead, reply);
  if (hash) reply_hash(txn, *hash, part, HashShape::kMap, reply);
}

void cmd_hgetall(Txn& txn, Args args, Reply& reply) { reply_all(txn, args, HashPart::kBoth, reply); }
void cmd_hkeys(Txn& txn, Args args, Reply& reply) { reply_all(txn, args, HashPart::kFields, reply); }
void cmd_hvals(Txn& txn, Args args, Reply& reply) { reply_all(txn, args, HashPart::kValues, reply); }

constexpr CommandRow kHashReadRows[] = {
    {.name = "hget", .arity = 3, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)", .categories = "hash",
     .tips = "", .group = "hash", .since = "2.0.0", .complexity = "O(1)", .summary = "Answers the value of a field.",
     .syntax = "key:key field:string", .handler = &cmd_hget, .element = 2},
    {.name = "hmget", .arity = -3, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)", .categories = "hash",
     .tips = "", .group = "hash", .since = "2.0.0", .complexity = "O(N) for N fields",
     .summary = "Answers the values of several fields.", .syntax = "key:key field:string...", .handler = &cmd_hmget,
     .element = 2},
    {.name = "hgetall", .arity = 2, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "hash",
     .tips = "nondeterministic_output_order", .group = "hash", .since = "2.0.0",
     .complexity = "O(N) for a hash of N fields", .summary = "Answers all fields and values of a hash.",
     .syntax = "key:key", .handler = &cmd_hgetall},
    {.name = "hkeys", .arity = 2, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "hash",
     .tips = "nondeterministic_output_order", .group = "hash", .since = "2.0.0",
     .complexity = "O(N) for a hash of N fields", .summary = "Answers all fields of a hash.", .syntax = "key:key",
     .handler = &cmd_hkeys},
    {.name = "hvals", .arity = 2, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "hash",
     .tips = "nondeterministic_output_order", .group = "hash", .since = "2.0.0",
     .complexity = "O(N) for a hash of N fields", .summary = "Answers all values of a hash.", .syntax = "key:key",
     .handler = &cmd_hvals},
    {.name = "hlen", .arity = 2, .flags = "readonly fast", .keys = "RO i1 r(0,1,0)", .categories = "hash", .tips = "",
     .group = "hash", .since = "2.0.0", .complexity = "O(1)", .summary = "Answers how many fields a hash has.",
     .syntax = "key:key", .handler = &cmd_hlen},
    {.name = "hstrlen", .arity = 3, .flags = "readonly fast", .keys = "RO i1 r(0,1,0)", .categories = "hash",
     .tips = "", .group = "hash", .since = "3.2.0", .complexity = "O(1)",
     .summary = "Answers how many bytes the value of a field has.", .syntax = "key:key field:string",
     .handler = &cmd_hstrlen, .element = 2},
    {.name = "hexists", .arity = 3, .flags = "readonly fast", .keys = "RO i1 r(0,1,0)", .categories = "hash",
     .tips = "", .group = "hash", .since = "2.0.0", .complexity = "O(1)",
     .summary = "Answers whether there is a field.",
     .syntax = "key:key field:string", .handler = &cmd_hexists, .element = 2},
};

}  // namespace

CommandRows hash_read_commands() { return kHashReadRows; }

}  // namespace holdfast
