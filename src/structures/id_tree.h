#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "memory/block_heap.h"
#include "structures/chunk.h"
#include "structures/counted_tree.h"
#include "structures/stream_id.h"

namespace holdfast {

/// Payload of a set of ids.
struct NoPayload {};

/// How CountedTree handles the leaf of an IdTree, one block:
///
///   | head, 16 B | room x id, sorted | room x payload |
///
/// Not thread-safe; who changes a leaf has its only reference.
template <class Payload>
struct IdLeafPolicy {
  static_assert(std::is_trivially_copyable_v<Payload> && alignof(Payload) <= 8);
  static constexpr bool kKeyed = true;
  static constexpr size_t kPayloadBytes = std::is_empty_v<Payload> ? 0 : sizeof(Payload);
  static constexpr size_t kSlotBytes = sizeof(StreamId) + kPayloadBytes;
  using Key = StreamId;
  using Head = StreamId;
  using Tail = NoSeparator;

  struct Leaf : ChunkHeader {
    uint32_t entries = 0;
    uint32_t room;

    Leaf(uint32_t bytes, uint32_t slots) : ChunkHeader(bytes), room(slots) {}
    StreamId* ids() { return reinterpret_cast<StreamId*>(this + 1); }
    StreamId const* ids() const { return reinterpret_cast<StreamId const*>(this + 1); }
    Payload* payloads() { return reinterpret_cast<Payload*>(ids() + room); }
    Payload const* payloads() const { return reinterpret_cast<Payload const*>(ids() + room); }

    /// Copies slots of `from` (maybe this) over those from `index` on; does not touch the number of entries.
    void take(size_t index, Leaf const& from, size_t from_index, size_t count) {
      std::memmove(static_cast<void*>(ids() + index), from.ids() + from_index, count * sizeof(StreamId));
      if constexpr (kPayloadBytes != 0) {
        std::memmove(static_cast<void*>(payloads() + index), from.payloads() + from_index, count * kPayloadBytes);
      }
    }
    void set(size_t slot, StreamId id, [[maybe_unused]] Payload const& payload) {
      ids()[slot] = id;
      if constexpr (kPayloadBytes != 0) payloads()[slot] = payload;
    }
    /// Precondition: entries < room.
    void insert(size_t slot, StreamId id, Payload const& payload) {
      take(slot + 1, *this, slot, entries - slot);
      set(slot, id, payload);
      entries++;
    }
  };
  static_assert(sizeof(Leaf) == 16);
  static constexpr uint32_t kRoomMax = (kChunkBytesMax - sizeof(Leaf)) / kSlotBytes;

  /// At least so many slots (at most kRoomMax); as many as the block has.
  static Leaf* make(size_t slots) {
    size_t const bytes =
        std::min(kChunkBytesMax, block_heap_bytes(sizeof(Leaf) + std::min<size_t>(slots, kRoomMax) * kSlotBytes));
    auto const room = static_cast<uint32_t>((bytes - sizeof(Leaf)) / kSlotBytes);
    return new (allocate_block(bytes)) Leaf(static_cast<uint32_t>(bytes), room);
  }
  static Leaf* resized(Leaf* leaf, size_t slots) {
    Leaf* fresh = make(slots);
    fresh->take(0, *leaf, 0, leaf->entries);
    fresh->entries = leaf->entries;
    destroy(leaf);
    return fresh;
  }

  static uint64_t count(Leaf const& leaf) { return leaf.entries; }
  static size_t bytes(Leaf const& leaf) { return leaf.capacity; }
  static Leaf* copy(Leaf const& leaf) {
    auto* fresh = new (allocate_block(leaf.capacity)) Leaf(leaf.capacity, leaf.room);
    fresh->take(0, leaf, 0, leaf.entries);
    fresh->entries = leaf.entries;
    return fresh;
  }
  static void destroy(Leaf* leaf) { free_block(leaf, leaf->capacity); }
  static Leaf* joined(Leaf const& left, Leaf const& right) {
    size_t const entries = size_t{left.entries} + right.entries;
    if (entries > kRoomMax / 4 * 3) return nullptr;
    Leaf* fresh = make(entries);
    fresh->take(0, left, 0, left.entries);
    fresh->take(left.entries, right, 0, right.entries);
    fresh->entries = static_cast<uint32_t>(entries);
    return fresh;
  }
  static Leaf* erase(Leaf* leaf, uint64_t first, uint64_t last) {
    leaf->take(first, *leaf, last, leaf->entries - last);
    leaf->entries -= static_cast<uint32_t>(last - first);
    return leaf->entries < leaf->room / 2 ? resized(leaf, leaf->entries + leaf->entries / 8) : leaf;
  }

  static Head head(Key const& key) { return key; }
  static void separate(Leaf const&, Leaf const& right, Head& head, Tail&) { head = right.ids()[0]; }
  static uint64_t lower_bound(Leaf const& leaf, Key const& key, uint64_t) {
    StreamId const* end = leaf.ids() + leaf.entries;
    return static_cast<uint64_t>(std::lower_bound(leaf.ids(), end, key) - leaf.ids());
  }
};

/// A persistent map from stream ids to something small, in the order of the ids: pending lists. A CountedTree of full
/// leaves when ids come in order, so an element takes little more than 16 bytes and its payload.
/// O(log n). A frozen tree may be read and destroyed on any thread; otherwise the owner locks.
template <class Payload>
class IdTree {
  using Policy = IdLeafPolicy<Payload>;
  using Leaf = typename Policy::Leaf;
  using Tree = CountedTree<Policy>;

