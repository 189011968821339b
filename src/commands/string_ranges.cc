#include <algorithm>

#include "command/errors.h"
#include "commands/strings.h"
#include "commands/value_reply.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

/// True when a string may become `offset + added` bytes long; else replies that it may not.
bool length_allowed(Txn& txn, uint64_t offset, uint64_t added, Reply& reply) {
  uint64_t length;
  if (!__builtin_add_overflow(offset, added, &length) &&
      length <= txn.keyspace().string_bytes_max.load(std::memory_order_relaxed)) {
    return true;
  }
  reply.error(errors::kStringTooLong);
  return false;
}

void cmd_append(Txn& txn, Args args, Reply& reply) {
  std::string_view key = args[1];
  std::string_view added = args[2];
  Record* record = txn.find(key, Lookup::kWrite);
  if (!record) {
    txn.put_string(key, added, StringForm::kAuto, std::nullopt);
    txn.notify(config::kEventString, "append", key);
    return reply.integer(static_cast<int64_t>(added.size()));
  }
  if (!is_string_or_missing(record, reply)) return;
  size_t length = record->text_length();
  if (!length_allowed(txn, length, added.size(), reply)) return;
  reply.integer(static_cast<int64_t>(txn.write_range(key, length, added)));
  txn.notify(config::kEventString, "append", key);
}

void cmd_strlen(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[1]);
  if (!is_string_or_missing(record, reply)) return;
  reply.integer(record ? static_cast<int64_t>(record->text_length()) : 0);
}

void cmd_setrange(Txn& txn, Args args, Reply& reply) {
  std::string_view key = args[1];
  std::string_view bytes = args[3];
  std::optional<int64_t> offset = args.integer(2, reply);
  if (!offset) return;
  if (*offset < 0) return reply.error("offset is out of range");
  Record* record = txn.find(key, Lookup::kWrite);
  if (!is_string_or_missing(record, reply)) return;
  if (bytes.empty()) return reply.integer(record ? static_cast<int64_t>(record->text_length()) : 0);
  auto at = static_cast<uint64_t>(*offset);
  if (!length_allowed(txn, at, bytes.size(), reply)) return;
  reply.integer(static_cast<int64_t>(txn.write_range(key, at, bytes)));
  txn.notify(config::kEventString, "setrange", key);
}

/// Bytes `start` to `end` inclusive; negative positions count from the end and stop at the first byte.
std::string_view range_of(std::string_view text, int64_t start, int64_t end) {
  if (start < 0 && end < 0 && start > end) return "";
  auto length = static_cast<int64_t>(text.size());
  if (start < 0) start = std::max<int64_t>(start + length, 0);
  if (end < 0) end = std::max<int64_t>(end + length, 0);
  end = std::min(end, length - 1);
  if (start > end) return "";
  return text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start + 1));
}

void cmd_getrange(Txn& txn, Args args, Reply& reply) {
  std::optional<int64_t> start = args.integer(2, reply);
  if (!start) return;
  std::optional<int64_t> end = args.integer(3, reply);
  if (!end) return;
  Record* record = txn.find(args[1]);
  if (!is_string_or_missing(record, reply)) return;
  IntegerText scratch;
  reply.bulk(record ? range_of(record->text(scratch), *start, *end) : "");
}

constexpr CommandRow kStringRangesRows[] = {
    {.name = "append", .arity = 3, .flags = "write denyoom fast", .keys = "RW insert i1 r(0,1,0)",
     .categories = "string", .tips = "", .group = "string", .since = "2.0.0",
     .complexity = "O(1) amortized, for short additions: a growing string gets room in advance",
     .summary = "Adds bytes to the end of a string, or creates it.", .syntax = "key:key value:string",
     .handler = &cmd_append},
    {.name = "strlen", .arity = 2, .flags = "readonly fast", .keys = "RO i1 r(0,1,0)", .categories = "string",
     .tips = "",
     .group = "string", .since = "2.2.0", .complexity = "O(1)", .summary = "Answers the length of a string in bytes.",
     .syntax = "key:key", .handler = &cmd_strlen},
    {.name = "setrange", .arity = 4, .flags = "write denyoom", .keys = "RW update i1 r(0,1,0)", .categories = "string",
     .tips = "", .group = "string", .since = "2.2.0",
     .complexity = "O(M) where M is the length of the value, and O(1) for short ones",
     .summary = "Overwrites bytes of a string from an offset on, growing it with zero bytes where needed.",
     .syntax = "key:key offset:integer value:string", .handler = &cmd_setrange},
    {.name = "getrange", .arity = 4, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "string",
     .tips = "", .group = "string", .since = "2.4.0", .complexity = "O(N) where N is the length of the reply",
     .summary = "Answers a part of a string.", .syntax = "key:key start:integer end:integer", .handler = &cmd_getrange},
    {.name = "substr", .arity = 4, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "string",
     .tips = "", .group = "string", .since = "1.0.0", .complexity = "O(N) where N is the length of the reply",
     .summary = "Answers a part of a string, as GETRANGE does.", .syntax = "key:key start:integer end:integer",
     .handler = &cmd_getrange, .deprecated = "2.0.0: `GETRANGE`"},
};

}  // namespace

CommandRows string_range_commands() { return kStringRangesRows; }

}  // namespace holdfast
