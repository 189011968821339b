#pragma once

#include <optional>
#include <string_view>

#include "keyspace/txn.h"
#include "resp/reply.h"
#include "values/zset_value.h"

namespace holdfast {

/// An input of ZUNION and its relatives: what is under a key, read where it lies. Valid until the key changes.
class ZsetInput {
 public:
  /// On a value of a type that has no members replies so, and is nothing.
  static std::optional<ZsetInput> find(Txn& txn, std::string_view key, Reply& reply);

  /// 0 when there is no key.
  uint64_t size() const { return reader_ ? reader_->size() : 0; }
  /// The score of a member that is there.
  std::optional<double> score(std::string_view member) const {
    return reader_ ? reader_->score(member) : std::nullopt;
  }
  /// Whether both are the same key's.
  bool same_as(ZsetInput const& other) const { return record_ == other.record_; }
  /// Calls `visit(packed::Element const& member, double score) -> bool go_on` for each member.
  template <class Visit>
  void for_each(Visit&& visit) const {
    if (!reader_) return;
    uint64_t left = reader_->size();
    for (ZsetCursor at = reader_->at(0); left > 0; left--, at.next()) {
      if (!visit(at.member(), at.score())) return;
    }
  }

 private:
  Record const* record_ = nullptr;
  std::optional<ZsetReader> reader_;  // none: there is no key
};

}  // namespace holdfast
