#pragma once

#include <optional>
#include <string_view>

#include "command/args.h"
#include "keyspace/txn.h"
#include "resp/reply.h"
#include "values/zset_value.h"

namespace holdfast {

// What the commands of sorted sets share.

/// The sorted set of a key while a command works on it.
class Zset {
 public:
  /// Finds it. On a value of another type replies so, and is nothing.
  static std::optional<Zset> find(Txn& txn, std::string_view key, Lookup lookup, Reply& reply);

  bool exists() const { return record_ != nullptr; }
  Record* record() const { return record_; }
  /// Precondition: exists.
  ZsetReader reader() const { return ZsetReader(record_->view()); }

  /// Opens it for change; see Txn::edit.
  ValueEdit edit() { return txn_->edit(key_, record_, ValueType::kZset); }
  /// Writes the edit back; see Txn::finish_edit.
  void finish(ValueEdit& edit, bool empty, uint64_t changes, std::string_view event) {
    txn_->finish_edit(key_, edit, empty, changes, event);
  }
  void finish(ValueEdit& edit, uint64_t changes, std::string_view event) {
    finish(edit, ZsetReader(edit.view()).size() == 0, changes, event);
  }

 private:
  Zset(Txn& txn, std::string_view key, Record* record) : txn_(&txn), key_(key), record_(record) {}

  Txn* txn_;
  std::string_view key_;
  Record* record_;
};

inline constexpr std::string_view kRangeNotFloat = "min or max is not a float";
inline constexpr std::string_view kRangeNotLex = "min or max not valid string range item";

/// An end of ZRANGEBYSCORE. Takes what strtod takes, so blanks in front, too large numbers, and nothing as 0.
std::optional<ScoreBound> parse_score_bound(std::string_view text);
/// An end of ZRANGEBYLEX; points at `text`.
std::optional<LexBound> parse_lex_bound(std::string_view text);

/// A range as ZCOUNT or ZLEXCOUNT says it in args[index] and args[index + 1]. On failure replies why.
struct ScoreRange {
  ScoreBound min;
  ScoreBound max;
  static std::optional<ScoreRange> parse(Args args, size_t min_index, size_t max_index, Reply& reply);
};
struct LexRange {
  LexBound min;
  LexBound max;
  static std::optional<LexRange> parse(Args args, size_t min_index, size_t max_index, Reply& reply);
};
/// Ranks first..last of `size`, negative ones counted from the end; empty when there are none.
RankRange rank_range(int64_t first, int64_t last, uint64_t size);

}  // namespace holdfast