 public:
  /// An element, or the end. Valid until the next change of its handle.
  class Cursor {
   public:
    explicit operator bool() const { return static_cast<bool>(at_); }
    StreamId id() const { return at_.leaf().ids()[at_.slot()]; }
    Payload const& payload() const { return at_.leaf().payloads()[at_.slot()]; }
    void next() { at_.next(); }
    /// Elements before this one; all of them at the end.
    uint64_t rank() const { return at_.has_leaf() ? at_.rank() : 0; }

   private:
    friend class IdTree;
    explicit Cursor(typename Tree::Cursor const& at) : at_(at) {}
    typename Tree::Cursor at_;
  };

  uint64_t size() const { return tree_.size(); }
  bool empty() const { return tree_.empty(); }
  size_t memory_bytes() const { return tree_.memory_bytes(); }
  /// Another handle of the present content. O(1).
  IdTree freeze() const {
    IdTree frozen;
    frozen.tree_ = tree_.freeze();
    return frozen;
  }

  Cursor first() const { return Cursor(tree_.first()); }
  /// Precondition: not empty.
  StreamId last_id() const { return Cursor(tree_.last()).id(); }
  /// The first element not less than `id`, or the end.
  Cursor lower_bound(StreamId id) const { return Cursor(tree_.lower_bound(id)); }
  /// Of this very id; null when there is none. Until the next change.
  Payload const* find(StreamId id) const {
    auto const at = tree_.seek(id);
    return is_at(at, id) ? at.leaf().payloads() + at.slot() : nullptr;
  }
  bool contains(StreamId id) const { return is_at(tree_.seek(id), id); }

  /// The same to be changed in place.
  Payload* edit(StreamId id) {
    auto at = tree_.seek(id);
    if (!is_at(at, id)) return nullptr;
    return tree_.own(at)->payloads() + at.slot();
  }
  /// False, and nothing is changed, when the id is there.
  bool insert(StreamId id, Payload const& payload = {}) {
    auto at = tree_.seek(id);
    if (!at.has_leaf()) {
      Leaf* leaf = Policy::make(kFirstSlots);
      leaf->insert(0, id, payload);
      tree_.start(leaf);
      return true;
    }
    if (is_at(at, id)) return false;
    Leaf* leaf = tree_.own(at);
    size_t const slot = at.slot();
    auto const bytes = static_cast<int64_t>(leaf->capacity);
    if (leaf->entries == leaf->room && leaf->room < Policy::kRoomMax) {
      leaf = Policy::resized(leaf, leaf->room + leaf->room / 2 + 1);
    }
    if (leaf->entries < leaf->room) {
      leaf->insert(slot, id, payload);
      tree_.changed(at, leaf, 1, int64_t{leaf->capacity} - bytes);
      return true;
    }
    // A full leaf at the right edge stays full: ids come in order.
    bool const appending = slot == leaf->entries && at.in_last_leaf();
    uint32_t const kept = appending ? leaf->entries : leaf->entries / 2;
    uint32_t const moved = leaf->entries - kept;
    Leaf* right = Policy::make(std::max<size_t>(moved + 1, kFirstSlots));
    right->take(0, *leaf, kept, moved);
    right->entries = moved;
    leaf->entries = kept;
    if (appending || slot > kept) {
      right->insert(slot - kept, id, payload);
    } else {
      leaf->insert(slot, id, payload);
    }
    tree_.changed(at, leaf, int64_t{leaf->entries} - (int64_t{kept} + moved), int64_t{leaf->capacity} - bytes);
    tree_.insert_after(at, right);
    return true;
  }
  /// False when the id is not there.
  bool erase(StreamId id) {
    auto at = tree_.seek(id);
    if (!is_at(at, id)) return false;
    Leaf* leaf = tree_.own(at);
    if (leaf->entries == 1) {
      tree_.remove_leaf(at);
      return true;
    }
    auto const bytes = static_cast<int64_t>(leaf->capacity);
    leaf = Policy::erase(leaf, at.slot(), at.slot() + 1);
    tree_.changed(at, leaf, -1, int64_t{leaf->capacity} - bytes);
    if (leaf->entries < Policy::kRoomMax / 4) tree_.settle(at);
    return true;
  }

  /// As CountedTree::relocate.
  uint64_t relocate(BlockMover& mover, uint64_t rank) { return tree_.relocate(mover, rank); }

  Tree const& tree() const { return tree_; }

 private:
  static constexpr size_t kFirstSlots = 6;

  static bool is_at(typename Tree::Cursor const& at, StreamId id) {
    return static_cast<bool>(at) && at.leaf().ids()[at.slot()] == id;
  }

  Tree tree_;
};

}  // namespace holdfast
