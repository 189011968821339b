#include "commands/set_reply.h"

#include <algorithm>

#include "commands/value_reply.h"

namespace holdfast {
namespace {

/// A long set, all of it.
class WholeSet final : public ReplySource {
 public:
  explicit WholeSet(DetachedValue value) : value_(std::move(value)), cursor_(SetReader(value_.view())) {}
  bool write(Reply& reply, size_t elements_max) override {
    for (size_t i = 0; i < elements_max; i++) {
      std::optional<packed::Element> const member = cursor_.next();
      if (!member) return false;
      reply_member(reply, *member);
    }
    return true;
  }

 private:
  DetachedValue value_;
  SetCursor cursor_;
};

}  // namespace

std::optional<Record*> find_set(Txn& txn, std::string_view key, Lookup lookup, Reply& reply) {
  Record* record = txn.find(key, lookup);
  if (!is_type_or_missing(record, ValueType::kSet, reply)) return std::nullopt;
  return record;
}

void reply_members(Txn& txn, Record const* record, MembersShape shape, Reply& reply) {
  SetReader const set(record->view());
  uint64_t const size = set.size();
  begin_members(reply, shape, size);
  if (size > kSetMembersUnderLockMax) return reply.follow(std::make_unique<WholeSet>(txn.copy_value(record)));
  for (SetCursor cursor(set); std::optional<packed::Element> member = cursor.next();) reply_member(reply, *member);
}

bool MemberList::write(Reply& reply, size_t elements_max) {
  size_t const last = std::min(written_ + elements_max, members_.size());
  for (; written_ < last; written_++) reply_member(reply, members_[written_]);
  return written_ < members_.size();
}

}  // namespace holdfast
