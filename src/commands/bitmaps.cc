#include "commands/bitmaps.h"

#include <algorithm>
#include <string>
#include <vector>

#include "command/errors.h"
#include "commands/value_reply.h"
#include "keyspace/keyspace.h"
#include "structures/bit_field.h"
#include "structures/bit_ops.h"

namespace holdfast {
namespace {

constexpr std::string_view kBadOffset = "bit offset is not an integer or out of range";
constexpr std::string_view kBadBit = "bit is not an integer or out of range";

/// Longer strings are counted after the locks are released.
constexpr size_t kCountUnderLockBytesMax = 256 * 1024;

std::optional<uint64_t> offset_of(Txn& txn, std::string_view text, Reply& reply) {
  auto const offset = parse_bit_offset(text, 0, txn.keyspace().string_bytes_max.load(std::memory_order_relaxed));
  if (!offset) reply.error(kBadOffset);
  return offset;
}

void cmd_setbit(Txn& txn, Args args, Reply& reply) {
  std::string_view key = args[1];
  auto const offset = offset_of(txn, args[2], reply);
  if (!offset) return;
  auto const bit = args.integer(3, reply, kBadBit);
  if (!bit) return;
  if (*bit != 0 && *bit != 1) return reply.error(kBadBit);
  Record* record = txn.find(key, Lookup::kWrite);
  if (!is_string_or_missing(record, reply)) return;

  IntegerText scratch;
  std::string_view const text = record ? record->text(scratch) : std::string_view();
  bool const old = get_bit(text, *offset);
  size_t const at = *offset / 8;
  if (at < text.size() && old == (*bit == 1)) {
    txn.open_string(key);  // raw from now on, as after any SETBIT
  } else {
    char byte = at < text.size() ? text[at] : '\0';
    set_bit(std::span(&byte, 1), *offset % 8, *bit == 1);
    txn.write_range(key, at, {&byte, 1});
    txn.notify(config::kEventString, "setbit", key);
  }
  reply.integer(old);
}

void cmd_getbit(Txn& txn, Args args, Reply& reply) {
  auto const offset = offset_of(txn, args[2], reply);
  if (!offset) return;
  Record* record = txn.find(args[1]);
  if (!is_string_or_missing(record, reply)) return;
  IntegerText scratch;
  reply.integer(record && get_bit(record->text(scratch), *offset));
}

/// A part of a string in bits, both ends included; empty when last < first.
struct BitRange {
  int64_t first = 0;
  int64_t last = -1;
};

/// The range that `start`, `end` and the unit name in a string of `bytes` bytes.
BitRange range_in(int64_t start, int64_t end, bool in_bits, size_t bytes) {
  int64_t const length = static_cast<int64_t>(bytes) * (in_bits ? 8 : 1);
  if (start < 0) start = std::max<int64_t>(start + length, 0);
  if (end < 0) end = std::max<int64_t>(end + length, 0);
  end = std::min(end, length - 1);
  if (start > end) return {};
  return in_bits ? BitRange{start, end} : BitRange{start * 8, end * 8 + 7};
}

/// The word BYTE or BIT at `index`; nullopt after an error reply.
std::optional<bool> is_in_bits(Args args, size_t index, Reply& reply) {
  if (args.is(index, "BIT")) return true;
  if (args.is(index, "BYTE")) return false;
  reply.error(errors::kSyntax);
  return std::nullopt;
}

/// Counts the bits of a long string in pieces, then replies.
class BitCount final : public ReplySource {
 public:
  BitCount(SharedBufferRef buffer, BitRange range) : buffer_(std::move(buffer)), range_(range) {}

  bool write(Reply& reply, size_t) override {
    constexpr int64_t kPieceBits = int64_t{8} * 1024 * 1024;
    int64_t const last = std::min(range_.last, range_.first + kPieceBits - 1);
    count_ += count_bits(buffer_->view(), static_cast<uint64_t>(range_.first), static_cast<uint64_t>(last));
    range_.first = last + 1;
    if (range_.first <= range_.last) return true;
    reply.integer(static_cast<int64_t>(count_));
    return false;
  }

