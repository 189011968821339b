#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "structures/counted_tree.h"
#include "structures/score_leaf.h"
#include "structures/touched_places.h"

namespace holdfast {

/// One end of a range of scores.
struct ScoreBound {
  double score;
  bool exclusive = false;
};

/// One end of a range of members (ZRANGEBYLEX): `-`, `+`, `[member` or `(member`.
struct LexBound {
  enum class Kind { kMin, kMax, kInclusive, kExclusive };
  Kind kind;
  std::string_view member{};
};

/// Ranks [first, last), counted from 0 at the lowest score.
struct RankRange {
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t size() const { return last - first; }
  bool empty() const { return first == last; }
};

/// Pairs of score and member in the order of Redis: by score, equal scores by the bytes of the member. A member may be
/// there with several scores; SortedSet is what keeps one for each. Scores are never NaN.
///
/// A CountedTree of ScoreLeaf. Every operation on one pair is O(log n); a pair with a member of 10 bytes takes about 23
/// bytes. A frozen tree may be read and destroyed on any thread; otherwise the owner locks.
class ScoreTree {
 public:
  using Tree = CountedTree<ScorePolicy>;

  /// A pair of the tree, or one of its ends. Valid until the next change of its handle, and so are the members it
  /// gives.
  class Cursor {
   public:
    Cursor() = default;
    explicit operator bool() const { return static_cast<bool>(at_); }
    double score() const { return at_.leaf().score(at_.slot()); }
    std::string_view member() const { return at_.leaf().member(at_.slot()); }
    void next() { at_.next(); }
    void previous() { at_.previous(); }
    /// Pairs before this one; size() at the end.
    uint64_t rank() const { return at_.rank(); }

   private:
    friend class ScoreTree;
    explicit Cursor(Tree::Cursor const& at) : at_(at) {}
    Tree::Cursor at_;
  };

  // Members given to changes must not point into this tree.

  /// False when this very pair is there.
  bool insert(double score, std::string_view member);
  /// False when this very pair is not there.
  bool erase(double score, std::string_view member);
  /// Removes the pair of a cursor.
  void erase(Cursor const& at);
  /// Gives the pair at a cursor another score; as erase and insert, but cheap when the order stays.
  /// Preconditions: `member` is the member of the pair, in bytes of its own; (to, member) is not there.
  void move(Cursor const& at, std::string_view member, double to);
  bool contains(double score, std::string_view member) const;
  std::optional<uint64_t> rank(double score, std::string_view member) const;
  /// The pair, or an end when it is not there.
  Cursor find(double score, std::string_view member) const;

  /// Asks the processor for what a lookup of the pair will read last.
  void prefetch(double score, std::string_view member) const { tree_.prefetch(ScoreKey{score, member}); }

  uint64_t size() const { return tree_.size(); }
  bool empty() const { return tree_.empty(); }
  /// Another handle of the present content. O(1).
  ScoreTree freeze() const;
  /// The same, to be emptied by a Drain; until that has ended this handle notes what it copies. O(1).
  ScoreTree freeze_for_drain(CopyBudget& budget);
  /// Made so.
  bool drains() const { return touched_.reads(); }
  /// Of blocks and shared buffers reachable from here.
  size_t memory_bytes() const { return tree_.memory_bytes(); }

  Cursor first() const { return Cursor(tree_.first()); }
  Cursor last() const { return Cursor(tree_.last()); }
  Cursor end() const { return Cursor(tree_.end()); }
  /// The end from size() on.
  Cursor at(uint64_t rank) const { return Cursor(tree_.at(rank)); }

  /// First pair inside a range that begins with `bound`; the end when there is none.
  Cursor range_begin(ScoreBound bound) const;
  /// First pair behind a range that ends with `bound`.
  Cursor range_end(ScoreBound bound) const;
  /// The same by member. All pairs have one score (otherwise the answer is of the lowest score, as good as any).
  Cursor range_begin(LexBound bound) const;
  Cursor range_end(LexBound bound) const;
  /// Ranks between two ends; empty when they cross.
  RankRange range(ScoreBound min, ScoreBound max) const;
  RankRange range(LexBound min, LexBound max) const;

  /// Removes by rank; O(log n) and the chunks that go. Precondition: first <= last <= size().
  void erase_range(RankRange range);

  /// For loading: puts a pair behind all others if it belongs there; otherwise the same as insert.
  bool append(double score, std::string_view member);

  /// As CountedTree::relocate.
  uint64_t relocate(BlockMover& mover, uint64_t rank) { return tree_.relocate(mover, rank); }

  Tree const& tree() const { return tree_; }

  /// Gives all pairs, each once, and lets go of the memory of a handle on the way, leaf by leaf: those that writers have copied
  /// come first, the others in one direction. The handle may be given up at any time. Thread rule: that of the handle.
  class Drain {
   public:
    enum class From { kLowest, kHighest };
    /// Precondition: tree.drains().
    Drain(ScoreTree& tree, From from) : tree_(tree), from_(from) { tree.touched_.places().begin(); }
    Drain(Drain const&) = delete;
    Drain& operator=(Drain const&) = delete;
    ~Drain() {
      if (leaf_) Tree::let_go(leaf_);
    }
    /// The next pair. False after the last.
    bool next();
    double score() const { return leaf_->score(slot_); }
    /// Valid until the next call of `next`.
    std::string_view member() const { return leaf_->member(slot_); }

   private:
    bool next_leaf();

    ScoreTree& tree_;
    From from_;
    ScoreLeaf* leaf_ = nullptr;
    size_t slot_ = 0;
    size_t left_ = 0;  // pairs of the leaf behind this one
  };

 private:
  /// The first pair of a leaf that was copied.
  struct Place {
    double score;
    std::string member;
  };

  ScoreLeaf* own(Tree::Cursor& at);
  bool insert_at(Tree::Cursor& at, ScoreKey const& key);

  Tree tree_;
  TouchedRef<Place> touched_;
};

}  // namespace holdfast
