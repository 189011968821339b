#include <algorithm>
#include <string>

#include "base/number.h"
#include "commands/collection_scan.h"
#include "commands/set_reply.h"
#include "commands/sets.h"

namespace holdfast {
namespace {

/// Walks on over at least `count` members of a big set, if there are so many.
void walk(FieldSet const& set, CollectionScan& scan, uint64_t count, MemberList& found) {
  scan.cursor = set.scan(scan.cursor, count, [&](FieldEntry const& entry) {
    if (scan.matches(entry.field)) found.add({false, 0, entry.field});
  });
}

void begin_reply(CollectionScan const& scan, MemberList const& found, Reply& reply) {
  reply.array(2);
  reply.bulk(to_text_unsigned(scan.cursor));
  reply.array(found.size());
}

/// A scan with a big COUNT, of a frozen set: first it walks, then it answers.
class LongScan final : public ReplySource {
 public:
  LongScan(DetachedValue value, CollectionScan const& scan)
      : value_(std::move(value)), pattern_(scan.pattern.value_or("")), scan_(scan), left_(scan.count) {
    if (scan_.pattern) scan_.pattern = pattern_;
  }

  bool write(Reply& reply, size_t elements_max) override {
    if (left_ == 0) return found_.write(reply, elements_max);
    uint64_t const members = std::min<uint64_t>(left_, elements_max);
    walk(*SetReader(value_.view()).members(), scan_, members, found_);
    left_ = scan_.cursor == 0 ? 0 : left_ - members;
    if (left_ == 0) begin_reply(scan_, found_, reply);
    return true;
  }

 private:
  DetachedValue value_;
  std::string pattern_;
  CollectionScan scan_;
  uint64_t left_;  // of COUNT
  MemberList found_;
};

/// A set in its record is scanned in one step, whatever cursor and count are.
void scan_all(SetReader const& set, CollectionScan scan, Reply& reply) {
  MemberList found;
  packed::TextScratch scratch;
  for (SetCursor cursor(set); std::optional<packed::Element> member = cursor.next();) {
    if (scan.matches(member->as_text(scratch))) found.add(*member);
  }
  scan.cursor = 0;
  begin_reply(scan, found, reply);
  found.write(reply, found.size());
}

void cmd_sscan(Txn& txn, Args args, Reply& reply) {
  std::optional<uint64_t> cursor = CollectionScan::read_cursor(args, reply);
  if (!cursor) return;
  std::optional<Record*> record = find_set(txn, args[1], Lookup::kRead, reply);
  if (!record) return;
  if (!*record) return reply_empty_scan(reply);
  std::optional<CollectionScan> scan = CollectionScan::parse(args, *cursor, false, reply);
  if (!scan) return;
  SetReader const set((*record)->view());
  if (!set.members()) return scan_all(set, *scan, reply);
  if (scan->count > kSetMembersUnderLockMax) {
    return reply.follow(std::make_unique<LongScan>(txn.copy_value(*record), *scan));
  }
  MemberList found;
  walk(*set.members(), *scan, scan->count, found);
  begin_reply(*scan, found, reply);
  found.write(reply, found.size());
}

constexpr CommandRow kSetScanRows[] = {
    {.name = "sscan", .arity = -3, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "set",
     .tips = "nondeterministic_output", .group = "set", .since = "2.8.0",
     .complexity = "O(1) for each call, O(N) for a whole iteration over N members",
     .summary = "Walks through the members of a set in small portions.",
     .syntax = "key:key cursor:integer [MATCH pattern:pattern] [COUNT count:integer]", .handler = &cmd_sscan},
};

}  // namespace

CommandRows set_scan_commands() { return kSetScanRows; }

}  // namespace holdfast