 private:
  SharedBufferRef buffer_;
  BitRange range_;
  uint64_t count_ = 0;
};

void cmd_bitcount(Txn& txn, Args args, Reply& reply) {
  Record* record = txn.find(args[1]);
  if (!record) return reply.integer(0);
  if (!is_string_or_missing(record, reply)) return;
  int64_t start = 0;
  int64_t end = -1;
  bool in_bits = false;
  if (args.size() == 4 || args.size() == 5) {
    auto const first = args.integer(2, reply);
    if (!first) return;
    auto const last = args.integer(3, reply);
    if (!last) return;
    start = *first;
    end = *last;
    if (start < 0 && end < 0 && start > end) return reply.integer(0);  // whatever the unit is
    if (args.size() == 5) {
      auto const unit = is_in_bits(args, 4, reply);
      if (!unit) return;
      in_bits = *unit;
    }
  } else if (args.size() != 2) {
    return reply.error(errors::kSyntax);
  }
  IntegerText scratch;
  std::string_view const text = record->text(scratch);
  BitRange const range = range_in(start, end, in_bits, text.size());
  if (range.last < range.first) return reply.integer(0);
  if (text.size() > kCountUnderLockBytesMax && range.last - range.first > int64_t{8 * kCountUnderLockBytesMax}) {
    record->shared()->add_ref();
    return reply.follow(std::make_unique<BitCount>(SharedBufferRef::adopt(record->shared()), range));
  }
  reply.integer(static_cast<int64_t>(count_bits(text, static_cast<uint64_t>(range.first), static_cast<uint64_t>(range.last))));
}

void cmd_bitpos(Txn& txn, Args args, Reply& reply) {
  auto const bit = args.integer(2, reply);
  if (!bit) return;
  if (*bit != 0 && *bit != 1) return reply.error("The bit argument must be 1 or 0.");
  Record* record = txn.find(args[1]);
  if (!record) return reply.integer(*bit ? -1 : 0);
  if (!is_string_or_missing(record, reply)) return;
  int64_t start = 0;
  int64_t end = -1;
  bool in_bits = false;
  bool const end_given = args.size() >= 5;
  if (args.size() > 6) return reply.error(errors::kSyntax);
  if (args.size() >= 4) {
    auto const first = args.integer(3, reply);
    if (!first) return;
    start = *first;
    if (args.size() == 6) {
      auto const unit = is_in_bits(args, 5, reply);
      if (!unit) return;
      in_bits = *unit;
    }
    if (end_given) {
      auto const last = args.integer(4, reply);
      if (!last) return;
      end = *last;
    }
  }
  IntegerText scratch;
  std::string_view const text = record->text(scratch);
  BitRange const range = range_in(start, end, in_bits, text.size());
  if (range.last < range.first) return reply.integer(-1);
  auto const found = find_bit(text, *bit == 1, static_cast<uint64_t>(range.first), static_cast<uint64_t>(range.last));
  if (found) return reply.integer(static_cast<int64_t>(*found));
  // A string counts as followed by zeros, unless the end was asked for.
  reply.integer(*bit == 0 && !end_given ? static_cast<int64_t>(text.size()) * 8 : -1);
}

std::optional<BitOperation> operation_of(Args args) {
  if (args.is(1, "AND")) return BitOperation::kAnd;
  if (args.is(1, "OR")) return BitOperation::kOr;
  if (args.is(1, "XOR")) return BitOperation::kXor;
  if (args.is(1, "NOT")) return BitOperation::kNot;
  return std::nullopt;
}

void cmd_bitop(Txn& txn, Args args, Reply& reply) {
  auto const operation = operation_of(args);
  if (!operation) return reply.error(errors::kSyntax);
  if (*operation == BitOperation::kNot && args.size() != 4) {
    return reply.error("BITOP NOT must be called with a single source key.");
  }
  std::string_view const target = args[2];
  std::vector<std::string_view> sources;
  std::vector<IntegerText> scratch(args.size());
  size_t length = 0;
  // An expired source is deleted when it is looked up, which may move the others: first all lookups, then the texts.
  for (size_t i = 3; i < args.size(); i++) {
    if (!is_string_or_missing(txn.find(args[i]), reply)) return;
  }
  for (size_t i = 3; i < args.size(); i++) {
    Record const* record = txn.find(args[i], Lookup::kPeek);
    sources.push_back(record ? record->text(scratch[i]) : std::string_view());
    length = std::max(length, sources.back().size());
  }
  reply.integer(static_cast<int64_t>(length));
  if (length == 0) {
    txn.drop(target);
    return;
  }
  if (length >= kSharedBytesMin) {
    DetachedValue value;
    value.encoding = Encoding::kShared;
    value.shared = SharedBuffer::allocate(length);
    value.shared->set_size(length);
    value.access = txn.keyspace().initial_access();
    combine_bits(*operation, sources, {value.shared->data(), length});
    txn.put_value(txn.db(), target, std::move(value));
    return txn.notify(config::kEventString, "set", target);
  }
  std::string result(length, '\0');
  combine_bits(*operation, sources, result);
  txn.put_string(target, result, StringForm::kRaw, std::nullopt);
  txn.notify(config::kEventString, "set", target);
}

constexpr CommandRow kBitmapsRows[] = {
    {.name = "setbit", .arity = 4, .flags = "write denyoom", .keys = "RW access update i1 r(0,1,0)", .categories = "bitmap",
     .tips = "", .group = "bitmap", .since = "2.2.0", .complexity = "O(1)",
     .summary = "Sets a bit of a string, growing it with zero bytes where needed, and answers the old one.",
     .syntax = "key:key offset:integer value:integer", .handler = &cmd_setbit},
    {.name = "getbit", .arity = 3, .flags = "readonly fast", .keys = "RO access i1 r(0,1,0)", .categories = "bitmap",
     .tips = "", .group = "bitmap", .since = "2.2.0", .complexity = "O(1)", .summary = "Answers a bit of a string.",
     .syntax = "key:key offset:integer", .handler = &cmd_getbit},
    {.name = "bitcount", .arity = -2, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "bitmap", .tips = "",
     .group = "bitmap", .since = "2.6.0", .complexity = "O(N) where N is the length of the string",
     .summary = "Counts the bits that are set, in a string or a part of it.",
     .syntax = "key:key [index:block(start:integer end:integer [index_unit:oneof(BYTE|BIT)@7.0.0])]",
     .handler = &cmd_bitcount, .history = "7.0.0: Added the `BYTE|BIT` option."},
    {.name = "bitpos", .arity = -3, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "bitmap", .tips = "",
     .group = "bitmap", .since = "2.8.7", .complexity = "O(N) where N is the length of the string",
     .summary = "Answers the position of the first bit that is set, or clear.",
     .syntax = "key:key bit:integer [index:block(start:integer [end_index:block(end:integer "
               "[index_unit:oneof(BYTE|BIT)@7.0.0])])]",
     .handler = &cmd_bitpos, .history = "7.0.0: Added the `BYTE|BIT` option."},
    {.name = "bitop", .arity = -4, .flags = "write denyoom", .keys = "OW update i2 r(0,1,0); RO access i3 r(-1,1,0)",
     .categories = "bitmap", .tips = "", .group = "bitmap", .since = "2.6.0",
     .complexity = "O(N) where N is the length of all strings",
     .summary = "Combines strings bit by bit and stores the result.",
     .syntax = "operation:string destkey:key key:key...", .handler = &cmd_bitop},
};

}  // namespace

CommandRows bitmap_commands() { return kBitmapsRows; }

}  // namespace holdfast
