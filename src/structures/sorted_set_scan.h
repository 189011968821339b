#pragma once

#include <cstdint>
#include <vector>

#include "structures/sorted_set.h"

namespace holdfast {

// One step of ZSCAN over a SortedSet: the members whose hashes lie in an interval, so that a cursor is a place in the order
// of hashes and no member that stays is missed, whatever its score becomes meanwhile.
//
// The index knows the scores of an interval but no members; those are found in the tree, among all pairs of these scores.
// Where many members share a score that is a long way for a few of them (`cost`). Then the step is made larger (`widen`):
// to 1/256 of what it has to look at, so that a whole scan looks at each pair some hundred times and not once for every
// step of ten.
class SortedSetScan {
 public:
  static constexpr uint64_t kCursorBits = 48;
  static constexpr uint64_t kPairsPerMemberMax = 256;

  /// From `cursor` (0: the beginning; any number will do) over about `count` members, count >= 1. The set must not change
  /// as long as this is used.
  SortedSetScan(SortedSet const& set, uint64_t cursor, uint64_t count);

  /// Pairs that the walk looks at.
  uint64_t cost() const { return cost_; }
  /// Makes the interval as large as it must be for the cost. Before the walk.
  void widen();
  /// Looks at `pairs_max` more pairs: `visit(std::string_view member, double score)` sees those that belong to the step.
  /// False: that was all.
  template <class Visit>
  bool walk(uint64_t pairs_max, Visit&& visit) {
    while (run_ < runs_.size()) {
      RankRange& run = runs_[run_];
      SortedSet::Cursor at = set_->tree_.at(run.first);
      for (; !run.empty(); run.first++, at.next()) {
        if (pairs_max-- == 0) return true;
        if (is_inside(at.member())) visit(at.member(), at.score());
      }
      run_++;
    }
    return false;
  }
  /// Where the next step begins; 0: there is none.
  uint64_t cursor() const { return end_; }

 private:
  void gather(uint64_t members);
  void find_runs();
  bool is_inside(std::string_view member) const {
    uint64_t const place = (*set_->hasher_)(member) >> (64 - kCursorBits);
    return place >= begin_ && (end_ == 0 || place < end_);
  }

  SortedSet const* set_;
  uint64_t begin_;
  uint64_t end_;
  bool at_end_ = false;
  uint64_t gathered_ = 0;
  std::vector<double> scores_;  // of the members of the interval
  std::vector<RankRange> runs_;
  size_t run_ = 0;
  uint64_t cost_ = 0;
};

}  // namespace holdfast
