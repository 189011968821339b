#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/check.h"
#include "memory/block_mover.h"
#include "structures/chunk.h"
#include "structures/counted_node.h"

namespace holdfast {

// The tree of every ordered value: a persistent B+ tree that counts. Sorted sets, big lists, streams and pending
// lists are policies of it.
//
//   handle: root, levels, size
//     |-> inner node (counted_node.h): up to 63 x { child | elements below | separator }, bytes of the whole subtree
//           |-> ... |-> leaf: a chunk of packed elements, the policy's own
//
// * Separator of child i > 0: over every element of child i - 1, not over any of child i. It has a head of fixed size
//   (a score, a stream id), searched without branches, and maybe a tail that is looked at when heads are equal (the
//   first bytes of a member). A tail that was cut too short to decide stands for the least element below its child:
//   the search then reads that leaf. A tree without keys (a list) has no separators and is sought by rank only.
// * Persistent by path copying: freeze() is one more reference of the root. own() walks a path from the root and
//   copies each chunk that has more than one reference; a copied node takes references of its children. What a frozen
//   handle reaches never changes.
// * All leaves are equally deep. There is no lower bound of occupancy: an empty leaf goes, small neighbours under one
//   parent are joined when one of them was changed. Nodes split in halves, but one filled from its edge stays full.
// * Bytes of a subtree are kept in its root, so memory_bytes() and dropping a shared subtree cost nothing.
//
// Cost: 56 bytes of node for a leaf of a sorted set, 16 for one of a list. A million members: 3 levels of nodes.
//
// Thread rule: none of its own. A frozen handle may be read and destroyed on any thread while the other is written.
//
// Policy (all static):
//   struct Leaf : ChunkHeader                          never empty inside the tree
//   uint64_t count(Leaf const&)                        elements
//   size_t bytes(Leaf const&)                          its block and what the leaf points to
//   Leaf* copy(Leaf const&)                            same content and bytes(), one reference
//   void destroy(Leaf*)                                frees a leaf without references, drops what it points to
//   Leaf* joined(Leaf const&, Leaf const&)             a fresh leaf with the content of both, or null: too much for one
//   Leaf* erase(Leaf*, uint64_t first, uint64_t last)  removes [first, last) of an own leaf, not all; may move it
// and with kKeyed = true:
//   Key, Head (ordered by <), Tail (may be empty)
//   Head head(Key const&)
//   void separate(Leaf const& left, Leaf const& right, Head&, Tail&)
//   uint64_t lower_bound(Leaf const&, Key const&, uint64_t guess)   first element not less than the key
//   int compare_tail(Key const&, Tail const&)          -1, 0, 1 for equal heads; kCutTail when the tail cannot tell
//   int compare_first(Key const&, Leaf const&)         with the first element of the leaf
//   uint64_t approach(Leaf const*, uint64_t count, Key const&, Head const* low, Head const* high)
//                                                      optional: guesses the element's place by the separators around
//                                                      the leaf (or null), and asks the processor for the parts of the
//                                                      leaf that the search will read

/// What compare_tail answers when the tail was cut before it could tell.
inline constexpr int kCutTail = 2;

template <class Policy>
class CountedTree {
 public:
  using Leaf = typename Policy::Leaf;
  static constexpr uint32_t kFanoutMax = CountedNode<typename Policy::Head, typename Policy::Tail>::kFanoutMax;
  static constexpr int kLevelsMax = 12;

 private:
  using Head = typename Policy::Head;
  using Tail = typename Policy::Tail;
  using Inner = CountedNode<Head, Tail>;
  static_assert(sizeof(Inner) + kFanoutMax * Inner::kSlotBytes <= kChunkBytesMax);
  /// Nodes whose children fit together in so many slots are joined.
  static constexpr uint32_t kJoinedFanoutMax = 47;
  /// Slots of a node that starts with few children.
  static constexpr uint32_t kFirstSlots = 7;
  /// A node with fewer children looks for a neighbour to join.
  static constexpr uint32_t kSparseFanout = 16;

