#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "structures/packed_list.h"
#include "structures/sorted_set.h"
#include "values/body.h"
#include "values/detached_value.h"
#include "values/value_edit.h"
#include "values/value_limits.h"
#include "values/value_view.h"

namespace holdfast {

// A sorted set is a packed list (member, score, member, score, ... in order) in its record up to the limits of
// `zset-max-listpack-*`, and a SortedSet beyond. Scores are never NaN. A packed score is an integer entry where it is one
// of at most 2^62, else its text; so -0 is 0 there.

/// A sorted set that is not packed.
class ZsetBody final : public Body {
 public:
  explicit ZsetBody(KeyHasher const& hasher) : set(hasher) {}
  explicit ZsetBody(SortedSet content) : set(std::move(content)) {}

  size_t memory_bytes() const override { return sizeof(ZsetBody) + set.memory_bytes(); }
  std::unique_ptr<Body> freeze() override { return std::make_unique<ZsetBody>(set.freeze()); }
  std::unique_ptr<Body> freeze_for_save(CopyBudget* budget) override {
    return std::make_unique<ZsetBody>(budget ? set.freeze_for_drain(*budget) : set.freeze_ordered());
  }
  void prefetch(std::span<std::string_view const> elements) const override { set.prefetch(elements); }
  void relocate(BlockMover& mover) override { set.relocate(mover); }

  SortedSet set;
};

/// The score of an entry that stands in a packed sorted set.
double packed_score(char const* entry);

/// A pair of a sorted set, or a place outside. Valid until the set changes.
class ZsetCursor {
 public:
  ZsetCursor() = default;
  explicit ZsetCursor(SortedSet::Cursor const& at) : in_body_(true), tree_(at) {}
  /// `entry`: the member's.
  explicit ZsetCursor(char const* entry) : entry_(entry) {}

  double score() const { return in_body_ ? tree_.score() : packed_score(packed::next(entry_)); }
  packed::Element member() const {
    return in_body_ ? packed::Element{false, 0, tree_.member()} : packed::read_entry(entry_);
  }
  /// Precondition: there is a pair on that side. A packed set has none before its first: do not go there.
  void next() { in_body_ ? tree_.next() : static_cast<void>(entry_ = packed::next(packed::next(entry_))); }
  void previous() {
    in_body_ ? tree_.previous() : static_cast<void>(entry_ = packed::previous(packed::previous(entry_)));
  }

 private:
  friend class ZsetReader;
  bool in_body_ = false;
  char const* entry_ = nullptr;
  SortedSet::Cursor tree_;
};

/// Where a member stands.
struct ZsetPlace {
  uint64_t rank;
  double score;
};

/// Reads a sorted set in either form. Valid while the view is.
class ZsetReader {
 public:
  explicit ZsetReader(ValueView const& value)
      : set_(value.body ? &static_cast<ZsetBody const*>(value.body)->set : nullptr), packed_(value.bytes) {}

  uint64_t size() const { return set_ ? set_->size() : packed_.count() / 2; }
  std::optional<double> score(std::string_view member) const {
    if (set_) return set_->score(member);
    char const* at = packed_.find(member, 1);
    if (!at) return std::nullopt;
    return packed_score(packed::next(at));
  }
  std::optional<ZsetPlace> place(std::string_view member) const;

  /// Precondition: rank < size().
  ZsetCursor at(uint64_t rank) const {
    return set_ ? ZsetCursor(set_->ordered().at(rank)) : ZsetCursor(packed_.seek(2 * static_cast<int64_t>(rank)));
  }
  RankRange range(ScoreBound min, ScoreBound max) const;
  /// All pairs should have the same score. Where they have not, the range is what is met on a walk from the first pair
  /// (`reverse`: from the last) as long as members are inside.
  RankRange range(LexBound min, LexBound max, bool reverse = false) const;

  /// Null when the set is packed.
  SortedSet const* set() const { return set_; }
  /// Precondition: the set is packed.
  PackedListView packed() const { return packed_; }

 private:
  SortedSet const* set_;
  PackedListView packed_;  // when there is no set
};

/// Changes a sorted set that Txn::edit opened. Members that are given must not lie in it.
class ZsetEditor {
 public:
  using Put = SortedSet::Put;

  ZsetEditor(ValueEdit& edit, ValueContext const& context);

  uint64_t size() const { return ZsetReader(edit_.view()).size(); }
  bool empty() const { return size() == 0; }

  /// Gives the member the score that `decide(std::optional<double> present) -> std::optional<double>` says; without one
  /// nothing changes.
  template <class Decide>
  Put change(std::string_view member, Decide&& decide) {
    if (edit_.in_body()) return body().change(member, decide);
    char const* const at = packed().find(member, 1);
    std::optional<double> present;
    if (at) present = packed_score(packed::next(at));
    std::optional<double> const score = decide(present);
    if (!score || score == present) return Put::kSame;
    if (!at) {
      add(member, *score);
      return Put::kAdded;
    }
    move_packed(at, member, *score);
    return Put::kUpdated;
  }
  Put put(std::string_view member, double score) {
    return change(member, [score](std::optional<double>) { return std::optional(score); });
  }
  /// False when there is no such member.
  bool erase(std::string_view member);
  void erase_range(RankRange range);

 private:
  SortedSet& body() { return static_cast<ZsetBody*>(edit_.body)->set; }
  PackedListView packed() const { return PackedListView(edit_.bytes); }
  void add(std::string_view member, double score);
  void insert_packed(std::string_view member, double score);
  void move_packed(char const* at, std::string_view member, double score);
  void apply(PackedEdit const& change);
  void leave_record();

  ValueEdit& edit_;
  ValueContext context_;
};

/// The value of what was gathered in a SortedSet, in the form that Redis gives a result: packed when it keeps to the
/// limits. Precondition: not empty.
DetachedValue zset_value_of(SortedSet set, ValueLimits const& limits);

}  // namespace holdfast
