#include "commands/dump.h"

#include <string>
#include <vector>

#include "base/number.h"
#include "command/errors.h"
#include "keyspace/keyspace.h"
#include "rdb/dump_payload.h"
#include "rdb/writer.h"
#include "values/type_ops.h"

namespace holdfast {
namespace {

void cmd_dump(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[1]);
  if (!record) return reply.null();
  std::string payload;
  RdbWriter writer(payload);
  TypeOps const& ops = ops_of(record->type());
  RdbType const type = ops.rdb_type(record->view());
  writer.type(type);
  ops.write_rdb(record->view(), writer, {});
  append_dump_footer(payload, type == RdbType::kHashMetadata ? kRdbVersionFieldExpiry : kRdbVersion);
  reply.bulk(payload);
}

struct RestoreOptions {
  bool replace = false;
  bool absolute = false;
  std::optional<int64_t> idle_seconds;
  std::optional<int64_t> frequency;

  /// On failure replies why.
  static std::optional<RestoreOptions> parse(Args args, Reply& reply);
};

std::optional<RestoreOptions> RestoreOptions::parse(Args args, Reply& reply) {
  RestoreOptions options;
  for (size_t i = 4; i < args.size(); i++) {
    bool has_value = i + 1 < args.size();
    if (args.is(i, "REPLACE")) {
      options.replace = true;
    } else if (args.is(i, "ABSTTL")) {
      options.absolute = true;
    } else if (args.is(i, "IDLETIME") && has_value && !options.frequency) {
      options.idle_seconds = args.integer(++i, reply);
      if (!options.idle_seconds) return std::nullopt;
      if (*options.idle_seconds < 0) {
        reply.error("Invalid IDLETIME value, must be >= 0");
        return std::nullopt;
      }
    } else if (args.is(i, "FREQ") && has_value && !options.idle_seconds) {
      options.frequency = args.integer(++i, reply);
      if (!options.frequency) return std::nullopt;
      if (*options.frequency < 0 || *options.frequency > 255) {
        reply.error("Invalid FREQ value, must be >= 0 and <= 255");
        return std::nullopt;
      }
    } else {
      reply.error(errors::kSyntax);
      return std::nullopt;
    }
  }
  return options;
}

/// The value of a verified payload; nullopt when it is damaged or of a type that there is not.
std::optional<DetachedValue> decode(Txn& txn, std::string_view body) {
  ByteReader in(body);
  auto const type = static_cast<RdbType>(in.byte());
  std::optional<DetachedValue> value = read_rdb_value(type, in, txn.keyspace().value_context());
  return in.ok() ? std::move(value) : std::nullopt;
}

/// IDLETIME counts under an LRU policy, FREQ under an LFU one; otherwise the key counts as just made.
uint32_t access_of(Keyspace const& keyspace, RestoreOptions const& options, bool lfu) {
  if (lfu && options.frequency) return keyspace.access_of_frequency(static_cast<uint8_t>(*options.frequency));
  if (!lfu && options.idle_seconds) return keyspace.access_of_idle(static_cast<uint64_t>(*options.idle_seconds));
  return keyspace.initial_access();
}

void log_absolute(Txn& txn, Args args, int64_t expire_ms) {
  std::string text = to_text(expire_ms);
  std::vector<std::string_view> effect(args.span().begin(), args.span().end());
  effect[2] = text;
  effect.push_back("ABSTTL");
  txn.effect(effect);
}

void cmd_restore(Txn& txn, Args args, Reply& reply) {
  std::string_view key = args[1];
  std::optional<RestoreOptions> options = RestoreOptions::parse(args, reply);
  if (!options) return;
  if (!options->replace && txn.find(key, Lookup::kWrite)) return reply.error(errors::kBusyKey);
  std::optional<int64_t> ttl = args.integer(2, reply);
  if (!ttl) return;
  if (*ttl < 0) return reply.error("Invalid TTL value, must be >= 0");
  Result<std::string_view> body = verify_dump_payload(args[3]);
  if (!body) return reply.error(body.error().message);
  std::optional<DetachedValue> value = decode(txn, *body);
  if (!value) return reply.error("Bad data format");

  if (*ttl != 0) {
    int64_t expire_ms = *ttl;
    // A relative moment beyond the end of time wraps into the past, as in Redis.
    if (!options->absolute)
      expire_ms = static_cast<int64_t>(static_cast<uint64_t>(*ttl) + static_cast<uint64_t>(txn.now_ms()));
    if (expire_ms <= txn.now_ms() && !txn.keyspace().expiry_held()) {
      if (options->replace && txn.remove(key)) txn.effect({"DEL", key});
      return reply.ok();
    }
    value->expire_ms = expire_ms;
  }
  value->access = access_of(txn.keyspace(), *options, txn.keyspace().access().lfu.load(std::memory_order_relaxed));
  std::optional<int64_t> expire_ms = value->expire_ms;
  txn.put_value(txn.db(), key, std::move(*value));
  if (expire_ms && !options->absolute) log_absolute(txn, args, *expire_ms);
  reply.ok();
}

constexpr std::string_view kRestoreComplexity = "O(1) for strings, O(N) for N items of a collection";
constexpr std::string_view kRestoreSyntax =
    "key:key ttl:integer serialized-value:string [REPLACE@3.0.0] [ABSTTL@5.0.0] [IDLETIME seconds:integer@5.0.0] "
    "[FREQ frequency:integer@5.0.0]";
constexpr std::string_view kRestoreHistory =
    "3.0.0: Added the `REPLACE` modifier.; 5.0.0: Added the `ABSTTL` modifier.; "
    "5.0.0: Added the `IDLETIME` and `FREQ` options.";

constexpr CommandRow kRows[] = {
    {.name = "dump", .arity = 2, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "keyspace",
     .tips = "nondeterministic_output", .group = "generic", .since = "2.6.0",
     .complexity = "O(1) to find the key, O(N) to write its N bytes or items",
     .summary = "Answers a value in the form that RESTORE takes.", .syntax = "key:key", .handler = &cmd_dump},
    {.name = "restore", .arity = -4, .flags = "write denyoom", .keys = "OW update i1 r(0,1,0)",
     .categories = "keyspace dangerous", .tips = "", .group = "generic", .since = "2.6.0",
     .complexity = kRestoreComplexity, .summary = "Makes a key from what DUMP answered.", .syntax = kRestoreSyntax,
     .handler = &cmd_restore, .history = kRestoreHistory},
    {.name = "restore-asking", .arity = -4, .flags = "write denyoom asking", .keys = "OW update i1 r(0,1,0)",
     .categories = "keyspace dangerous", .tips = "", .group = "server", .since = "3.0.0",
     .complexity = kRestoreComplexity, .summary = "RESTORE for keys of a slot that is on its way to this server.",
     .syntax = kRestoreSyntax, .handler = &cmd_restore, .history = kRestoreHistory},
};

}  // namespace

CommandRows dump_commands() { return kRows; }

}  // namespace holdfast