  static constexpr bool kApproaches = requires { &Policy::approach; };

  struct Step {
    Inner* node;
    uint32_t index;
  };

 public:
  /// A place in a tree: an element, or one of the two ends. Valid until the next change of its handle.
  class Cursor {
   public:
    Cursor() = default;
    Cursor(Cursor const& other) { *this = other; }
    Cursor& operator=(Cursor const& other) {  // most of the steps are not set
      leaf_ = other.leaf_;
      slot_ = other.slot_;
      levels_ = other.levels_;
      std::copy_n(other.steps_.begin(), levels_, steps_.begin());
      return *this;
    }
    /// False at both ends.
    explicit operator bool() const { return leaf_ != nullptr && slot_ < Policy::count(*leaf_); }
    /// Precondition: not before the first element, not of an empty tree.
    Leaf const& leaf() const { return *leaf_; }
    bool has_leaf() const { return leaf_ != nullptr; }
    /// Of the element in its leaf.
    uint64_t slot() const { return slot_; }
    void set_slot(uint64_t slot) { slot_ = slot; }

    void next() {
      if (++slot_ >= Policy::count(*leaf_)) next_leaf();
    }
    void previous() {
      if (slot_ > 0) {
        slot_--;
      } else if (previous_leaf()) {
        slot_ = Policy::count(*leaf_) - 1;
      } else {
        leaf_ = nullptr;
      }
    }
    /// To the first element of the next leaf; false (and the end) when this is the last leaf.
    bool next_leaf() {
      for (int level = levels_ - 1; level >= 0; level--) {
        Step& step = steps_[static_cast<size_t>(level)];
        if (step.index + 1u >= step.node->fanout) continue;
        step.index++;
        descend_edge(level + 1, step.node->children()[step.index], false);
        slot_ = 0;
        return true;
      }
      slot_ = leaf_ ? Policy::count(*leaf_) : 0;
      return false;
    }
    /// To the first element of the leaf before; false when this is the first leaf.
    bool previous_leaf() {
      for (int level = levels_ - 1; level >= 0; level--) {
        Step& step = steps_[static_cast<size_t>(level)];
        if (step.index == 0) continue;
        step.index--;
        descend_edge(level + 1, step.node->children()[step.index], true);
        slot_ = 0;
        return true;
      }
      return false;
    }
    /// Elements before this place. Not for the place before the first element.
    uint64_t rank() const { return leaf_rank() + slot_; }
    /// Elements before the leaf.
    uint64_t leaf_rank() const {
      uint64_t before = 0;
      for (int level = 0; level < levels_; level++) {
        Step const& step = steps_[static_cast<size_t>(level)];
        uint64_t const* counts = step.node->counts();
        for (uint32_t i = 0; i < step.index; i++) before += counts[i];
      }
      return before;
    }
    /// Whether no leaf is before this one.
    bool in_first_leaf() const {
      return std::all_of(steps_.begin(), steps_.begin() + levels_, [](Step const& step) { return step.index == 0; });
    }
    /// Whether no leaf follows this one.
    bool in_last_leaf() const {
      return std::all_of(steps_.begin(), steps_.begin() + levels_,
                         [](Step const& step) { return step.index + 1u == step.node->fanout; });
    }

   private:
    friend class CountedTree;

    /// Fills the steps from `level` on, along the left or right edge of the subtree `chunk`.
    void descend_edge(int level, ChunkHeader* chunk, bool right) {
      for (; level < levels_; level++) {
        auto* node = static_cast<Inner*>(chunk);
        uint32_t const index = right ? node->fanout - 1u : 0;
        steps_[static_cast<size_t>(level)] = {node, index};
        chunk = node->children()[index];
      }
      leaf_ = static_cast<Leaf*>(chunk);
    }
    Leaf* leaf_ = nullptr;
    uint64_t slot_ = 0;
    int levels_ = 0;
    std::array<Step, kLevelsMax> steps_;  // from the root down; the first levels_ are set
  };

