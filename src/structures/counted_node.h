#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>

#include "memory/block_heap.h"
#include "structures/chunk.h"

namespace holdfast {

/// Head and tail of the separators of a tree without keys.
struct NoSeparator {};

/// Inner node of a CountedTree, one block: this head, then four arrays of `room` slots
///
///   children | elements below each | heads of separators | tails of separators        (the last two may be empty
///   types)
///
/// The arrays stand apart so that a search reads only heads, and a rank only counts. Separator 0 is not used.
/// Knows slots and its own block; references and subtrees are the tree's business.
template <class Head, class Tail>
struct CountedNode : ChunkHeader {
  static constexpr uint32_t kFanoutMax = 63;
  static constexpr size_t kHeadBytes = std::is_empty_v<Head> ? 0 : sizeof(Head);
  static constexpr size_t kTailBytes = std::is_empty_v<Tail> ? 0 : sizeof(Tail);
  static constexpr size_t kSlotBytes = sizeof(ChunkHeader*) + sizeof(uint64_t) + kHeadBytes + kTailBytes;
  static_assert(std::is_trivially_copyable_v<Head> && alignof(Head) <= 8);
  static_assert(std::is_trivially_copyable_v<Tail> && alignof(Tail) == 1);

  uint16_t fanout = 0;
  uint16_t room;
  uint64_t bytes;  // of all chunks below and of this one

  ChunkHeader** children() { return reinterpret_cast<ChunkHeader**>(arrays()); }
  uint64_t* counts() { return reinterpret_cast<uint64_t*>(arrays() + room * size_t{8}); }
  Head* heads() { return reinterpret_cast<Head*>(arrays() + room * size_t{16}); }
  Tail* tails() { return reinterpret_cast<Tail*>(arrays() + room * (size_t{16} + kHeadBytes)); }

  /// A node with at least so many slots (at most kFanoutMax); as many as its block has.
  static CountedNode* make(uint32_t slots) {
    size_t const block_bytes = block_heap_bytes(sizeof(CountedNode) + slots * kSlotBytes);
    size_t const room = std::min<size_t>(kFanoutMax, (block_bytes - sizeof(CountedNode)) / kSlotBytes);
    return new (allocate_block(block_bytes))
        CountedNode(static_cast<uint32_t>(block_bytes), static_cast<uint16_t>(room));
  }
  static void free(CountedNode* node) { free_block(node, node->capacity); }
  /// The same slots in a block with room for at least so many; `node` is freed.
  static CountedNode* enlarged(CountedNode* node, uint32_t slots) {
    CountedNode* larger = make(std::min<uint32_t>(kFanoutMax, std::max<uint32_t>(slots, node->room * 2u + 1)));
    larger->take(0, node, 0, node->fanout);
    larger->fanout = node->fanout;
    larger->bytes = node->bytes - node->capacity + larger->capacity;
    free(node);
    return larger;
  }

  /// Copies slots over those from `index` on; does not touch the fan-out.
  void take(uint32_t index, CountedNode* from, uint32_t from_index, uint32_t count) {
    std::memmove(children() + index, from->children() + from_index, count * sizeof(ChunkHeader*));
    std::memmove(counts() + index, from->counts() + from_index, count * sizeof(uint64_t));
    if constexpr (kHeadBytes != 0) std::memmove(heads() + index, from->heads() + from_index, count * kHeadBytes);
    if constexpr (kTailBytes != 0) std::memmove(tails() + index, from->tails() + from_index, count * kTailBytes);
  }
  void remove(uint32_t index, uint32_t count) {
    take(index, this, index + count, fanout - index - count);
    fanout = static_cast<uint16_t>(fanout - count);
  }
  /// Precondition: fanout < room.
  void insert(uint32_t index, ChunkHeader* child, uint64_t elements, Head const& head, Tail const& tail) {
    take(index + 1, this, index, fanout - index);
    children()[index] = child;
    counts()[index] = elements;
    set_separator(index, head, tail);
    fanout++;
  }
  void set_separator(uint32_t index, [[maybe_unused]] Head const& head, [[maybe_unused]] Tail const& tail) {
    if constexpr (kHeadBytes != 0) heads()[index] = head;
    if constexpr (kTailBytes != 0) tails()[index] = tail;
  }
  /// The separator in front of a child; `head` and `tail` are untouched where there is none.
  void get_separator(uint32_t index, [[maybe_unused]] Head& head, [[maybe_unused]] Tail& tail) {
    if constexpr (kHeadBytes != 0) head = heads()[index];
    if constexpr (kTailBytes != 0) tail = tails()[index];
  }

  uint64_t elements() {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < fanout; i++) sum += counts()[i];
    return sum;
  }

 private:
  CountedNode(uint32_t block_bytes, uint16_t slots) : ChunkHeader(block_bytes), room(slots), bytes(block_bytes) {}
  char* arrays() { return reinterpret_cast<char*>(this + 1); }
};

}  // namespace holdfast
