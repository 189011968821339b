#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "keyspace/txn.h"
#include "resp/reply.h"
#include "values/set_value.h"
#include "values/zset_value.h"

namespace holdfast {

/// An input of ZUNION and its relatives, read where it lies: a sorted set, a set (each member has the score 1), or nothing.
/// Valid until the key changes.
class ZsetInput {
 public:
  /// On a value of another type replies so, and is nothing.
  static std::optional<ZsetInput> find(Txn& txn, std::string_view key, Reply& reply);

  uint64_t size() const {
    if (auto const* zset = std::get_if<ZsetReader>(&reader_)) return zset->size();
    auto const* set = std::get_if<SetReader>(&reader_);
    return set ? set->size() : 0;
  }
  /// The score of a member that is there.
  std::optional<double> score(std::string_view member) const {
    if (auto const* zset = std::get_if<ZsetReader>(&reader_)) return zset->score(member);
    auto const* set = std::get_if<SetReader>(&reader_);
    return set && set->contains(member) ? std::optional(kSetScore) : std::nullopt;
  }
  /// Calls `visit(packed::Element const& member, double score) -> bool go_on` for each member.
  template <class Visit>
  void for_each(Visit&& visit) const {
    if (auto const* set = std::get_if<SetReader>(&reader_)) {
      SetCursor cursor(*set);
      while (std::optional<packed::Element> const member = cursor.next()) {
        if (!visit(*member, kSetScore)) return;
      }
    } else if (auto const* zset = std::get_if<ZsetReader>(&reader_)) {
      ZsetCursor at = zset->at(0);
      for (uint64_t left = zset->size(); left > 0; left--, at.next()) {
        if (!visit(at.member(), at.score())) return;
      }
    }
  }

 private:
  static constexpr double kSetScore = 1;

  std::variant<std::monostate, ZsetReader, SetReader> reader_;
};

}  // namespace holdfast
