#include "commands/object.h"

#include <iterator>
#include <string>

#include "base/strings.h"
#include "command/errors.h"
#include "keyspace/keyspace.h"
#include "values/type_ops.h"

namespace holdfast {
namespace {

constexpr std::string_view kNotLfu =
    "An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between "
    "policies at runtime LRU and LFU data will take some time to adjust.";
constexpr std::string_view kNotLru =
    "An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at "
    "runtime LRU and LFU data will take some time to adjust.";

void cmd_object_encoding(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[2], Lookup::kSilent);
  if (!record) return reply.null();
  reply.bulk(ops_of(record->type()).encoding_name(record->view()));
}

void cmd_object_refcount(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[2], Lookup::kSilent);
  if (!record) return reply.null();
  reply.integer(txn.keyspace().shown_refcount(*record));
}

void cmd_object_idletime(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[2], Lookup::kSilent);
  if (!record) return reply.null();
  if (txn.keyspace().access().lfu.load(std::memory_order_relaxed)) return reply.error(kNotLru);
  reply.integer(txn.keyspace().idle_seconds(record->access()));
}

void cmd_object_freq(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[2], Lookup::kSilent);
  if (!record) return reply.null();
  if (!txn.keyspace().access().lfu.load(std::memory_order_relaxed)) return reply.error(kNotLfu);
  reply.integer(txn.keyspace().decayed_frequency(record->access()));
}

void cmd_object_help(Session&, Args, Reply& reply);

/// SAMPLES is read and checked; sizes are known exactly.
void cmd_memory_usage(Txn& txn, Args args, Reply& reply) {
  for (size_t i = 3; i < args.size(); i += 2) {
    if (!args.is(i, "SAMPLES") || i + 1 >= args.size()) return reply.error(errors::kSyntax);
    std::optional<int64_t> samples = args.integer(i + 1, reply);
    if (!samples) return;
    if (*samples < 0) return reply.error(errors::kSyntax);
  }
  size_t bytes = txn.memory_usage(args[2]);
  if (bytes == 0) return reply.null();
  reply.integer(static_cast<int64_t>(bytes));
}

constexpr CommandRow kObjectRows[] = {
    {.name = "object", .arity = -2, .flags = "", .keys = "", .categories = "", .tips = "", .group = "generic",
     .since = "2.2.3", .complexity = "Depends on subcommand.", .summary = "Questions about how a value is kept.",
     .syntax = "", .handler = {}},
    {.name = "object|encoding", .arity = 3, .flags = "readonly", .keys = "RO i2 r(0,1,0)", .categories = "keyspace",
     .tips = "nondeterministic_output", .group = "generic", .since = "2.2.3", .complexity = "O(1)",
     .summary = "Answers the encoding of a value.", .syntax = "key:key", .handler = &cmd_object_encoding},
    {.name = "object|freq", .arity = 3, .flags = "readonly", .keys = "RO i2 r(0,1,0)", .categories = "keyspace",
     .tips = "nondeterministic_output", .group = "generic", .since = "4.0.0", .complexity = "O(1)",
     .summary = "Answers the logarithmic access counter of a key.", .syntax = "key:key", .handler = &cmd_object_freq},
    {.name = "object|idletime", .arity = 3, .flags = "readonly", .keys = "RO i2 r(0,1,0)", .categories = "keyspace",
     .tips = "nondeterministic_output", .group = "generic", .since = "2.2.3", .complexity = "O(1)",
     .summary = "Answers the seconds since the last access of a key.", .syntax = "key:key",
     .handler = &cmd_object_idletime},
    {.name = "object|refcount", .arity = 3, .flags = "readonly", .keys = "RO i2 r(0,1,0)", .categories = "keyspace",
     .tips = "nondeterministic_output", .group = "generic", .since = "2.2.3", .complexity = "O(1)",
     .summary = "Answers how often a value is referenced.", .syntax = "key:key", .handler = &cmd_object_refcount},
    {.name = "object|help", .arity = 2, .flags = "loading stale", .keys = "", .categories = "keyspace", .tips = "",
     .group = "generic", .since = "6.2.0", .complexity = "O(1)", .summary = "Prints this help.", .syntax = "",
     .handler = &cmd_object_help},
};

void cmd_object_help(Session&, Args, Reply& reply) {
  constexpr std::string_view kPrefix = "object|";
  reply.array(1 + 2 * (std::size(kObjectRows) - 1));
  reply.status("OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (CommandRow const& row : kObjectRows) {
    if (!row.name.starts_with(kPrefix)) continue;
    reply.status(to_upper(row.name.substr(kPrefix.size())) + (row.syntax.empty() ? "" : " <key>"));
    reply.status("    " + std::string(row.summary));
  }
}

constexpr CommandRow kMemoryUsage[] = {
    {.name = "memory|usage", .arity = -3, .flags = "readonly", .keys = "RO i2 r(0,1,0)", .categories = "", .tips = "",
     .group = "server", .since = "4.0.0", .complexity = "O(1)",
     .summary = "Answers the bytes that a key and its value take.", .syntax = "key:key [SAMPLES count:integer]",
     .handler = &cmd_memory_usage},
};

}  // namespace

CommandRows object_commands() { return kObjectRows; }

CommandRows memory_usage_command() { return kMemoryUsage; }

}  // namespace holdfast
