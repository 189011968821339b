#include "structures/score_tree.h"

#include <cmath>
#include <limits>
#include <tuple>

namespace holdfast {
namespace {

/// Bytes of entries for which a leaf is made that begins with one.
constexpr size_t kFirstContentBytes = 512 - sizeof(ScoreLeaf);

bool is_at(ScoreTree::Tree::Cursor const& at, ScoreKey const& key) {
  if (!at) return false;
  ScoreLeaf const& leaf = at.leaf();
  return leaf.score(at.slot()) == key.score && leaf.member(at.slot()) == key.member;
}

bool is_before(ScoreKey const& a, ScoreKey const& b) {
  return a.score < b.score || (a.score == b.score && a.member < b.member);
}

int64_t difference(size_t after, size_t before) { return static_cast<int64_t>(after) - static_cast<int64_t>(before); }

}  // namespace

/// As Tree::own; a copy is noted.
ScoreLeaf* ScoreTree::own(Tree::Cursor& at) {
  ScoreLeaf const* const shared = &at.leaf();
  ScoreLeaf* const leaf = tree_.own(at);
  if (touched_ && leaf != shared) [[unlikely]]
    touched_.note({leaf->score(0), std::string(leaf->member(0))}, ScorePolicy::bytes(*leaf));
  return leaf;
}

bool ScoreTree::insert(double score, std::string_view member) {
  ScoreKey const key{score, member};
  Tree::Cursor at = tree_.seek(key);
  return insert_at(at, key);
}

bool ScoreTree::append(double score, std::string_view member) {
  ScoreKey const key{score, member};
  if (!tree_.empty()) {
    Tree::Cursor at = tree_.last();
    ScoreLeaf const& leaf = at.leaf();
    if (!is_before({leaf.score(at.slot()), leaf.member(at.slot())}, key)) return insert(score, member);
    at.set_slot(at.slot() + 1);
    return insert_at(at, key);
  }
  Tree::Cursor at;
  return insert_at(at, key);
}

bool ScoreTree::insert_at(Tree::Cursor& at, ScoreKey const& key) {
  if (!at.has_leaf()) {
    tree_.start(ScorePolicy::insert(ScorePolicy::make(kFirstContentBytes), 0, key, false));
    return true;
  }
  if (is_at(at, key)) return false;
  ScoreLeaf* leaf = own(at);
  size_t const slot = at.slot();
  size_t const bytes = ScorePolicy::bytes(*leaf);
  bool const at_right_edge = slot == leaf->entries && at.in_last_leaf();
  if (ScoreLeaf* changed = ScorePolicy::insert(leaf, slot, key, at_right_edge)) {
    tree_.changed(at, changed, 1, difference(ScorePolicy::bytes(*changed), bytes));
    return true;
  }
  // Full. At the edges of the tree the full leaf stays as it is: sorted input makes full leaves.
  bool const at_left_edge = slot == 0 && at.in_first_leaf();
  uint16_t const entries = leaf->entries;
  ScoreLeaf* left = leaf;
  ScoreLeaf* right = nullptr;
  if (at_right_edge || at_left_edge) {
    ScoreLeaf* fresh = ScorePolicy::insert(ScorePolicy::make(kFirstContentBytes), 0, key, false);
    left = at_right_edge ? leaf : fresh;
    right = at_right_edge ? fresh : leaf;
  } else {
    std::tie(left, right) = ScorePolicy::split_and_insert(leaf, slot, key);
  }
  tree_.changed(at, left, int64_t{left->entries} - entries, difference(ScorePolicy::bytes(*left), bytes));
  tree_.insert_after(at, right);
  return true;
}

bool ScoreTree::erase(double score, std::string_view member) {
  Cursor const at = find(score, member);
  if (!at) return false;
  erase(at);
  return true;
}

void ScoreTree::erase(Cursor const& place) {
  Tree::Cursor at = place.at_;
  ScoreLeaf* leaf = own(at);
  if (leaf->entries == 1) return tree_.remove_leaf(at);
  size_t const bytes = ScorePolicy::bytes(*leaf);
  leaf = ScorePolicy::erase(leaf, at.slot(), at.slot() + 1);
  tree_.changed(at, leaf, -1, difference(ScorePolicy::bytes(*leaf), bytes));
  if (ScorePolicy::sparse(*leaf)) tree_.settle(at);
}

void ScoreTree::move(Cursor const& place, std::string_view member, double to) {
  Tree::Cursor at = place.at_;
  ScoreKey const key{to, member};
  ScoreLeaf const& leaf = at.leaf();
  size_t const slot = at.slot();
  DCHECK(leaf.member(slot) == member);
  // Between its neighbours in the leaf the order stays, and so do the separators around the leaf.
  if (slot > 0 && slot + 1u < leaf.entries && is_before({leaf.score(slot - 1), leaf.member(slot - 1)}, key) &&
      is_before(key, {leaf.score(slot + 1), leaf.member(slot + 1)})) {
    own(at)->set_score(slot, to);
    return;
  }
  erase(place);
  insert(to, member);
}

bool ScoreTree::contains(double score, std::string_view member) const {
  ScoreKey const key{score, member};
  return is_at(tree_.seek(key), key);
}

ScoreTree::Cursor ScoreTree::find(double score, std::string_view member) const {
  ScoreKey const key{score, member};
  Tree::Cursor const at = tree_.seek(key);
  return is_at(at, key) ? Cursor(at) : Cursor();
}

std::optional<uint64_t> ScoreTree::rank(double score, std::string_view member) const {
  ScoreKey const key{score, member};
  Tree::Cursor const at = tree_.seek(key);
  if (!is_at(at, key)) return std::nullopt;
  return at.rank();
}

ScoreTree ScoreTree::freeze() const {
  ScoreTree frozen;
  frozen.tree_ = tree_.freeze();
  frozen.touched_ = touched_.writer();
  return frozen;
}

ScoreTree ScoreTree::freeze_for_drain(CopyBudget& budget) {
  ScoreTree frozen = freeze();
  frozen.touched_ = TouchedRef<Place>::reader(budget);
  touched_ = frozen.touched_.writer();
  return frozen;
}

bool ScoreTree::Drain::next() {
  if (left_ == 0) return next_leaf();
  left_--;
  from_ == From::kLowest ? slot_++ : slot_--;
  return true;
}

bool ScoreTree::Drain::next_leaf() {
  if (leaf_) Tree::let_go(std::exchange(leaf_, nullptr));
  while (std::optional<Place> const place = tree_.touched_.places().next()) {
    Tree::Cursor at = tree_.find(place->score, place->member).at_;
    if (!at) continue;
    leaf_ = tree_.tree_.take(at);
    break;
  }
  if (!leaf_) {
    Tree::Cursor at = from_ == From::kLowest ? tree_.tree_.first() : tree_.tree_.last();
    if (!at) return false;
    leaf_ = tree_.tree_.take(at);
  }
  left_ = leaf_->entries - 1u;
  slot_ = from_ == From::kLowest ? 0 : left_;
  return true;
}

void ScoreTree::erase_range(RankRange range) {
  if (touched_ && !range.empty()) {  // the leaves at both ends are changed, what is between goes as it is
    for (uint64_t const rank : {range.first, range.last - 1}) {
      Tree::Cursor at = tree_.at(rank);
      own(at);
    }
  }
  tree_.erase_range(range.first, range.last);
}

ScoreTree::Cursor ScoreTree::range_begin(ScoreBound bound) const {
  return bound.exclusive ? range_end(ScoreBound{bound.score}) : Cursor(tree_.lower_bound(ScoreKey{bound.score, {}}));
}

ScoreTree::Cursor ScoreTree::range_end(ScoreBound bound) const {
  if (bound.exclusive) return range_begin(ScoreBound{bound.score});
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (bound.score == kInfinity) return end();
  return Cursor(tree_.lower_bound(ScoreKey{std::nextafter(bound.score, kInfinity), {}}));
}

ScoreTree::Cursor ScoreTree::range_begin(LexBound bound) const {
  if (bound.kind == LexBound::Kind::kMin || empty()) return first();
  if (bound.kind == LexBound::Kind::kMax) return end();
  ScoreKey const key{first().score(), bound.member};
  Tree::Cursor at = tree_.lower_bound(key);
  if (bound.kind == LexBound::Kind::kExclusive && is_at(at, key)) at.next();
  return Cursor(at);
}

ScoreTree::Cursor ScoreTree::range_end(LexBound bound) const {
  if (bound.kind == LexBound::Kind::kInclusive)
    bound.kind = LexBound::Kind::kExclusive;
  else if (bound.kind == LexBound::Kind::kExclusive)
    bound.kind = LexBound::Kind::kInclusive;
  return range_begin(bound);
}

RankRange ScoreTree::range(ScoreBound min, ScoreBound max) const {
  uint64_t const from = range_begin(min).rank();
  return {from, std::max(from, range_end(max).rank())};
}

RankRange ScoreTree::range(LexBound min, LexBound max) const {
  uint64_t const from = range_begin(min).rank();
  return {from, std::max(from, range_end(max).rank())};
}

}  // namespace holdfast
