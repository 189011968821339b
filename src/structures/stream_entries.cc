#include "structures/stream_entries.h"

namespace holdfast {
namespace {

using Policy = StreamLeafPolicy;

int64_t difference(size_t after, size_t before) { return static_cast<int64_t>(after) - static_cast<int64_t>(before); }

}  // namespace

StreamEntries::Cursor::Cursor(StreamEntries const* entries, Tree::Cursor const& at) : entries_(entries), at_(at) {
  if (!at_) {
    at_end_ = true;
    return;
  }
  reader_ = StreamLeafReader(at_.leaf());
  for (uint64_t i = 0; i < at_.slot(); i++) reader_.skip();
  take();
}

void StreamEntries::Cursor::take() {
  if (reader_.at_end()) {
    if (!at_.next_leaf()) {
      at_end_ = true;
      return;
    }
    reader_ = StreamLeafReader(at_.leaf());
  }
  entry_ = reader_.next();
}

void StreamEntries::Cursor::seek_forward(StreamId id) {
  if (at_end_ || !(entry_.id() < id)) return;
  if (at_.leaf().tail < id) {
    *this = entries_->lower_bound(id);
    return;
  }
  while (entry_.id() < id) next();
}

StreamEntries::Backward::Backward(StreamEntries const& entries, StreamId from) {
  if (entries.empty()) return;
  std::optional<StreamId> const behind = from.next();
  at_ = behind ? entries.tree_.seek(*behind) : entries.tree_.end();
  left_ = at_.slot();
  if (left_ == 0 && at_.previous_leaf()) left_ = at_.leaf().entries;
  if (left_ != 0 && left_ != at_.leaf().entries) find_places();
}

void StreamEntries::Backward::find_places() {
  places_.reserve(left_);
  StreamLeafReader reader(at_.leaf());
  for (uint64_t i = 0; i < left_; i++) {
    places_.push_back({static_cast<uint32_t>(reader.offset()), reader.before()});
    reader.skip();
  }
}

StreamEntry StreamEntries::Backward::entry() const {
  if (places_.empty()) return StreamLeafReader::tail(at_.leaf());
  return StreamLeafReader(at_.leaf(), places_.back().offset, places_.back().before).next();
}

void StreamEntries::Backward::next() {
  left_--;
  if (left_ == 0) {
    places_.clear();
    if (at_.previous_leaf()) left_ = at_.leaf().entries;
  } else if (places_.empty()) {
    find_places();
  } else {
    places_.pop_back();
  }
}

StreamEntries StreamEntries::freeze() const {
  StreamEntries frozen;
  frozen.tree_ = tree_.freeze();
  return frozen;
}

void StreamEntries::append(StreamId id, std::span<std::string_view const> pairs, StreamNodeLimits const& limits) {
  if (tree_.empty()) {
    tree_.start(Policy::append(Policy::make(id, pairs, 2), id, pairs));
    return;
  }
  uint64_t text_bytes = 0;
  for (std::string_view const text : pairs) text_bytes += text.size();
  Tree::Cursor at = tree_.last();
  DCHECK(at.leaf().last < id);
  StreamLeaf* leaf = tree_.own(at);
  size_t const bytes = Policy::bytes(*leaf);
  if (!Policy::full(*leaf, text_bytes, limits)) {
    leaf = Policy::append(leaf, id, pairs);
    tree_.changed(at, leaf, 1, difference(Policy::bytes(*leaf), bytes));
    return;
  }
  leaf = Policy::trimmed(leaf);
  tree_.changed(at, leaf, 0, difference(Policy::bytes(*leaf), bytes));
  tree_.insert_after(at, Policy::append(Policy::make(id, pairs, 2), id, pairs));
}

bool StreamEntries::erase(StreamId id) {
  Tree::Cursor at = tree_.seek(id);
  if (!at) return false;
  StreamLeafReader reader(at.leaf());
  for (uint64_t i = 0; i < at.slot(); i++) reader.skip();
  if (reader.peek_id() != id) return false;
  StreamLeaf* leaf = tree_.own(at);
  if (leaf->entries == 1) {
    tree_.remove_leaf(at);
    return true;
  }
  size_t const bytes = Policy::bytes(*leaf);
  leaf = Policy::erase(leaf, at.slot(), at.slot() + 1);
  tree_.changed(at, leaf, -1, difference(Policy::bytes(*leaf), bytes));
  return true;
}

uint64_t StreamEntries::count_of(StreamTrim const& trim) const {
  bool const by_length = trim.by == StreamTrim::By::kLength;
  if (!trim.approximate) {
    if (!by_length) return rank(trim.min_id);
    return size() > trim.entries_max ? size() - trim.entries_max : 0;
  }
  uint64_t count = 0;
  for (Tree::Cursor at = tree_.first(); at; at.next_leaf()) {
    uint64_t const left = size() - count;
    uint64_t const entries = at.leaf().entries;
    if (by_length && left <= trim.entries_max) break;
    if (trim.removed_max != 0 && count + entries > trim.removed_max) break;
    if (by_length ? left - entries < trim.entries_max : at.leaf().last >= trim.min_id) break;
    count += entries;
  }
  return count;
}

bool StreamEntries::contains(StreamId id) const {
  Cursor const at = lower_bound(id);
  return at && at.id() == id;
}

StreamId StreamEntries::first_id() const {
  return empty() ? StreamId() : StreamLeafReader(tree_.first().leaf()).peek_id();
}

StreamId StreamEntries::last_id() const { return empty() ? StreamId() : tree_.last().leaf().tail; }

uint64_t StreamEntries::rank(StreamId id) const { return empty() ? 0 : tree_.seek(id).rank(); }

}  // namespace holdfast
