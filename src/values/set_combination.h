#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/hash.h"
#include "values/set_value.h"

namespace holdfast {

enum class SetOperation : uint8_t { kIntersection, kUnion, kDifference };

/// The members of an intersection, union or difference, found in steps without a copy of the sets. One thread; the sets
/// stay as they are meanwhile.
///
/// One set is walked and the others are probed, in batches whose memory is asked for ahead. Sets of one server share
/// their hash, and a walk goes in its order: probes of a big set go through its chunks one after the other.
class SetCombination {
 public:
  /// Sets that are not there are left out, but: an intersection with such a set, and a difference from one, are empty
  /// and have no sets at all. Of a difference the first set is the one that the others are taken from.
  SetCombination(SetOperation operation, std::vector<SetReader> sets, KeyHasher const& hasher);

  /// Walks over about `members_max` more members and calls `visit(packed::Element const&) -> bool go_on` for those that
  /// belong to the result, each once; texts lie in the sets. False: that was all, or `visit` has said so.
  template <class Visit>
  bool step(size_t members_max, Visit&& visit) {
    for (size_t looked_at = 0; looked_at < members_max; looked_at += kBatch) {
      if (!fill_batch()) return false;
      for (size_t i = 0; i < batch_size_; i++) {
        if (wanted(*batch_[i].needle) && !visit(batch_[i].element)) return false;
      }
    }
    return true;
  }

 private:
  static constexpr size_t kBatch = 16;
  struct Candidate {
    packed::Element element;
    std::optional<SetNeedle> needle;
  };

  /// The next members of the walk, with their hashes when they are of use. False: there are none.
  bool fill_batch();
  bool wanted(SetNeedle const& member);
  /// Whether the present walk probes by hash.
  bool probes_bodies() const;
  void unite_subtrahends();
  void prefetch();

  SetOperation operation_;
  std::vector<SetReader> sets_;
  KeyHasher const& hasher_;
  std::optional<SetCursor> cursor_;
  size_t walked_ = 0;       // the set that the cursor is in
  size_t probe_first_ = 0;  // sets that are probed, from here to probe_last_
  size_t probe_last_ = 0;
  std::unique_ptr<FieldSet>
      own_;  // of a union of many sets: what was found; of a difference: the union of what is taken away
  std::array<Candidate, kBatch> batch_;
  size_t batch_size_ = 0;
};

}  // namespace holdfast
