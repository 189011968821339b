#pragma once

#include "commands/zset_access.h"

namespace holdfast {

/// Pairs that are written while the lock is held; longer replies follow from a frozen copy.
inline constexpr uint64_t kReplyPairsMax = 1000;

/// How pairs are sent.
enum class ZsetShape : uint8_t {
  kMembers,  ///< an array of members
  kScores,   ///< with scores: in RESP3 an array of pairs, in RESP2 a flat array
  kFlat,     ///< with scores: always a flat array
  kPairs,    ///< with scores: always an array of pairs
};

/// `count` pairs from the one with rank `first` on, upwards or downwards.
struct ZsetSlice {
  uint64_t first = 0;
  uint64_t count = 0;
  bool reverse = false;

  static ZsetSlice of(RankRange ranks, bool reverse) {
    return {ranks.empty() ? 0 : reverse ? ranks.last - 1 : ranks.first, ranks.size(), reverse};
  }
};

/// Begins a reply of so many pairs.
void begin_pairs(Reply& reply, ZsetShape shape, uint64_t pairs);
void reply_pair(Reply& reply, ZsetShape shape, packed::Element const& member, double score);

/// The slice of a set that exists.
void reply_slice(Txn& txn, Zset const& zset, ZsetSlice slice, ZsetShape shape, Reply& reply);
/// The slice of a value that is nobody else's.
void reply_slice(DetachedValue value, ZsetSlice slice, ZsetShape shape, Reply& reply);

inline void reply_element(Reply& reply, packed::Element const& element) {
  element.is_integer ? reply.bulk_integer(element.integer) : reply.bulk(element.text);
}

}  // namespace holdfast
