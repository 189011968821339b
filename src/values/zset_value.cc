#include "values/zset_value.h"

#include <algorithm>
#include <cmath>

#include "base/number.h"

namespace holdfast {
namespace {

constexpr std::string_view kEmptyPacked("\x07\x00\x00\x00\x00\x00\xFF", kPackedEmptyBytes);

/// A score as an element of a packed list.
class ScoreElement {
 public:
  explicit ScoreElement(double score) : element_(of(score, text_)) {}
  ScoreElement(ScoreElement const&) = delete;
  ScoreElement& operator=(ScoreElement const&) = delete;
  packed::Element const& get() const { return element_; }

 private:
  static packed::Element of(double score, char* text) {
    constexpr double kIntegerMax = 0x1p62;
    if (std::fabs(score) <= kIntegerMax && score == std::trunc(score)) {
      return packed::Element::of_integer(static_cast<int64_t>(score));
    }
    return packed::Element::of({text, format_double(text, score)});
  }

  char text_[kDoubleTextBytesMax];
  packed::Element element_;
};

/// Whether the pair whose member is at `entry` comes before (score, member).
bool is_before(char const* entry, double score, std::string_view member) {
  double const present = packed_score(packed::next(entry));
  if (present != score) return present < score;
  packed::TextScratch scratch;
  return packed::read_entry(entry).as_text(scratch) < member;
}

bool behind_min(double score, ScoreBound min) { return min.exclusive ? score > min.score : score >= min.score; }
bool before_max(double score, ScoreBound max) { return max.exclusive ? score < max.score : score <= max.score; }

bool behind_min(std::string_view member, LexBound min) {
  switch (min.kind) {
    case LexBound::Kind::kMin: return true;
    case LexBound::Kind::kMax: return false;
    case LexBound::Kind::kInclusive: return member >= min.member;
    default: return member > min.member;
  }
}

bool before_max(std::string_view member, LexBound max) {
  switch (max.kind) {
    case LexBound::Kind::kMin: return false;
    case LexBound::Kind::kMax: return true;
    case LexBound::Kind::kInclusive: return member <= max.member;
    default: return member < max.member;
  }
}

/// Ranks of the pairs from the first one with `begins` on, for as long as `goes_on`.
template <class Begins, class GoesOn>
RankRange walk(PackedListView list, Begins&& begins, GoesOn&& goes_on) {
  RankRange range;
  char const* at = list.first();
  char const* const end = list.terminator();
  for (; at != end && !begins(at); range.first++) at = packed::next(packed::next(at));
  range.last = range.first;
  for (; at != end && goes_on(at); range.last++) at = packed::next(packed::next(at));
  return range;
}

/// The same from the last pair backwards.
template <class Begins, class GoesOn>
RankRange walk_back(PackedListView list, Begins&& begins, GoesOn&& goes_on) {
  uint64_t left = list.count() / 2;
  char const* at = list.terminator();
  auto step = [&] { return packed::previous(packed::previous(at)); };
  while (left > 0 && !begins(step())) {
    at = step();
    left--;
  }
  RankRange range{left, left};
  while (range.first > 0 && goes_on(step())) {
    at = step();
    range.first--;
  }
  return range;
}

bool crossed(LexBound min, LexBound max) {
  using Kind = LexBound::Kind;
  if (min.kind == Kind::kMin || max.kind == Kind::kMax) return min.kind == max.kind;
  if (min.kind == Kind::kMax || max.kind == Kind::kMin) return true;
  bool const exclusive = min.kind == Kind::kExclusive || max.kind == Kind::kExclusive;
  return exclusive ? min.member >= max.member : min.member > max.member;
}

}  // namespace

double packed_score(char const* entry) {
  packed::Element const element = packed::read_entry(entry);
  return element.is_integer ? static_cast<double>(element.integer) : parse_double(element.text).value_or(0);
}

// ---- reading ------------------------------------------------------------

std::optional<ZsetPlace> ZsetReader::place(std::string_view member) const {
  if (set_) {
    SortedSet::Cursor const at = set_->find(member);
    if (!at) return std::nullopt;
    return ZsetPlace{at.rank(), at.score()};
  }
  packed::Needle const needle(member);
  uint64_t rank = 0;
  for (char const* at = packed_.first(); at != packed_.terminator(); rank++) {
    char const* const score = packed::next(at);
    if (needle.matches(at)) return ZsetPlace{rank, packed_score(score)};
    at = packed::next(score);
  }
  return std::nullopt;
}

RankRange ZsetReader::range(ScoreBound min, ScoreBound max) const {
  if (set_) return set_->ordered().range(min, max);
  return walk(
      packed_, [&](char const* at) { return behind_min(packed_score(packed::next(at)), min); },
      [&](char const* at) { return before_max(packed_score(packed::next(at)), max); });
}

RankRange ZsetReader::range(LexBound min, LexBound max, bool reverse) const {
  if (crossed(min, max)) return {};
  if (set_) return set_->ordered().range(min, max);
  packed::TextScratch scratch;
  auto text = [&](char const* at) { return packed::read_entry(at).as_text(scratch); };
  auto inside_min = [&](char const* at) { return behind_min(text(at), min); };
  auto inside_max = [&](char const* at) { return before_max(text(at), max); };
  return reverse ? walk_back(packed_, inside_max, inside_min) : walk(packed_, inside_min, inside_max);
}

// ---- changing ------------------------------------------------------------

ZsetEditor::ZsetEditor(ValueEdit& edit, ValueContext const& context) : edit_(edit), context_(context) {
  if (!edit.in_body() && edit.bytes.empty()) edit.bytes = kEmptyPacked;
}

void ZsetEditor::add(std::string_view member, double score) {
  ValueLimits const& limits = context_.limits;
  bool const leaves = member.size() > limits.zset_max_listpack_value.load(std::memory_order_relaxed) ||
                      size() + 1 > limits.zset_max_listpack_entries.load(std::memory_order_relaxed) ||
                      // With limits like these a packed list could become longer than it can be.
                      packed().size_bytes() + member.size() > packed::kBytesMax / 2;
  if (!leaves) return insert_packed(member, score);
  leave_record();
  body().put(member, score);
}

void ZsetEditor::insert_packed(std::string_view member, double score) {
  ScoreElement const score_element(score);
  packed::Element const elements[] = {packed::Element::of(member), score_element.get()};
  PackedListView const list = packed();
  char const* at = list.terminator();
  if (!list.empty() && !is_before(packed::previous(list.last()), score, member)) {
    for (at = list.first(); is_before(at, score, member);) at = packed::next(packed::next(at));
  }
  apply(PackedEdit::insert(list, at, elements));
}

void ZsetEditor::move_packed(char const* at, std::string_view member, double score) {
  PackedListView const list = packed();
  char const* const score_at = packed::next(at);
  char const* const behind = packed::next(score_at);
  bool const stays = (at == list.first() || is_before(packed::previous(packed::previous(at)), score, member)) &&
                     (behind == list.terminator() || !is_before(behind, score, member));
  if (stays) {
    ScoreElement const element(score);
    return apply(PackedEdit::replace(list, score_at, 1, std::span(&element.get(), 1)));
  }
  apply(PackedEdit::erase(list, at, 2));
  insert_packed(member, score);
}

void ZsetEditor::apply(PackedEdit const& change) {
  size_t const after = change.bytes_after(packed());
  if (after > edit_.bytes.size()) edit_.bytes.resize(after);
  change.apply(edit_.bytes.data());
  edit_.bytes.resize(after);
}

bool ZsetEditor::erase(std::string_view member) {
  if (edit_.in_body()) return body().erase(member);
  char const* at = packed().find(member, 1);
  if (at) apply(PackedEdit::erase(packed(), at, 2));
  return at != nullptr;
}

void ZsetEditor::erase_range(RankRange range) {
  if (range.empty()) return;
  if (edit_.in_body()) return body().erase_range(range);
  apply(PackedEdit::erase(packed(), packed().seek(2 * static_cast<int64_t>(range.first)), 2 * range.size()));
}

void ZsetEditor::leave_record() {
  auto body = std::make_unique<ZsetBody>(context_.hasher);
  packed::TextScratch scratch;
  for (char const* at = packed().first(); at != packed().terminator();) {
    char const* const score = packed::next(at);
    CHECK(body->set.append(packed::read_entry(at).as_text(scratch), packed_score(score)));
    at = packed::next(score);
  }
  edit_.become(std::move(body));
}

// ---- results ------------------------------------------------------------

DetachedValue zset_value_of(SortedSet set, ValueLimits const& limits) {
  size_t const value_max = limits.zset_max_listpack_value.load(std::memory_order_relaxed);
  bool small = set.size() <= limits.zset_max_listpack_entries.load(std::memory_order_relaxed);
  size_t bytes = 0;
  SortedSet::Cursor at = set.ordered().first();
  for (uint64_t left = set.size(); small && left > 0; left--, at.next()) {
    bytes += at.member().size();
    small = at.member().size() <= value_max && bytes <= packed::kBytesMax / 2;
  }
  if (!small) return DetachedValue::of_body(ValueType::kZset, std::make_unique<ZsetBody>(std::move(set)));
  PackedListBuilder builder;
  at = set.ordered().first();
  for (uint64_t left = set.size(); left > 0; left--, at.next()) {
    builder.append(at.member());
    builder.append(ScoreElement(at.score()).get());
  }
  return DetachedValue::of_packed(ValueType::kZset, builder.finish());
}

}  // namespace holdfast
