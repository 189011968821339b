#include "values/set_combination.h"

namespace holdfast {
namespace {

/// A union of more sets remembers what it has found; one of fewer probes the sets that it has walked through.
constexpr size_t kProbedOfUnionMax = 4;

}  // namespace

SetCombination::SetCombination(SetOperation operation, std::vector<SetReader> sets, KeyHasher const& hasher)
    : operation_(operation), sets_(std::move(sets)), hasher_(hasher) {
  if (sets_.empty()) return;
  auto const smaller = [](SetReader const& a, SetReader const& b) { return a.size() < b.size(); };
  auto const larger = [](SetReader const& a, SetReader const& b) { return a.size() > b.size(); };
  switch (operation) {
    case SetOperation::kIntersection:
      std::ranges::sort(sets_, smaller);
      break;
    case SetOperation::kUnion:
      std::ranges::sort(sets_, larger);
      if (sets_.size() > kProbedOfUnionMax) own_ = std::make_unique<FieldSet>(hasher);
      break;
    case SetOperation::kDifference:
      std::sort(sets_.begin() + 1, sets_.end(), larger);
      unite_subtrahends();
      break;
  }
  if (operation != SetOperation::kUnion) {
    probe_first_ = 1;
    probe_last_ = sets_.size();
  }
  cursor_.emplace(sets_[0]);
}

/// A big set less many small ones: one probe of what they are together is less than many.
void SetCombination::unite_subtrahends() {
  if (sets_.size() <= 2) return;
  uint64_t members = 0;
  for (size_t i = 1; i < sets_.size(); i++) members += sets_[i].size();
  if (members >= sets_[0].size()) return;
  own_ = std::make_unique<FieldSet>(hasher_);
  packed::TextScratch scratch;
  for (size_t i = 1; i < sets_.size(); i++) {
    for (SetCursor cursor(sets_[i]); std::optional<packed::Element> member = cursor.next();) {
      own_->add(member->as_text(scratch));
    }
  }
  sets_.erase(sets_.begin() + 1, sets_.end());
  sets_.emplace_back(*own_);
}

bool SetCombination::probes_bodies() const {
  return std::any_of(sets_.begin() + static_cast<ptrdiff_t>(probe_first_),
                     sets_.begin() + static_cast<ptrdiff_t>(probe_last_),
                     [](SetReader const& set) { return set.members() != nullptr; });
}

bool SetCombination::fill_batch() {
  batch_size_ = 0;
  if (!cursor_) return false;
  while (true) {
    while (batch_size_ < kBatch) {
      std::optional<packed::Element> member = cursor_->next();
      if (!member) break;
      Candidate& candidate = batch_[batch_size_++];
      candidate.element = *member;
      candidate.needle.emplace(*member);
    }
    if (batch_size_ > 0) break;
    if (operation_ != SetOperation::kUnion || walked_ + 1 == sets_.size()) return false;
    cursor_.emplace(sets_[++walked_]);
    if (!own_) probe_last_ = walked_;
  }
  if (probes_bodies()) prefetch();
  return true;
}

void SetCombination::prefetch() {
  for (size_t i = 0; i < batch_size_; i++) {
    SetNeedle& needle = *batch_[i].needle;
    needle.set_hash(hasher_(needle.text()));
    for (size_t probe = probe_first_; probe < probe_last_; probe++) {
      if (FieldSet const* members = sets_[probe].members()) members->prefetch(needle.hash());
    }
  }
}

bool SetCombination::wanted(SetNeedle const& member) {
  if (operation_ == SetOperation::kUnion && own_) return own_->add(member.text());
  bool const expected = operation_ == SetOperation::kIntersection;
  for (size_t probe = probe_first_; probe < probe_last_; probe++) {
    if (sets_[probe].contains(member) != expected) return false;
  }
  return true;
}

}  // namespace holdfast
