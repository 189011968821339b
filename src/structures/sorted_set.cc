#include "structures/sorted_set.h"

namespace holdfast {

SortedSet::Cursor SortedSet::find(uint64_t hash, std::string_view member) const {
  Cursor found;
  index_.for_each_candidate(hash, [&](double score) {
    found = tree_.find(score, member);
    return static_cast<bool>(found);
  });
  return found;
}

std::optional<double> SortedSet::score(std::string_view member) const {
  Cursor const at = find((*hasher_)(member), member);
  if (!at) return std::nullopt;
  return at.score();  // the tree's: the index takes 0 and -0 for the same
}

void SortedSet::prefetch(std::span<std::string_view const> members) const {
  index_.prefetch(members, *hasher_);
  for (std::string_view const member : members) {
    index_.for_each_candidate((*hasher_)(member), [&](double score) {
      tree_.prefetch(score, member);
      return false;
    });
  }
}

bool SortedSet::append(std::string_view member, double score) {
  uint64_t const hash = (*hasher_)(member);
  if (find(hash, member)) return false;
  index_.insert(hash, score);
  CHECK(tree_.append(score, member));
  return true;
}

bool SortedSet::erase(std::string_view member) {
  uint64_t const hash = (*hasher_)(member);
  Cursor const at = find(hash, member);
  if (!at) return false;
  CHECK(index_.erase(hash, at.score()));
  tree_.erase(at);
  return true;
}

void SortedSet::erase_range(RankRange range) {
  Cursor at = tree_.at(range.first);
  for (uint64_t left = range.size(); left > 0; left--, at.next()) {
    CHECK(index_.erase((*hasher_)(at.member()), at.score()));
  }
  tree_.erase_range(range);
}

std::optional<uint64_t> SortedSet::rank(std::string_view member) const {
  Cursor const at = find((*hasher_)(member), member);
  if (!at) return std::nullopt;
  return at.rank();
}

SortedSet SortedSet::freeze_ordered() const {
  SortedSet frozen(*hasher_);
  frozen.tree_ = tree_.freeze();
  return frozen;
}

SortedSet SortedSet::freeze_for_drain(CopyBudget& budget) {
  SortedSet frozen(*hasher_);
  frozen.tree_ = tree_.freeze_for_drain(budget);
  return frozen;
}

SortedSet SortedSet::freeze() const {
  SortedSet frozen = freeze_ordered();
  frozen.index_ = index_.freeze();
  return frozen;
}

}  // namespace holdfast
