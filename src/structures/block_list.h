#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "structures/block_leaf.h"
#include "structures/counted_tree.h"
#include "structures/packed_entry.h"

namespace holdfast {

/// The body of a big list: a CountedTree, by position, of blocks of listpack entries (BlockLeaf).
///
/// Both ends: O(log n) with n in leaves, that is two or three nodes which are in the cache; no byte of another element
/// moves, since blocks keep their free room on the side that grows. Elsewhere one block of 4 KiB is edited.
/// An element of 20 bytes takes 22.4 bytes in a list that was pushed.
/// A frozen list may be read and destroyed on any thread; otherwise the owner locks.
class BlockList {
 public:
  using Tree = CountedTree<BlockPolicy>;
  using Element = packed::Element;

  /// An element, or one of the ends. Valid until the next change of its handle; so are the texts it gives.
  class Cursor {
   public:
    Cursor() = default;
    explicit operator bool() const { return static_cast<bool>(at_); }
    Element element() const;
    bool matches(packed::Needle const& needle) const;
    void next();
    void previous();
    /// Elements before this one; size() at the end.
    uint64_t index() const { return at_.rank(); }

    /// The buffer of an element that is too big for a block; null for others. The list keeps its reference.
    SharedBuffer* buffer() const { return at_.leaf().big ? at_.leaf().buffer() : nullptr; }

    /// The whole block of this element, for writing it out.
    BlockView block() const { return view_of(at_.leaf()); }
    /// To the first element of the next block; false (and the end) when there is none.
    bool next_block();

   private:
    friend class BlockList;
    explicit Cursor(Tree::Cursor const& at);
    void place();

    Tree::Cursor at_;
    char const* entry_ = nullptr;  // of this element, in a packed block
  };

  // Texts given to changes must not point into this list.

  void push_front(std::string_view text);
  void push_back(std::string_view text);
  /// Preconditions: not empty.
  Element front() const;
  Element back() const;
  void pop_front();
  void pop_back();

  /// Preconditions: index < size().
  Element at(uint64_t index) const { return cursor(index).element(); }
  void set(uint64_t index, std::string_view text);
  void erase(uint64_t index) { erase_range(index, index + 1); }
  /// Inserts so that the new element has this index. Precondition: index <= size().
  void insert(uint64_t index, std::string_view text);
  /// Removes the elements [first, last). Precondition: first <= last <= size().
  void erase_range(uint64_t first, uint64_t last) { tree_.erase_range(first, last); }
  /// Leaves only the elements [first, last).
  void trim(uint64_t first, uint64_t last);
  /// Removes up to `limit` elements with this text, from the head or from the tail. Returns how many. O(n).
  uint64_t remove(std::string_view text, uint64_t limit, bool from_tail = false);

  Cursor first() const { return Cursor(tree_.first()); }
  Cursor last() const { return Cursor(tree_.last()); }
  /// The end from size() on.
  Cursor cursor(uint64_t index) const { return Cursor(tree_.at(index)); }

  /// Calls `visit(Element, SharedBuffer*)` with `count` elements from `first` on, or as many as there are; the buffer is null
  /// unless the element has one.
  template <class Visit>
  void for_each(uint64_t first, uint64_t count, Visit&& visit) const;

  /// Loading: puts the entries of a valid listpack (without header and terminator) behind all others.
  void append_entries(std::string_view entries);

  uint64_t size() const { return tree_.size(); }
  bool empty() const { return tree_.empty(); }
  /// Another handle of the present content. O(1).
  BlockList freeze() const;
  /// Of blocks and shared buffers reachable from here.
  size_t memory_bytes() const { return tree_.memory_bytes(); }

  /// As CountedTree::relocate.
  uint64_t relocate(BlockMover& mover, uint64_t rank) { return tree_.relocate(mover, rank); }

  Tree const& tree() const { return tree_; }

 private:
  enum class End { kFront, kBack };

  void push(std::string_view text, End end);
  void pop(Tree::Cursor at);
  void insert_big(uint64_t index, std::string_view text);
  /// Splits the full own leaf of `at` in halves.
  void split(Tree::Cursor& at);
  /// Splits the own leaf of `at` so that its entries from `slot` on are a leaf of their own.
  void split_at(Tree::Cursor& at, uint64_t slot);
  bool replace(Tree::Cursor& at, uint64_t removed, Element const& element);

  Tree tree_;
};

template <class Visit>
void BlockList::for_each(uint64_t first, uint64_t count, Visit&& visit) const {
  for (Cursor at = cursor(first); at && count > 0; at.next_block()) {
    BlockLeaf const& leaf = at.at_.leaf();
    if (leaf.big) {
      visit(Element{false, 0, leaf.buffer()->view()}, leaf.buffer());
      count--;
      continue;
    }
    uint64_t const here = std::min<uint64_t>(count, leaf.entries - at.at_.slot());
    count -= here;
    char const* entry = at.entry_;
    for (uint64_t i = 0; i < here; i++, entry = packed::next(entry)) visit(packed::read_entry(entry), nullptr);
  }
}

}  // namespace holdfast
