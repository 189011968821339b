#include "commands/hash_reply.h"

#include <limits>

#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

/// Entries of a hash that expire before a moment are not there.
class LiveEntries {
 public:
  LiveEntries(ValueView const& value, int64_t alive_at_ms) : cursor_(value), alive_at_ms_(alive_at_ms) {}
  std::optional<HashEntry> next() {
    while (true) {
      std::optional<HashEntry> entry = cursor_.next();
      if (!entry || !entry->value.expire_ms || *entry->value.expire_ms >= alive_at_ms_) return entry;
    }
  }

 private:
  HashCursor cursor_;
  int64_t alive_at_ms_;
};

/// A long hash. When some of its fields may have expired it is walked twice, as the reply begins with the number.
class WholeHash final : public ReplySource {
 public:
  WholeHash(DetachedValue value, int64_t alive_at_ms, bool counted, HashPart part, HashShape shape)
      : value_(std::move(value)),
        alive_at_ms_(alive_at_ms),
        entries_(value_.view(), alive_at_ms),
        part_(part),
        shape_(shape) {
    if (counted) size_ = HashReader(value_.view()).size();
  }

  bool write(Reply& reply, size_t elements_max) override {
    size_t const entries_max = part_ == HashPart::kBoth ? elements_max / 2 + 1 : elements_max;
    if (!size_) {
      for (size_t i = 0; i < entries_max; i++, found_++) {
        if (entries_.next()) continue;
        size_ = found_;
        entries_ = LiveEntries(value_.view(), alive_at_ms_);
        break;
      }
      return true;
    }
    if (!begun_) begin_entries(reply, part_, shape_, *size_);
    begun_ = true;
    for (size_t i = 0; i < entries_max; i++) {
      std::optional<HashEntry> const entry = entries_.next();
      if (!entry) return false;
      reply_entry(reply, part_, shape_, entry->field, entry->value);
    }
    return true;
  }

 private:
  DetachedValue value_;
  int64_t alive_at_ms_;
  LiveEntries entries_;
  HashPart part_;
  HashShape shape_;
  std::optional<uint64_t> size_;  // of those that are not expired
  uint64_t found_ = 0;
  bool begun_ = false;
};

uint64_t count_live(ValueView const& value, int64_t alive_at_ms) {
  uint64_t count = 0;
  for (LiveEntries entries(value, alive_at_ms); entries.next();) count++;
  return count;
}

}  // namespace

void begin_entries(Reply& reply, HashPart part, HashShape shape, uint64_t entries) {
  if (part != HashPart::kBoth) return reply.array(entries);
  if (shape == HashShape::kMap) return reply.map(entries);
  reply.array(reply.resp3() ? entries : entries * 2);
}

void reply_entry(Reply& reply, HashPart part, HashShape shape, packed::Element const& field, HashValue const& value) {
  if (part == HashPart::kBoth && shape == HashShape::kPairs && reply.resp3()) reply.array(2);
  if (part != HashPart::kValues) reply_element(reply, field);
  if (part != HashPart::kFields) reply_element(reply, value.element, value.buffer);
}

void reply_hash(Txn& txn, Hash const& hash, HashPart part, HashShape shape, Reply& reply) {
  if (!hash.exists()) return begin_entries(reply, part, shape, 0);
  bool const some_expired = hash.has_due_fields();
  int64_t const alive_at_ms = some_expired ? txn.now_ms() : std::numeric_limits<int64_t>::min();
  uint64_t const size = hash.reader().size();
  if (size > kReplyEntriesMax) {
    reply.follow(std::make_unique<WholeHash>(txn.copy_value(hash.record()), alive_at_ms, !some_expired, part, shape));
    return;
  }
  ValueView const value = hash.view();
  begin_entries(reply, part, shape, some_expired ? count_live(value, alive_at_ms) : size);
  for (LiveEntries entries(value, alive_at_ms); std::optional<HashEntry> entry = entries.next();) {
    reply_entry(reply, part, shape, entry->field, entry->value);
  }
}

}  // namespace holdfast
