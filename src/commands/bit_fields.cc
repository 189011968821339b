#include <algorithm>
#include <vector>

#include "command/errors.h"
#include "commands/bitmaps.h"
#include "commands/value_reply.h"
#include "keyspace/keyspace.h"
#include "structures/bit_field.h"

namespace holdfast {
namespace {

struct FieldOperation {
  enum class Kind : uint8_t { kGet, kSet, kIncrement };
  Kind kind;
  BitFieldType type;
  uint64_t offset;
  int64_t operand;
  BitOverflow overflow;
};

using Kind = FieldOperation::Kind;

/// All operations of a command; nullopt after an error reply.
std::optional<std::vector<FieldOperation>> parse(Txn& txn, Args args, Reply& reply) {
  uint64_t const bytes_max = txn.keyspace().string_bytes_max.load(std::memory_order_relaxed);
  std::vector<FieldOperation> operations;
  BitOverflow overflow = BitOverflow::kWrap;
  for (size_t i = 2; i < args.size();) {
    size_t const left = args.size() - i - 1;
    FieldOperation operation{Kind::kGet, {}, 0, 0, overflow};
    if (args.is(i, "GET") && left >= 2) {
      operation.kind = Kind::kGet;
    } else if (args.is(i, "SET") && left >= 3) {
      operation.kind = Kind::kSet;
    } else if (args.is(i, "INCRBY") && left >= 3) {
      operation.kind = Kind::kIncrement;
    } else if (args.is(i, "OVERFLOW") && left >= 1) {
      auto const how = parse_bit_overflow(args[i + 1]);
      if (!how) {
        reply.error("Invalid OVERFLOW type specified");
        return std::nullopt;
      }
      overflow = *how;
      i += 2;
      continue;
    } else {
      reply.error(errors::kSyntax);
      return std::nullopt;
    }
    auto const type = parse_bit_field_type(args[i + 1]);
    if (!type) {
      reply.error("Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.");
      return std::nullopt;
    }
    auto const offset = parse_bit_offset(args[i + 2], type->bits, bytes_max);
    if (!offset) {
      reply.error("bit offset is not an integer or out of range");
      return std::nullopt;
    }
    operation.type = *type;
    operation.offset = *offset;
    i += 3;
    if (operation.kind != Kind::kGet) {
      auto const operand = args.integer(i++, reply);
      if (!operand) return std::nullopt;
      operation.operand = *operand;
    }
    operations.push_back(operation);
  }
  return operations;
}

void reply_gets(Record const* record, std::vector<FieldOperation> const& operations, Reply& reply) {
  IntegerText scratch;
  std::string_view const text = record ? record->text(scratch) : std::string_view();
  reply.array(operations.size());
  for (FieldOperation const& operation : operations) reply.integer(read_bit_field(text, operation.type, operation.offset));
}

enum class Executed : uint8_t { kNothing, kWroteTheSame, kChanged };

/// Executes one operation.
Executed execute(FieldOperation const& operation, std::span<char> bytes, Reply& reply) {
  int64_t const old = read_bit_field({bytes.data(), bytes.size()}, operation.type, operation.offset);
  if (operation.kind == Kind::kGet) {
    reply.integer(old);
    return Executed::kNothing;
  }
  auto const value = operation.kind == Kind::kSet ? fit_bit_field(operation.type, operation.operand, operation.overflow)
                                                  : add_bit_field(operation.type, old, operation.operand, operation.overflow);
  if (!value) {
    reply.null();
    return Executed::kNothing;
  }
  write_bit_field(bytes, operation.type, operation.offset, *value);
  reply.integer(operation.kind == Kind::kSet ? old : *value);
  return *value != old ? Executed::kChanged : Executed::kWroteTheSame;
}

void cmd_bitfield(Txn& txn, Args args, Reply& reply) {
  std::string_view const key = args[1];
  auto const operations = parse(txn, args, reply);
  if (!operations) return;
  uint64_t end = 0;  // bytes that the writes need
  for (FieldOperation const& operation : *operations) {
    if (operation.kind != Kind::kGet) end = std::max(end, bit_field_end(operation.type, operation.offset));
  }
  Record* record = txn.find(key, end > 0 ? Lookup::kWrite : Lookup::kRead);
  if (!is_string_or_missing(record, reply)) return;
  if (end == 0) return reply_gets(record, *operations, reply);
  // The string is made long enough even when every write fails then, as in Redis.
  bool const grows = !record || record->text_length() < end;
  if (grows) txn.write_range(key, end - 1, std::string_view("\0", 1));
  std::span<char> const bytes = txn.open_string(key);
  reply.array(operations->size());
  uint64_t changes = 0;
  bool written = false;
  for (FieldOperation const& operation : *operations) {
    Executed const executed = execute(operation, bytes, reply);
    changes += executed == Executed::kChanged;
    written |= executed != Executed::kNothing;
  }
  if (changes > 0) txn.note_change(key, changes);
  if (changes > 0 || (grows && written)) txn.notify(config::kEventString, "setbit", key);
}

void cmd_bitfield_ro(Txn& txn, Args args, Reply& reply) {
  auto const operations = parse(txn, args, reply);
  if (!operations) return;
  for (FieldOperation const& operation : *operations) {
    if (operation.kind != Kind::kGet) return reply.error("BITFIELD_RO only supports the GET subcommand");
  }
  Record* record = txn.find(args[1]);
  if (is_string_or_missing(record, reply)) reply_gets(record, *operations, reply);
}

constexpr CommandRow kBitFieldsRows[] = {
    {.name = "bitfield", .arity = -2, .flags = "write denyoom",
     .keys = "RW access update variable_flags i1 r(0,1,0) \"This command allows both access and modification of the key\"",
     .categories = "bitmap", .tips = "", .group = "bitmap", .since = "3.2.0", .complexity = "O(1) for each operation",
     .summary = "Reads and writes integers of any width at any bit of a string.",
     .syntax = "key:key [operation:oneof(GET encoding_offset:block(encoding:string offset:integer)|write:block([OVERFLOW "
               "wrap_sat_fail:oneof(WRAP|SAT|FAIL)] write_operation:oneof(SET encoding_offset_value:block(encoding:string "
               "offset:integer value:integer)|INCRBY encoding_offset_increment:block(encoding:string offset:integer "
               "increment:integer))))...]",
     .handler = &cmd_bitfield},
    {.name = "bitfield_ro", .arity = -2, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)", .categories = "bitmap",
     .tips = "", .group = "bitmap", .since = "6.0.0", .complexity = "O(1) for each operation",
     .summary = "Reads integers of any width at any bit of a string.",
     .syntax = "key:key [GET encoding_offset:block(encoding:string offset:integer)...TOKEN]", .handler = &cmd_bitfield_ro},
};

}  // namespace

CommandRows bit_field_commands() { return kBitFieldsRows; }

}  // namespace holdfast
