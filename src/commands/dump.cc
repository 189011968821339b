#include "commands/dump.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/number.h"
#include "command/errors.h"
#include "command/pause.h"
#include "command/session.h"
#include "command/task.h"
#include "config/config.h"
#include "keyspace/keyspace.h"
#include "rdb/dump_payload.h"
#include "rdb/writer.h"
#include "values/type_ops.h"

namespace holdfast {
namespace {

/// Larger values are written and compressed after their lock is released: compression takes about 9 ns a byte.
constexpr size_t kDumpUnderLockBytesMax = 512;

/// Larger payloads are checked and decoded before their lock is taken.
constexpr size_t kRestoreUnderLockBytesMax = 16 * 1024;

void reply_dump(ValueView const& value, bool compress, Reply& reply) {
  std::string payload;
  RdbWriter writer(payload, compress);
  TypeOps const& ops = ops_of(value.type);
  RdbType const type = ops.rdb_type(value);
  writer.type(type);
  ops.write_rdb(value, writer, {});
  append_dump_footer(payload, type == RdbType::kHashMetadata ? kRdbVersionFieldExpiry : kRdbVersion);
  reply.bulk(payload);
}

/// A long value, frozen: the whole of its reply.
class LongDump final : public ReplySource {
 public:
  LongDump(DetachedValue value, bool compress) : value_(std::move(value)), compress_(compress) {}
  bool write(Reply& reply, size_t) override {
    reply_dump(value_.view(), compress_, reply);
    return false;
  }

