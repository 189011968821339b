#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "keyspace/txn.h"
#include "resp/reply.h"
#include "values/detached_value.h"
#include "values/set_value.h"

namespace holdfast {

/// Members that are looked at or written while the lock is held; longer work goes on with frozen copies.
inline constexpr uint64_t kSetMembersUnderLockMax = 1000;

/// How members are sent in RESP3.
enum class MembersShape : uint8_t { kSet, kArray };

inline void begin_members(Reply& reply, MembersShape shape, uint64_t count) {
  shape == MembersShape::kSet ? reply.set(count) : reply.array(count);
}

inline void reply_member(Reply& reply, packed::Element const& member) {
  member.is_integer ? reply.bulk_integer(member.integer) : reply.bulk(member.text);
}

/// The set of a key. On a value of another type replies so, and is nullopt; null: there is no key.
std::optional<Record*> find_set(Txn& txn, std::string_view key, Lookup lookup, Reply& reply);

/// All members of a set.
void reply_members(Txn& txn, Record const* record, MembersShape shape, Reply& reply);

/// Writes members that were found in frozen sets.
class MemberList {
 public:
  void add(packed::Element const& member) { members_.push_back(member); }
  size_t size() const { return members_.size(); }
  std::vector<packed::Element> const& members() const { return members_; }
  /// False: that was all.
  bool write(Reply& reply, size_t elements_max);

 private:
  std::vector<packed::Element> members_;
  size_t written_ = 0;
};

}  // namespace holdfast
