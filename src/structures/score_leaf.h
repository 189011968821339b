#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "memory/shared_buffer.h"
#include "structures/chunk.h"
#include "structures/counted_tree.h"

namespace holdfast {

/// A place in the order of a sorted set: by score, then by the bytes of the member (memcmp, the shorter first).
struct ScoreKey {
  double score;
  std::string_view member;
};

// The leaf of a sorted set's tree, one block:
//
//   | head, 24 B | slots: count x {8 B score, 2 B offset} -> | free | <- heap: members as they came |
//
//   member in the heap: length byte 0..253, bytes | 254, u16 length, bytes | 255, 8 B SharedBuffer* (over 1024 bytes)
//
// Slots are sorted, the heap is not: an insertion moves 10 bytes for each slot behind it and no member. The heap keeps
// the garbage of erased members until the block is packed again. Blocks grow by the classes of the block heap, so a
// leaf that was split takes what it needs and not 4 KiB; an entry of a 10-byte member is 21 bytes, about 23 with what
// is free. Not thread-safe; who changes a leaf has its only reference.
struct ScoreLeaf : ChunkHeader {
  uint16_t entries = 0;
  uint16_t heap;         // where the heap begins, from the start of the leaf
  uint16_t garbage = 0;  // bytes of the heap that no slot points to
  uint16_t unused = 0;
  uint64_t big_bytes = 0;  // of the shared buffers

  static constexpr size_t kSlotBytes = 10;

  explicit ScoreLeaf(uint32_t bytes) : ChunkHeader(bytes), heap(static_cast<uint16_t>(bytes)) {}

  char* slots() { return reinterpret_cast<char*>(this + 1); }
  char const* slots() const { return reinterpret_cast<char const*>(this + 1); }
  double score(size_t slot) const {
    double score;
    std::memcpy(&score, slots() + slot * kSlotBytes, sizeof score);
    return score;
  }
  void set_score(size_t slot, double score) { std::memcpy(slots() + slot * kSlotBytes, &score, sizeof score); }
  uint16_t offset(size_t slot) const {
    uint16_t offset;
    std::memcpy(&offset, slots() + slot * kSlotBytes + 8, sizeof offset);
    return offset;
  }
  char const* record(size_t slot) const { return reinterpret_cast<char const*>(this) + offset(slot); }
  /// Points into the leaf or into the shared buffer.
  std::string_view member(size_t slot) const {
    char const* at = record(slot);
    auto const length = static_cast<uint8_t>(*at);
    if (length < kLongMember) [[likely]]
      return {at + 1, length};
    if (length == kBigMember) return big_member(at)->view();
    uint16_t long_length;
    std::memcpy(&long_length, at + 1, sizeof long_length);
    return {at + 3, long_length};
  }

  static constexpr uint8_t kLongMember = 254;
  static constexpr uint8_t kBigMember = 255;
  static SharedBuffer* big_member(char const* record) {
    SharedBuffer* buffer;
    std::memcpy(&buffer, record + 1, sizeof buffer);
    return buffer;
  }
};
static_assert(sizeof(ScoreLeaf) == 24);

/// How CountedTree handles a ScoreLeaf, and what ScoreTree does with one.
struct ScorePolicy {
  static constexpr bool kKeyed = true;
  using Leaf = ScoreLeaf;
  using Key = ScoreKey;
  using Head = double;
  /// The first bytes of a member, as many as tell the two leaves apart.
  struct Tail {
    static constexpr size_t kBytesMax = 31;
    uint8_t length : 7;  // to a byte boundary with `cut`
    uint8_t cut : 1;     // not enough to tell them apart
    char bytes[kBytesMax];
  };
  static_assert(sizeof(Tail) == 32);

  static uint64_t count(Leaf const& leaf) { return leaf.entries; }
  static size_t bytes(Leaf const& leaf) { return leaf.capacity + leaf.big_bytes; }
  static Leaf* copy(Leaf const& leaf);
  static void destroy(Leaf* leaf);
  static Leaf* joined(Leaf const& left, Leaf const& right);
  static Leaf* erase(Leaf* leaf, uint64_t first, uint64_t last);

  static Head head(Key const& key) { return key.score; }
  static void separate(Leaf const& left, Leaf const& right, Head& head, Tail& tail);
  static int compare_tail(Key const& key, Tail const& tail);
  static int compare_first(Key const& key, Leaf const& leaf) {
    // Those of the separator's score may be gone from the leaf.
    return leaf.score(0) > key.score ? -1 : key.member.compare(leaf.member(0));
  }
  /// Guesses the slot as if scores were evenly spread between the separators. A search by halves of a leaf that is not
  /// in the cache waits for memory five times, a search around a good guess once.
  static uint64_t approach(Leaf const* leaf, uint64_t count, Key const& key, Head const* low, Head const* high);
  static uint64_t lower_bound(Leaf const& leaf, Key const& key, uint64_t guess);

  /// A leaf without entries, with room for `content` bytes of slots and members.
  static Leaf* make(size_t content);
  /// Bytes of slot and member of one entry.
  static size_t entry_bytes(std::string_view member);
  /// Bytes of slots and members there are.
  static size_t content_bytes(Leaf const& leaf) {
    return leaf.entries * Leaf::kSlotBytes + leaf.capacity - leaf.heap - leaf.garbage;
  }
  /// Puts the entry at its slot. Returns the leaf or the larger block that took its place; null, and nothing is
  /// changed, when no block is large enough. `appending`: the block grows in larger steps, more is expected.
  static Leaf* insert(Leaf* leaf, size_t slot, Key const& key, bool appending);
  /// Two fresh leaves with the entries of `leaf` (which is freed) and the new entry.
  static std::pair<Leaf*, Leaf*> split_and_insert(Leaf* leaf, size_t slot, Key const& key);
  /// Whether the leaf should look for a neighbour to join.
  static bool sparse(Leaf const& leaf) { return content_bytes(leaf) < (kChunkBytesMax - sizeof(Leaf)) / 4; }
};

}  // namespace holdfast
