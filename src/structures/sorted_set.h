#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/check.h"
#include "base/hash.h"
#include "structures/score_index.h"
#include "structures/score_tree.h"

namespace holdfast {

/// The body of a big sorted set: each member once, with its score.
///
///   ScoreTree   (score, member) in order: ranges and ranks; the only place where members are stored
///   ScoreIndex  hash of the member -> score: a lookup takes the candidates' scores and asks the tree for (score,
///   member)
///
/// 38 bytes or so for a member of 10 bytes. The score of a member is one probe of the index and one descent of the
/// tree. A frozen set may be read and destroyed on any thread; otherwise the owner locks. The hasher outlives all
/// handles.
class SortedSet {
 public:
  using Cursor = ScoreTree::Cursor;
  enum class Put { kAdded, kUpdated, kSame };

  explicit SortedSet(KeyHasher const& hasher) : hasher_(&hasher) {}

  std::optional<double> score(std::string_view member) const;
  bool contains(std::string_view member) const { return score(member).has_value(); }
  // Members given to changes must not point into this set.

  /// Gives the member this score, which is not NaN. kSame: it had it (0 and -0 are the same, the old one stays).
  Put put(std::string_view member, double score) {
    return change(member, [score](std::optional<double>) { return std::optional(score); });
  }
  /// As put, with the score that `decide(std::optional<double> present) -> std::optional<double>` says; without one nothing
  /// changes (kSame).
  template <class Decide>
  Put change(std::string_view member, Decide&& decide) {
    uint64_t const hash = (*hasher_)(member);
    Cursor const at = find(hash, member);
    if (!at) {
      std::optional<double> const score = decide(std::optional<double>());
      if (!score) return Put::kSame;
      index_.insert(hash, *score);
      CHECK(tree_.insert(*score, member));
      return Put::kAdded;
    }
    double const present = at.score();
    std::optional<double> const score = decide(std::optional(present));
    if (!score || *score == present) return Put::kSame;
    CHECK(index_.update(hash, present, *score));
    tree_.move(at, member, *score);
    return Put::kUpdated;
  }
  /// False when there is no such member.
  bool erase(std::string_view member);
  /// Removes by rank, as ScoreTree::range gives it. O(number removed).
  void erase_range(RankRange range);

  /// The member's pair, or an end.
  Cursor find(std::string_view member) const { return find((*hasher_)(member), member); }
  /// Members before this one in the order of scores.
  std::optional<uint64_t> rank(std::string_view member) const;

  /// Ranges, ranks and iteration.
  ScoreTree const& ordered() const { return tree_; }
  /// Asks the processor for what lookups of these members will read.
  void prefetch(std::span<std::string_view const> members) const;

  uint64_t size() const { return tree_.size(); }
  bool empty() const { return tree_.empty(); }
  /// Another handle of the present content. O(1) and the index's freeze.
  SortedSet freeze() const;
  /// One of which only `ordered`, `size` and `memory_bytes` may be asked: the index is not shared, so that no writer has to copy
  /// it. O(1).
  SortedSet freeze_ordered() const;
  /// The same for `drain`. O(1).
  SortedSet freeze_for_drain(CopyBudget& budget);
  /// Made so: only `size` and `memory_bytes` may be asked; the pairs come by a Drain.
  bool drains() const { return tree_.drains(); }
  ScoreTree::Drain drain(ScoreTree::Drain::From from) { return ScoreTree::Drain(tree_, from); }
  /// Of everything reachable from here, without the handle itself.
  size_t memory_bytes() const { return tree_.memory_bytes() + index_.memory_bytes(); }

  /// Moves blocks from where the mover stands: part 0 is the tree, by rank, part 1 the index, by hash.
  void relocate(BlockMover& mover) {
    if (mover.part == 0) {
      mover.position = tree_.relocate(mover, mover.position);
      if (mover.position < tree_.size()) return;
      mover.part = 1;
      mover.position = 0;
      return;
    }
    mover.position = index_.relocate(mover, mover.position);
    mover.complete = mover.position == 0;
  }

  /// For loading: as put of a member that is not there yet, faster when members come in order of score.
  /// False, and nothing is changed, when the member is there.
  bool append(std::string_view member, double score);

 private:
  friend class SortedSetScan;
  /// The member's pair, or an end.
  Cursor find(uint64_t hash, std::string_view member) const;

  KeyHasher const* hasher_;
  ScoreTree tree_;
  ScoreIndex index_;
};

}  // namespace holdfast