 private:
  DetachedValue value_;
  bool compress_;
};

void cmd_dump(Txn& txn, Session& session, Args args, Reply& reply) {
  Record* record = txn.find(args[1]);
  if (!record) return reply.null();
  bool const compress = session.services().config.flag(config::Directive::kRdbcompression);
  ValueView const value = record->view();
  if (value.body || value.shared || value.bytes.size() > kDumpUnderLockBytesMax) {
    return reply.follow(std::make_unique<LongDump>(txn.copy_value(record), compress));
  }
  reply_dump(value, compress, reply);
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

/// The value of a payload, or the error that RESTORE replies.
Result<DetachedValue> decode(Keyspace const& keyspace, std::string_view payload) {
  Result<std::string_view> const body = verify_dump_payload(payload);
  if (!body) return std::unexpected(body.error());
  ByteReader in(*body);
  auto const type = static_cast<RdbType>(in.byte());
  std::optional<DetachedValue> value = read_rdb_value(type, in, keyspace.value_context());
  if (!value || !in.ok()) return fail("Bad data format");
  return std::move(*value);
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

/// `decoded`: of a long payload, before the lock was taken.
void restore(Txn& txn, Args args, Reply& reply, std::optional<Result<DetachedValue>> decoded) {
  std::string_view key = args[1];
  std::optional<RestoreOptions> options = RestoreOptions::parse(args, reply);
  if (!options) return;
  if (!options->replace && txn.find(key, Lookup::kWrite)) return reply.error(errors::kBusyKey);
  std::optional<int64_t> ttl = args.integer(2, reply);
  if (!ttl) return;
  if (*ttl < 0) return reply.error("Invalid TTL value, must be >= 0");
  Result<DetachedValue> value = decoded ? std::move(*decoded) : decode(txn.keyspace(), args[3]);
  if (!value) return reply.error(value.error().message);

  if (*ttl != 0) {
    int64_t expire_ms = *ttl;
    // A relative moment beyond the end of time wraps into the past, as in Redis.
    if (!options->absolute)
      expire_ms = static_cast<int64_t>(static_cast<uint64_t>(*ttl) + static_cast<uint64_t>(txn.now_ms()));
    if (expire_ms <= txn.now_ms() && txn.keyspace().deletes_expired()) {
      if (options->replace && txn.drop(key)) txn.effect({"DEL", key});
      return reply.ok();
    }
    value->expire_ms = expire_ms;
  }
  value->access = access_of(txn.keyspace(), *options, txn.keyspace().access().lfu.load(std::memory_order_relaxed));
  std::optional<int64_t> expire_ms = value->expire_ms;
  if (txn.find(key, Lookup::kPeek)) txn.notify(config::kEventNew, "new", key);
  txn.put_value(txn.db(), key, std::move(*value));
  txn.notify(config::kEventGeneric, "restore", key);
  if (expire_ms && !options->absolute) log_absolute(txn, args, *expire_ms);
  reply.ok();
}

void cmd_restore(Txn& txn, Args args, Reply& reply) { restore(txn, args, reply, std::nullopt); }

class LongRestore final : public Task {
 public:
  explicit LongRestore(Args args) : arguments_(args.span().begin(), args.span().end()) {}

  Progress step(TaskSlice& slice) override {
    if (!decoded_) decoded_ = decode(slice.session().services().keyspace, arguments_[3]);
    std::vector<std::string_view> const words(arguments_.begin(), arguments_.end());
    bool done = false;
    bool const locked = slice.with_keys(std::span(words).subspan(1, 1), [&](Txn& txn) {
      if (paused(slice.session(), txn.now_ms())) return;
      txn.begin_command(words);
      restore(txn, Args(words), slice.reply(), std::move(decoded_));
      txn.end_command();
      done = true;
    });
    return done ? Progress::kDone : locked ? Progress::kWait : Progress::kAgain;
  }

 private:
  /// CLIENT PAUSE may have begun since the command was let in.
  static bool paused(Session& session, int64_t now_ms) {
    return !session.trusted() && session.services().pause.mode(now_ms) != Pause::Mode::kNone;
  }

  std::vector<std::string> arguments_;
  std::optional<Result<DetachedValue>> decoded_;
};

std::unique_ptr<Task> restore_long(Session&, Args args, Reply&) {
  if (args[3].size() <= kRestoreUnderLockBytesMax) return nullptr;
  return std::make_unique<LongRestore>(args);
}

constexpr std::string_view kRestoreComplexity = "O(1) for strings, O(N) for N items of a collection";
constexpr std::string_view kRestoreSyntax =
    "key:key ttl:integer serialized-value:string [REPLACE@3.0.0] [ABSTTL@5.0.0] [IDLETIME seconds:integer@5.0.0] "
    "[FREQ frequency:integer@5.0.0]";
constexpr std::string_view kRestoreHistory =
    "3.0.0: Added the `REPLACE` modifier.; 5.0.0: Added the `ABSTTL` modifier.; "
    "5.0.0: Added the `IDLETIME` and `FREQ` options.";

constexpr CommandRow kDumpRows[] = {
    {.name = "dump", .arity = 2, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "keyspace",
     .tips = "nondeterministic_output", .group = "generic", .since = "2.6.0",
     .complexity = "O(1) to find the key, O(N) to write its N bytes or items",
     .summary = "Answers a value in the form that RESTORE takes.", .syntax = "key:key", .handler = &cmd_dump},
    {.name = "restore", .arity = -4, .flags = "write denyoom", .keys = "OW update i1 r(0,1,0)",
     .categories = "keyspace dangerous", .tips = "", .group = "generic", .since = "2.6.0",
     .complexity = kRestoreComplexity, .summary = "Makes a key from what DUMP answered.", .syntax = kRestoreSyntax,
     .handler = &cmd_restore, .history = kRestoreHistory, .long_form = &restore_long},
    {.name = "restore-asking", .arity = -4, .flags = "write denyoom asking", .keys = "OW update i1 r(0,1,0)",
     .categories = "keyspace dangerous", .tips = "", .group = "server", .since = "3.0.0",
     .complexity = kRestoreComplexity, .summary = "RESTORE for keys of a slot that is on its way to this server.",
     .syntax = kRestoreSyntax, .handler = &cmd_restore, .history = kRestoreHistory, .long_form = &restore_long},
};

}  // namespace

CommandRows dump_commands() { return kDumpRows; }

}  // namespace holdfast
