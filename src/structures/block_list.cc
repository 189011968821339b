#include "structures/block_list.h"

#include <algorithm>

namespace holdfast {
namespace {

/// Bytes of entries for which a block at an end of the list is made.
constexpr size_t kFirstContentBytes = 512 - sizeof(BlockLeaf);

bool is_big(std::string_view text) { return text.size() > kInlineElementBytesMax; }

int64_t difference(size_t after, size_t before) { return static_cast<int64_t>(after) - static_cast<int64_t>(before); }

/// A block with one entry and its free room in front of it or behind.
BlockLeaf* make_first(packed::Element const& element, size_t bytes, bool room_in_front) {
  BlockLeaf* leaf = BlockPolicy::make(std::max(kFirstContentBytes, bytes));
  size_t const begin = room_in_front ? leaf->capacity - bytes : sizeof(BlockLeaf);
  packed::write_entry(leaf->at(begin), element);
  leaf->begin = static_cast<uint16_t>(begin);
  leaf->end = static_cast<uint16_t>(begin + bytes);
  leaf->entries = 1;
  return leaf;
}

bool matches(BlockLeaf const& leaf, char const* entry, packed::Needle const& needle) {
  return leaf.big ? leaf.buffer()->view() == needle.text() : needle.matches(entry);
}

uint64_t count_matching(BlockLeaf const& leaf, packed::Needle const& needle) {
  if (leaf.big) return matches(leaf, nullptr, needle) ? 1 : 0;
  uint64_t count = 0;
  for (char const* at = leaf.first(); at != leaf.past(); at = packed::next(at)) count += needle.matches(at) ? 1 : 0;
  return count;
}

}  // namespace

// --- cursor ---

BlockList::Cursor::Cursor(Tree::Cursor const& at) : at_(at) { place(); }

void BlockList::Cursor::place() {
  if (at_ && !at_.leaf().big) entry_ = BlockPolicy::entry(at_.leaf(), at_.slot());
}

packed::Element BlockList::Cursor::element() const {
  BlockLeaf const& leaf = at_.leaf();
  if (leaf.big) return {false, 0, leaf.buffer()->view()};
  return packed::read_entry(entry_);
}

bool BlockList::Cursor::matches(packed::Needle const& needle) const {
  return holdfast::matches(at_.leaf(), entry_, needle);
}

void BlockList::Cursor::next() {
  if (at_.slot() + 1 < at_.leaf().entries) {
    at_.next();
    entry_ = packed::next(entry_);
  } else {
    next_block();
  }
}

void BlockList::Cursor::previous() {
  bool const inside = at_.slot() > 0 && at_.slot() < at_.leaf().entries;
  at_.previous();
  if (inside) {
    entry_ = packed::previous(entry_);
  } else {
    place();
  }
}

bool BlockList::Cursor::next_block() {
  if (!at_.has_leaf() || !at_.next_leaf()) return false;
  place();
  return true;
}

// --- ends ---

void BlockList::push_front(std::string_view text) { push(text, End::kFront); }
void BlockList::push_back(std::string_view text) { push(text, End::kBack); }

void BlockList::push(std::string_view text, End end) {
  bool const in_front = end == End::kFront;
  Tree::Cursor at = in_front ? tree_.first() : tree_.last();
  BlockLeaf* fresh = nullptr;
  if (is_big(text)) {
    fresh = BlockPolicy::make_big(text);
  } else {
    Element const element = Element::of(text);
    size_t const bytes = packed::entry_bytes(element);
    if (at.has_leaf() && !at.leaf().big) {
      BlockLeaf const& edge = at.leaf();
      size_t const room = in_front ? edge.front_room() : edge.back_room();
      size_t const content = edge.content_bytes() + bytes;
      // A block of full size whose room is at the other side is moved inside if that pays for many pushes.
      bool const fits =
          room >= bytes || (edge.capacity < kChunkBytesMax ? content <= BlockPolicy::kContentBytesMax
                                                           : content <= BlockPolicy::kContentBytesMax / 4 * 3);
      if (fits) {
        BlockLeaf* leaf = tree_.own(at);
        size_t const capacity = leaf->capacity;
        size_t offset = in_front ? leaf->begin : leaf->end;
        if (room < bytes) {
          leaf = BlockPolicy::splice(leaf, offset, 0, bytes);
        } else if (in_front) {
          offset -= bytes;
          leaf->begin = static_cast<uint16_t>(offset);
        } else {
          leaf->end = static_cast<uint16_t>(offset + bytes);
        }
        packed::write_entry(leaf->at(offset), element);
        leaf->entries++;
        tree_.changed(at, leaf, 1, difference(leaf->capacity, capacity));
        return;
      }
    }
    fresh = make_first(element, bytes, in_front);
  }
  if (!at.has_leaf()) return tree_.start(fresh);
  tree_.own(at);
  if (in_front) {
    tree_.insert_before(at, fresh);
  } else {
    tree_.insert_after(at, fresh);
  }
}

packed::Element BlockList::front() const {
  BlockLeaf const& leaf = tree_.first().leaf();
  return leaf.big ? Element{false, 0, leaf.buffer()->view()} : packed::read_entry(leaf.first());
}

packed::Element BlockList::back() const {
  BlockLeaf const& leaf = tree_.last().leaf();
  return leaf.big ? Element{false, 0, leaf.buffer()->view()} : packed::read_entry(packed::previous(leaf.past()));
}

void BlockList::pop_front() { pop(tree_.first()); }
void BlockList::pop_back() { pop(tree_.last()); }

void BlockList::pop(Tree::Cursor at) {
  BlockLeaf* leaf = tree_.own(at);
  if (leaf->entries == 1) return tree_.remove_leaf(at);
  size_t const capacity = leaf->capacity;
  leaf = BlockPolicy::erase(leaf, at.slot(), at.slot() + 1);
  tree_.changed(at, leaf, -1, difference(leaf->capacity, capacity));
}

// --- by position ---

/// Puts `element` in the place of the `removed` (0 or 1) entries at the own packed leaf's slot. False when the leaf is
/// full.
bool BlockList::replace(Tree::Cursor& at, uint64_t removed, Element const& element) {
  BlockLeaf* leaf = tree_.own(at);
  size_t const capacity = leaf->capacity;
  char const* entry = BlockPolicy::entry(*leaf, at.slot());
  auto offset = static_cast<size_t>(entry - leaf->at(0));
  leaf = BlockPolicy::splice(leaf, offset, removed ? packed::entry_bytes_at(entry) : 0, packed::entry_bytes(element));
  if (!leaf) return false;
  packed::write_entry(leaf->at(offset), element);
  leaf->entries = static_cast<uint16_t>(leaf->entries + 1 - removed);
  tree_.changed(at, leaf, 1 - static_cast<int64_t>(removed), difference(leaf->capacity, capacity));
  return true;
}

void BlockList::split(Tree::Cursor& at) {
  BlockLeaf const& leaf = at.leaf();
  char const* entry = leaf.first();
  uint64_t slot = 0;
  for (char const* half = entry + leaf.content_bytes() / 2; entry < half; slot++) entry = packed::next(entry);
  split_at(at, slot);
}

void BlockList::split_at(Tree::Cursor& at, uint64_t slot) {
  BlockLeaf* leaf = tree_.own(at);
  size_t const capacity = leaf->capacity;
  uint64_t const moved = leaf->entries - slot;
  auto const offset = static_cast<size_t>(BlockPolicy::entry(*leaf, slot) - leaf->at(0));
  BlockLeaf* right = BlockPolicy::split_off(leaf, offset, moved);
  leaf = BlockPolicy::shrunk(leaf);
  tree_.changed(at, leaf, -static_cast<int64_t>(moved), difference(leaf->capacity, capacity));
  tree_.insert_after(at, right);
}

void BlockList::insert(uint64_t index, std::string_view text) {
  DCHECK(index <= size());
  if (index == 0) return push(text, End::kFront);
  if (index == size()) return push(text, End::kBack);
  if (is_big(text)) return insert_big(index, text);
  Element const element = Element::of(text);
  Tree::Cursor at = tree_.at(index);
  if (at.slot() == 0) {  // between two leaves: the end of the left one, unless only the right one is packed
    Tree::Cursor left = tree_.at(index - 1);
    if (!left.leaf().big || at.leaf().big) {
      at = left;
      at.set_slot(left.slot() + 1);
    }
  }
  if (at.leaf().big) {  // between two big elements
    tree_.own(at);
    return tree_.insert_after(at, make_first(element, packed::entry_bytes(element), false));
  }
  if (replace(at, 0, element)) return;
  split(at);
  insert(index, text);
}

void BlockList::insert_big(uint64_t index, std::string_view text) {
  Tree::Cursor at = tree_.at(index);
  if (at.slot() > 0) {
    split_at(at, at.slot());
    at = tree_.at(index);
  }
  tree_.own(at);
  tree_.insert_before(at, BlockPolicy::make_big(text));
}

void BlockList::set(uint64_t index, std::string_view text) {
  DCHECK(index < size());
  Tree::Cursor at = tree_.at(index);
  if (is_big(text) || at.leaf().big) {
    erase(index);
    return insert(index, text);
  }
  Element const element = Element::of(text);
  if (replace(at, 1, element)) return;
  split(at);
  set(index, text);
}

void BlockList::trim(uint64_t first, uint64_t last) {
  DCHECK(first <= last && last <= size());
  erase_range(last, size());
  erase_range(0, first);
}

uint64_t BlockList::remove(std::string_view text, uint64_t limit, bool from_tail) {
  packed::Needle const needle(text);
  uint64_t removed = 0;
  Tree::Cursor at = from_tail ? tree_.last() : tree_.first();
  while (at && removed < limit) {
    uint64_t const matching = count_matching(at.leaf(), needle);
    if (matching == 0) {
      if (!(from_tail ? at.previous_leaf() : at.next_leaf())) break;
      continue;
    }
    uint64_t const before = at.leaf_rank();
    uint64_t const now = std::min(matching, limit - removed);
    removed += now;
    BlockLeaf* leaf = tree_.own(at);
    uint64_t const kept = leaf->entries - now;
    if (kept == 0) {
      tree_.remove_leaf(at);
    } else {
      size_t const capacity = leaf->capacity;
      BlockPolicy::remove_matching(leaf, needle, from_tail ? matching - now : 0, now);
      leaf = BlockPolicy::shrunk(leaf);
      tree_.changed(at, leaf, -static_cast<int64_t>(now), difference(leaf->capacity, capacity));
      if (BlockPolicy::sparse(*leaf)) tree_.settle(at);
    }
    if (from_tail) {
      if (before == 0) break;
      at = tree_.at(before - 1);
    } else {
      at = tree_.at(before + kept);
    }
  }
  return removed;
}

// --- whole lists ---

void BlockList::append_entries(std::string_view entries) {
  char const* from = entries.data();
  char const* const past = from + entries.size();
  while (from != past) {
    Tree::Cursor at = tree_.last();
    bool const into_last = at.has_leaf() && !at.leaf().big;
    size_t const room = BlockPolicy::kContentBytesMax - (into_last ? at.leaf().content_bytes() : 0);
    uint64_t count = 0;
    char const* to = from;
    while (to != past) {
      size_t const bytes = packed::entry_bytes_at(to);
      if (static_cast<size_t>(to - from) + bytes > room || bytes > kInlineElementBytesMax) break;
      to += bytes;
      count++;
    }
    auto const bytes = static_cast<size_t>(to - from);
    if (count == 0) {  // large, or more than the last block has room for
      packed::TextScratch scratch;
      push_back(packed::read_entry(from).as_text(scratch));
      from = packed::next(from);
      continue;
    }
    if (into_last) {
      BlockLeaf* leaf = tree_.own(at);
      size_t const capacity = leaf->capacity;
      size_t offset = leaf->end;
      leaf = BlockPolicy::splice(leaf, offset, 0, bytes);
      std::memcpy(leaf->at(offset), from, bytes);
      leaf->entries = static_cast<uint16_t>(leaf->entries + count);
      tree_.changed(at, leaf, static_cast<int64_t>(count), difference(leaf->capacity, capacity));
    } else {
      tree_.append(BlockPolicy::make_packed(from, bytes, count));
    }
    from = to;
  }
}

BlockList BlockList::freeze() const {
  BlockList frozen;
  frozen.tree_ = tree_.freeze();
  return frozen;
}

}  // namespace holdfast
