#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "memory/shared_buffer.h"
#include "structures/chunk.h"
#include "structures/counted_tree.h"
#include "structures/packed_entry.h"

namespace holdfast {

// The leaf of a list's tree: a block of listpack entries with free room on both sides,
//
//   | head, 16 B | free | entries | free |
//
// or one element over kInlineElementBytesMax:   | head, 16 B | SharedBuffer* |
//
// An edit moves the shorter side. Blocks start small and double up to 4 KiB, with the new room where the list grows.
// Not thread-safe; who changes a leaf has its only reference.
struct BlockLeaf : ChunkHeader {
  uint16_t entries = 0;
  uint16_t begin = sizeof(ChunkHeader) + 8;  // offsets from the start of the leaf
  uint16_t end = sizeof(ChunkHeader) + 8;
  bool big = false;

  explicit BlockLeaf(uint32_t bytes) : ChunkHeader(bytes) {}

  char* at(size_t offset) { return reinterpret_cast<char*>(this) + offset; }
  char const* at(size_t offset) const { return reinterpret_cast<char const*>(this) + offset; }
  char const* first() const { return at(begin); }
  char const* past() const { return at(end); }
  size_t content_bytes() const { return static_cast<size_t>(end - begin); }
  size_t front_room() const { return begin - sizeof(BlockLeaf); }
  size_t back_room() const { return capacity - end; }
  /// Precondition: big.
  SharedBuffer* buffer() const {
    SharedBuffer* buffer;
    std::memcpy(&buffer, this + 1, sizeof buffer);
    return buffer;
  }
};
static_assert(sizeof(BlockLeaf) == 16);

/// What a block holds: `count` listpack entries, or the bytes of one big element.
struct BlockView {
  std::string_view bytes;
  uint64_t count;
  bool big;
};

inline BlockView view_of(BlockLeaf const& leaf) {
  if (leaf.big) return {leaf.buffer()->view(), 1, true};
  return {{leaf.first(), leaf.content_bytes()}, leaf.entries, false};
}

/// How CountedTree handles a BlockLeaf, and what BlockList does with one.
struct BlockPolicy {
  static constexpr bool kKeyed = false;
  using Leaf = BlockLeaf;
  using Head = NoSeparator;
  using Tail = NoSeparator;
  static constexpr size_t kContentBytesMax = kChunkBytesMax - sizeof(Leaf);

  static uint64_t count(Leaf const& leaf) { return leaf.entries; }
  static size_t bytes(Leaf const& leaf) { return leaf.capacity + (leaf.big ? leaf.buffer()->footprint() : 0); }
  static Leaf* copy(Leaf const& leaf);
  static void destroy(Leaf* leaf);
  static Leaf* joined(Leaf const& left, Leaf const& right);
  static Leaf* erase(Leaf* leaf, uint64_t first, uint64_t last);

  /// An empty block with room for so many bytes of entries, or for more.
  static Leaf* make(size_t content);
  static Leaf* make_big(std::string_view text);
  static Leaf* make_packed(char const* entries, size_t bytes, uint64_t count);

  /// The entry at `slot` of a packed block; its end when slot is the count. Walks from the nearer end.
  static char const* entry(Leaf const& leaf, uint64_t slot);
  /// Replaces `removed` bytes at `offset` (of the leaf, at an entry) by room for `added` bytes, which the caller fills:
  /// at the offset as it is afterwards. Does not touch the count. Returns the leaf or the larger block that took its
  /// place; null, and nothing is changed, when so much does not fit in a block.
  static Leaf* splice(Leaf* leaf, size_t& offset, size_t removed, size_t added);
  /// Fresh block with the last `count` entries, those from `offset` on, which leave `leaf`.
  static Leaf* split_off(Leaf* leaf, size_t offset, uint64_t count);
  /// The leaf, or a smaller block in its place when it is less than half full.
  static Leaf* shrunk(Leaf* leaf);
  /// Removes up to `limit` matching entries of a packed block, but not the first `skip`. Returns how many; maybe all.
  static uint64_t remove_matching(Leaf* leaf, packed::Needle const& needle, uint64_t skip, uint64_t limit);
  static bool sparse(Leaf const& leaf) { return leaf.content_bytes() < kContentBytesMax / 4; }
};

}  // namespace holdfast