  CountedTree() = default;
  CountedTree(CountedTree&& other) noexcept
      : root_(std::exchange(other.root_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        levels_(std::exchange(other.levels_, 0)) {}
  CountedTree& operator=(CountedTree&& other) noexcept {
    std::swap(root_, other.root_);
    std::swap(size_, other.size_);
    std::swap(levels_, other.levels_);
    return *this;
  }
  ~CountedTree() {
    if (root_) drop(root_, levels_);
  }

  /// Another handle of the present content. O(1).
  CountedTree freeze() const {
    CountedTree frozen;
    if (root_) root_->add_ref();
    frozen.root_ = root_;
    frozen.size_ = size_;
    frozen.levels_ = levels_;
    return frozen;
  }

  uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// Of everything reachable from here.
  size_t memory_bytes() const { return root_ ? subtree_bytes(root_, levels_) : 0; }

  // --- places ---

  /// The first element, or the end of an empty tree.
  Cursor first() const { return edge(false); }
  /// The last element, or the end of an empty tree.
  Cursor last() const {
    Cursor at = edge(true);
    if (at.leaf_) at.slot_ = Policy::count(*at.leaf_) - 1;
    return at;
  }
  Cursor end() const {
    Cursor at = edge(true);
    if (at.leaf_) at.slot_ = Policy::count(*at.leaf_);
    return at;
  }
  /// The element with `rank` elements before it; the end from size() on.
  Cursor at(uint64_t rank) const {
    if (rank >= size_) return end();
    Cursor at;
    at.levels_ = levels_;
    ChunkHeader* chunk = root_;
    for (int level = 0; level < levels_; level++) {
      auto* node = static_cast<Inner*>(chunk);
      uint64_t const* counts = node->counts();
      uint32_t index = 0;
      while (rank >= counts[index]) rank -= counts[index++];
      at.steps_[static_cast<size_t>(level)] = {node, index};
      chunk = node->children()[index];
    }
    at.leaf_ = static_cast<Leaf*>(chunk);
    at.slot_ = rank;
    return at;
  }
  /// The first element not less than `key`, in the leaf where the key belongs: the slot may be the end of that leaf
  /// although other leaves follow. This is the place to insert the key.
  template <class Key>
  Cursor seek(Key const& key) const {
    Cursor at;
    if (!root_) return at;
    uint64_t const guess = descend(key, at);
    at.slot_ = Policy::lower_bound(*at.leaf_, key, guess);
    return at;
  }
  /// Asks the processor for what `seek` will read of the leaf.
  template <class Key>
  void prefetch(Key const& key) const requires kApproaches {
    Cursor at;
    if (root_) (void)descend(key, at);
  }
  /// The first element not less than `key`, or the end.
  template <class Key>
  Cursor lower_bound(Key const& key) const {
    Cursor at = seek(key);
    if (at.leaf_ && at.slot_ == Policy::count(*at.leaf_)) at.next_leaf();
    return at;
  }

  // --- changes. Each takes the place by a cursor of this handle; unless said otherwise, cursors are void afterwards.
  // ---

  /// Makes every chunk from the root to the leaf of `at` this handle's own and returns the leaf, which may then be
  /// changed. The cursor stays valid.
  Leaf* own(Cursor& at) {
    at.leaf_ = own_leaf(*own_above(at));
    return at.leaf_;
  }

  /// The own leaf of `at` was changed, or `leaf` took its place (the old block is freed already). The cursor stays
  /// valid.
  void changed(Cursor& at, Leaf* leaf, int64_t elements_more, int64_t bytes_more) {
    if (leaf != at.leaf_) {
      if (levels_ == 0) {
        root_ = leaf;
      } else {
        Step& step = at.steps_[static_cast<size_t>(levels_ - 1)];
        step.node->children()[step.index] = leaf;
      }
      at.leaf_ = leaf;
    }
    add_above(at, levels_, elements_more, bytes_more);
    size_ += static_cast<uint64_t>(elements_more);
  }

  /// Puts the first leaf into an empty tree.
  void start(Leaf* leaf) {
    DCHECK(root_ == nullptr && levels_ == 0);
    root_ = leaf;
    size_ = Policy::count(*leaf);
  }

  /// Puts a leaf after the own leaf of `at`.
  void insert_after(Cursor& at, Leaf* leaf) {
    Head head{};
    Tail tail{};
    if constexpr (Policy::kKeyed) Policy::separate(*at.leaf_, *leaf, head, tail);
    insert_leaf(at, leaf, 1, at.in_last_leaf() ? Edge::kRight : Edge::kNone, head, tail);
  }
  /// Puts a leaf before the own leaf of `at`.
  void insert_before(Cursor& at, Leaf* leaf) requires(!Policy::kKeyed) {
    insert_leaf(at, leaf, 0, at.in_first_leaf() ? Edge::kLeft : Edge::kNone, {}, {});
  }
  /// Puts a leaf behind all others (bulk loading; start() or insert_after()).
  void append(Leaf* leaf) {
    if (!root_) return start(leaf);
    Cursor at = edge(true);
    own(at);
    insert_after(at, leaf);
  }

  /// Removes the leaf of `at`; the nodes above it were made own.
  void remove_leaf(Cursor& at) {
    uint64_t const elements = Policy::count(*at.leaf_);
    size_t bytes = Policy::bytes(*at.leaf_);
    drop(at.leaf_, 0);
    size_ -= elements;
    int level = levels_ - 1;
    for (; level >= 0; level--) {
      Inner* node = at.steps_[static_cast<size_t>(level)].node;
      if (node->fanout > 1) break;
      bytes += node->capacity;
      Inner::free(node);
    }
    if (level < 0) {
      root_ = nullptr;
      levels_ = 0;
      return;
    }
    Step const& step = at.steps_[static_cast<size_t>(level)];
    step.node->remove(step.index, 1);
    step.node->bytes -= bytes;
    add_above(at, level, -static_cast<int64_t>(elements), -static_cast<int64_t>(bytes));
    if (step.node->fanout < kSparseFanout) settle_from(at, level - 1);
    collapse_root();
  }

  /// Takes the leaf of `at` out of this handle, without copying it: its reference is the caller's now, who gives it to `let_go`.
  Leaf* take(Cursor& at) {
    ChunkHeader** link = own_above(at);
    at.leaf_ = static_cast<Leaf*>(*link);
    Leaf* const leaf = at.leaf_;
    leaf->add_ref();
    remove_leaf(at);
    return leaf;
  }
  /// Drops the reference that `take` gave.
  static void let_go(Leaf* leaf) { drop(leaf, 0); }

  /// Joins the own leaf of `at` with a neighbour if both are small, and nodes above it that became small.
  void settle(Cursor& at) {
    settle_from(at, levels_ - 1);
    collapse_root();
  }

  /// Removes the elements of ranks [first, last). Whole subtrees are dropped without looking into them if they are
  /// shared.
  void erase_range(uint64_t first, uint64_t last) {
    DCHECK(first <= last && last <= size_);
    if (first == last) return;
    if (last - first == size_) {
      *this = CountedTree();
      return;
    }
    erase_in(root_, levels_, first, last);
    size_ -= last - first;
    collapse_root();
  }

  /// Moves the blocks of the elements from `rank` on as long as the mover says. Returns the rank to go on with; size() at the
  /// end. What is shared stays, with all that hangs below.
  uint64_t relocate(BlockMover& mover, uint64_t rank) {
    while (rank < size_) {
      uint64_t left = rank;     // elements before it in the subtree
      uint64_t below = size_;   // of the subtree
      ChunkHeader** link = &root_;
      int level = 0;
      for (; level < levels_ && (*link)->unique(); level++) {
        auto* node = static_cast<Inner*>(*link);
        if (left == 0) *link = node = mover.move(node, node->capacity);
        uint32_t index = 0;
        while (left >= node->counts()[index]) left -= node->counts()[index++];
        below = node->counts()[index];
        link = &node->children()[index];
      }
      if (level == levels_ && (*link)->unique()) {
        *link = mover.move(static_cast<Leaf*>(*link), (*link)->capacity);
      } else {
        mover.pass_over();
      }
      rank += below - left;
      if (mover.spent(below)) break;
    }
    return std::min(rank, size_);
  }

  /// Number of leaves. Reads the lowest inner nodes only.
  uint64_t leaves() const { return root_ ? leaves_below(root_, levels_) : 0; }

  /// Calls `check(bool)` for everything that must hold between counts, bytes and fan-outs. O(n), for tests.
  template <class Check>
  void verify(Check&& check) const {
    check((root_ == nullptr) == (size_ == 0));
    if (!root_) return check(levels_ == 0);
    auto const [elements, bytes] = verify_subtree(root_, levels_, check);
    check(elements == size_);
    check(bytes == memory_bytes());
  }

 private:
  /// The way down to the leaf where `key` belongs, which itself is not read. Returns a guess of the slot.
  template <class Key>
  uint64_t descend(Key const& key, Cursor& at) const {
    at.levels_ = levels_;
    ChunkHeader* chunk = root_;
    uint64_t guess = 0;
    for (int level = 0; level < levels_; level++) {
      auto* node = static_cast<Inner*>(chunk);
      uint32_t const index = child_for(node, levels_ - level, key);
      at.steps_[static_cast<size_t>(level)] = {node, index};
      chunk = node->children()[index];
      if constexpr (kApproaches) {
        if (level + 1 < levels_) continue;
        guess = Policy::approach(static_cast<Leaf*>(chunk), node->counts()[index], key,
                                 index > 0 ? node->heads() + index : nullptr,
                                 index + 1 < node->fanout ? node->heads() + index + 1 : nullptr);
      }
    }
    at.leaf_ = static_cast<Leaf*>(chunk);
    return guess;
  }
  /// Makes the nodes above the leaf of `at` this handle's own. Returns where the leaf hangs.
  ChunkHeader** own_above(Cursor& at) {
    ChunkHeader** link = &root_;
    for (int level = 0; level < levels_; level++) {
      Step& step = at.steps_[static_cast<size_t>(level)];
      step.node = own_inner(*link, levels_ - level);
      link = &step.node->children()[step.index];
    }
    return link;
  }
  enum class Edge { kNone, kLeft, kRight };

  static size_t subtree_bytes(ChunkHeader* chunk, int height) {
    return height == 0 ? Policy::bytes(*static_cast<Leaf*>(chunk)) : static_cast<Inner*>(chunk)->bytes;
  }

  static uint64_t leaves_below(ChunkHeader* chunk, int height) {
    if (height == 0) return 1;
    auto* node = static_cast<Inner*>(chunk);
    if (height == 1) return node->fanout;
    uint64_t leaves = 0;
    for (uint32_t i = 0; i < node->fanout; i++) leaves += leaves_below(node->children()[i], height - 1);
    return leaves;
  }

  Cursor edge(bool right) const {
    Cursor at;
    if (!root_) return at;
    at.levels_ = levels_;
    at.descend_edge(0, root_, right);
    return at;
  }

  // --- search ---

  /// Of `count` sorted heads, how many are less (or not greater) than `head`.
  template <bool OrEqual>
  static uint32_t heads_below(Head const* heads, uint32_t count, Head const& head) {
    if (count == 0) return 0;
    Head const* base = heads;
    auto const below = [&head](Head const& other) { return OrEqual ? !(head < other) : other < head; };
    while (count > 1) {
      uint32_t const half = count / 2;
      base += below(base[half - 1]) ? half : 0;
      count -= half;
    }
    return static_cast<uint32_t>(base - heads) + (below(*base) ? 1 : 0);
  }

  /// The child of `node` (at `height` over the leaves) where `key` belongs.
  template <class Key>
  static uint32_t child_for(Inner* node, [[maybe_unused]] int height, Key const& key) {
    Head const head = Policy::head(key);
    Head const* heads = node->heads();
    uint32_t const fanout = node->fanout;
    uint32_t low = 1 + heads_below<false>(heads + 1, fanout - 1u, head);
    if (low == fanout || head < heads[low]) return low - 1;
    if constexpr (Inner::kTailBytes == 0) {
      return low;
    } else {
      uint32_t high = low + heads_below<true>(heads + low, fanout - low, head);
      while (low < high) {  // children [low, high) have the head of the key: the last whose separator is not over it
        uint32_t const middle = (low + high) / 2;
        int order = Policy::compare_tail(key, node->tails()[middle]);
        if (order == kCutTail) order = Policy::compare_first(key, *first_leaf(node->children()[middle], height - 1));
        if (order < 0) {
          high = middle;
        } else {
          low = middle + 1;
        }
      }
      return low - 1;
    }
  }

  static Leaf* first_leaf(ChunkHeader* chunk, int height) {
    for (; height > 0; height--) chunk = static_cast<Inner*>(chunk)->children()[0];
    return static_cast<Leaf*>(chunk);
  }

  // --- chunks ---

  static void drop(ChunkHeader* chunk, int height) {
    if (!chunk->drop_ref()) return;
    if (height == 0) return Policy::destroy(static_cast<Leaf*>(chunk));
    auto* node = static_cast<Inner*>(chunk);
    for (uint32_t i = 0; i < node->fanout; i++) drop(node->children()[i], height - 1);
    Inner::free(node);
  }

  static Leaf* own_leaf(ChunkHeader*& link) {
    auto* leaf = static_cast<Leaf*>(link);
    if (leaf->unique()) return leaf;
    Leaf* copy = Policy::copy(*leaf);
    drop(leaf, 0);
    link = copy;
    return copy;
  }
  static Inner* own_inner(ChunkHeader*& link, int height) {
    auto* node = static_cast<Inner*>(link);
    if (node->unique()) return node;
    Inner* copy = Inner::make(node->room);
    DCHECK(copy->capacity == node->capacity);
    for (uint32_t i = 0; i < node->fanout; i++) __builtin_prefetch(node->children()[i], 1);
    for (uint32_t i = 0; i < node->fanout; i++) node->children()[i]->add_ref();
    copy->bytes = node->bytes;
    copy->fanout = node->fanout;
    copy->take(0, node, 0, node->fanout);
    drop(node, height);
    link = copy;
    return copy;
  }

  /// The own node, or a larger block in its place, with room for `slots`. `link` points to it.
  static Inner* with_room(ChunkHeader*& link, uint32_t slots) {
    auto* node = static_cast<Inner*>(link);
    if (node->room < slots) link = node = Inner::enlarged(node, slots);
    return node;
  }

  /// Adds to the counts and bytes of the nodes above `level`.
  void add_above(Cursor& at, int level, int64_t elements, int64_t bytes) {
    for (int i = 0; i < level; i++) {
      Step const& step = at.steps_[static_cast<size_t>(i)];
      step.node->counts()[step.index] += static_cast<uint64_t>(elements);
      step.node->bytes += static_cast<uint64_t>(bytes);
    }
  }
  ChunkHeader*& link_of(Cursor& at, int level) {
    if (level == 0) return root_;
    Step const& above = at.steps_[static_cast<size_t>(level - 1)];
    return above.node->children()[above.index];
  }

  // --- growth ---

  /// Puts `leaf` at slot `index + offset` of the parent of the leaf of `at`, and splits full nodes on the way up.
  void insert_leaf(Cursor& at, Leaf* leaf, uint32_t offset, Edge edge, Head head, Tail tail) {
    uint64_t elements = Policy::count(*leaf);
    size_ += elements;
    ChunkHeader* child = leaf;
    size_t child_bytes = Policy::bytes(*leaf);
    for (int level = levels_ - 1; level >= 0; level--, offset = 1) {
      Step const& step = at.steps_[static_cast<size_t>(level)];
      uint32_t const index = step.index + offset;
      if (step.node->fanout < kFanoutMax) {
        size_t const bytes_before = step.node->bytes;
        Inner* node = with_room(link_of(at, level), step.node->fanout + 1u);
        node->insert(index, child, elements, head, tail);
        node->bytes += child_bytes;
        add_above(at, level, static_cast<int64_t>(elements), static_cast<int64_t>(node->bytes - bytes_before));
        return;
      }
      Inner* left = step.node;
      uint64_t const left_elements = left->elements();
      size_t const left_bytes = left->bytes;
      // At the right edge of the tree the old node stays full; at the left edge the new one does.
      uint32_t const kept = edge == Edge::kRight ? kFanoutMax : edge == Edge::kLeft ? offset : kFanoutMax / 2;
      Inner* right = split(left, levels_ - level, kept);
      bool const to_right = right->fanout == 0 || index > kept;
      Inner* target = to_right ? right : left;
      target->insert(to_right ? index - kept : index, child, elements, head, tail);
      target->bytes += child_bytes;
      // The old node above now stands for the left part alone; the loop goes on with the right one.
      uint64_t const left_now = left->elements();
      add_above(at, level, static_cast<int64_t>(left_now - left_elements),
                static_cast<int64_t>(left->bytes - left_bytes));
      child = right;
      elements = right->elements();
      child_bytes = right->bytes;
      right->get_separator(0, head, tail);
    }
    grow_root(child, elements, head, tail, offset == 0);
  }

  /// Moves all children but the first `kept` of a full node to a new one with room for one more.
  static Inner* split(Inner* node, int height, uint32_t kept) {
    uint32_t const moved = node->fanout - kept;
    Inner* right = Inner::make(std::clamp<uint32_t>(moved + 1, kFirstSlots, kFanoutMax));
    right->take(0, node, kept, moved);
    right->fanout = static_cast<uint16_t>(moved);
    node->fanout = static_cast<uint16_t>(kept);
    size_t bytes = 0;
    for (uint32_t i = 0; i < moved; i++) bytes += subtree_bytes(right->children()[i], height - 1);
    right->bytes += bytes;
    node->bytes -= bytes;
    return right;
  }

  /// A new root over the old one and `child`.
  void grow_root(ChunkHeader* child, uint64_t elements, Head const& head, Tail const& tail, bool child_first) {
    CHECK(levels_ < kLevelsMax);
    Inner* root = Inner::make(kFirstSlots);
    root->bytes += subtree_bytes(root_, levels_) + subtree_bytes(child, levels_);
    root->insert(0, root_, size_ - elements, {}, {});
    root->insert(child_first ? 0 : 1, child, elements, head, tail);
    root_ = root;
    levels_++;
  }

  // --- shrinking ---

  /// From `level` up: joins the child that the path takes with a neighbour, as long as the node itself became small.
  void settle_from(Cursor& at, int level) {
    for (; level >= 0; level--) {
      Step const& step = at.steps_[static_cast<size_t>(level)];
      int const height = levels_ - level - 1;
      int64_t bytes = 0;
      bool const joined = (step.index > 0 && join(step.node, height, step.index - 1, bytes)) ||
                          (step.index + 1u < step.node->fanout && join(step.node, height, step.index, bytes));
      if (!joined) return;
      add_above(at, level, 0, bytes);
      if (step.node->fanout >= kSparseFanout) return;
    }
  }

  /// Joins the children `index` and `index + 1` (of `height`) of an own node if they fit together. Adds the change to
  /// `bytes` and to the node's.
  static bool join(Inner* node, int height, uint32_t index, int64_t& bytes) {
    ChunkHeader*& left = node->children()[index];
    ChunkHeader*& right = node->children()[index + 1];
    size_t const before = subtree_bytes(left, height) + subtree_bytes(right, height);
    if (height == 0) {
      Leaf* joined = Policy::joined(*static_cast<Leaf*>(left), *static_cast<Leaf*>(right));
      if (!joined) return false;
      drop(left, 0);
      drop(right, 0);
      left = joined;
    } else {
      uint32_t const left_fanout = static_cast<Inner*>(left)->fanout;
      uint32_t const right_fanout = static_cast<Inner*>(right)->fanout;
      if (left_fanout + right_fanout > kJoinedFanoutMax) return false;
      own_inner(left, height);
      Inner* tail_node = own_inner(right, height);
      Inner* joined = with_room(left, left_fanout + right_fanout);
      joined->take(left_fanout, tail_node, 0, right_fanout);
      Head head{};
      Tail tail{};
      node->get_separator(index + 1, head, tail);
      joined->set_separator(left_fanout, head, tail);
      joined->fanout = static_cast<uint16_t>(left_fanout + right_fanout);
      joined->bytes += tail_node->bytes - tail_node->capacity;
      Inner::free(tail_node);
    }
    node->counts()[index] += node->counts()[index + 1];
    auto const change = static_cast<int64_t>(subtree_bytes(left, height)) - static_cast<int64_t>(before);
    node->remove(index + 1, 1);
    node->bytes += static_cast<uint64_t>(change);
    bytes += change;
    return true;
  }

  void collapse_root() {
    while (levels_ > 0 && static_cast<Inner*>(root_)->fanout == 1) {
      ChunkHeader* child = static_cast<Inner*>(root_)->children()[0];
      child->add_ref();
      drop(root_, levels_);
      root_ = child;
      levels_--;
    }
  }

  /// Removes elements [first, last) of a subtree, not all of them. Returns the change of its bytes.
  static int64_t erase_in(ChunkHeader*& link, int height, uint64_t first, uint64_t last) {
    if (height == 0) {
      Leaf* leaf = own_leaf(link);
      size_t const before = Policy::bytes(*leaf);
      leaf = Policy::erase(leaf, first, last);
      link = leaf;
      return static_cast<int64_t>(Policy::bytes(*leaf)) - static_cast<int64_t>(before);
    }
    Inner* node = own_inner(link, height);
    uint64_t start = 0;
    uint32_t touched = 0;
    while (start + node->counts()[touched] <= first) start += node->counts()[touched++];
    int64_t change = 0;
    uint32_t gone = 0;
    uint32_t gone_first = 0;
    for (uint32_t i = touched; i < node->fanout && start < last; i++) {
      uint64_t const elements = node->counts()[i];
      uint64_t const from = std::max(first, start) - start;
      uint64_t const to = std::min(last, start + elements) - start;
      start += elements;
      if (from == 0 && to == elements) {
        change -= static_cast<int64_t>(subtree_bytes(node->children()[i], height - 1));
        drop(node->children()[i], height - 1);
        if (gone++ == 0) gone_first = i;
      } else {
        change += erase_in(node->children()[i], height - 1, from, to);
        node->counts()[i] -= to - from;
      }
    }
    if (gone > 0) node->remove(gone_first, gone);
    node->bytes += static_cast<uint64_t>(change);
    for (uint32_t i = touched + 1;; i--) {  // the pairs around the seam
      if (i + 1u < node->fanout) join(node, height - 1, i, change);
      if (i == 0 || i < touched) break;
    }
    return change;
  }

  template <class Check>
  static std::pair<uint64_t, size_t> verify_subtree(ChunkHeader* chunk, int height, Check&& check) {
    if (height == 0) {
      auto const& leaf = *static_cast<Leaf*>(chunk);
      check(Policy::count(leaf) > 0);
      return {Policy::count(leaf), Policy::bytes(leaf)};
    }
    auto* node = static_cast<Inner*>(chunk);
    check(node->fanout > 0 && node->fanout <= node->room && node->room <= kFanoutMax);
    uint64_t elements_below = 0;
    size_t bytes_below = node->capacity;
    for (uint32_t i = 0; i < node->fanout; i++) {
      auto const [elements, bytes] = verify_subtree(node->children()[i], height - 1, check);
      check(elements == node->counts()[i]);
      elements_below += elements;
      bytes_below += bytes;
    }
    check(bytes_below == node->bytes);
    return {elements_below, bytes_below};
  }

  ChunkHeader* root_ = nullptr;
  uint64_t size_ = 0;
  int levels_ = 0;
};

}  // namespace holdfast
