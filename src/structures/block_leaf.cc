#include "structures/block_leaf.h"

#include <algorithm>
#include <new>

#include "memory/block_heap.h"

namespace holdfast {
namespace {

constexpr size_t kCacheLineBytes = 64;
/// Entries so near are taken to be in the line that is read anyway.
constexpr uint64_t kStepsInLine = 4;

BlockLeaf* make_block(size_t bytes) {
  size_t const block_bytes = std::min(kChunkBytesMax, block_heap_bytes(bytes));
  return new (allocate_block(block_bytes)) BlockLeaf(static_cast<uint32_t>(block_bytes));
}

/// Puts the entries [leaf.begin, leaf.end) at another place of the same block.
void slide(BlockLeaf* leaf, size_t begin) {
  size_t const content = leaf->content_bytes();
  std::memmove(leaf->at(begin), leaf->first(), content);
  leaf->begin = static_cast<uint16_t>(begin);
  leaf->end = static_cast<uint16_t>(begin + content);
}

/// The same entries in a block for `content` bytes, beginning at `begin` of it; `leaf` is freed.
BlockLeaf* rebuild(BlockLeaf* leaf, size_t content, bool room_in_front) {
  BlockLeaf* fresh = BlockPolicy::make(content);
  fresh->entries = leaf->entries;
  size_t const begin = room_in_front ? fresh->capacity - leaf->content_bytes() : sizeof(BlockLeaf);
  fresh->begin = static_cast<uint16_t>(begin);
  fresh->end = static_cast<uint16_t>(begin + leaf->content_bytes());
  std::memcpy(fresh->at(begin), leaf->first(), leaf->content_bytes());
  free_block(leaf, leaf->capacity);
  return fresh;
}

}  // namespace

BlockLeaf* BlockPolicy::make(size_t content) { return make_block(sizeof(Leaf) + content); }

BlockLeaf* BlockPolicy::make_big(std::string_view text) {
  Leaf* leaf = make_block(sizeof(Leaf) + sizeof(SharedBuffer*));
  SharedBuffer* buffer = SharedBuffer::copy_of(text).detach();
  std::memcpy(leaf->at(sizeof(Leaf)), &buffer, sizeof buffer);
  leaf->entries = 1;
  leaf->big = true;
  return leaf;
}

BlockLeaf* BlockPolicy::make_packed(char const* entries, size_t bytes, uint64_t count) {
  Leaf* leaf = make(bytes);
  std::memcpy(leaf->at(leaf->begin), entries, bytes);
  leaf->end = static_cast<uint16_t>(leaf->begin + bytes);
  leaf->entries = static_cast<uint16_t>(count);
  return leaf;
}

BlockLeaf* BlockPolicy::copy(Leaf const& leaf) {
  auto* fresh = new (allocate_block(leaf.capacity)) BlockLeaf(leaf.capacity);
  fresh->entries = leaf.entries;
  fresh->begin = leaf.begin;
  fresh->end = leaf.end;
  fresh->big = leaf.big;
  if (leaf.big) {
    SharedBuffer* buffer = leaf.buffer();
    buffer->add_ref();
    std::memcpy(fresh->at(sizeof(Leaf)), &buffer, sizeof buffer);
  } else {
    std::memcpy(fresh->at(leaf.begin), leaf.first(), leaf.content_bytes());
  }
  return fresh;
}

void BlockPolicy::destroy(Leaf* leaf) {
  if (leaf->big) leaf->buffer()->release();
  free_block(leaf, leaf->capacity);
}

BlockLeaf* BlockPolicy::joined(Leaf const& left, Leaf const& right) {
  size_t const content = left.content_bytes() + right.content_bytes();
  if (left.big || right.big || content > kContentBytesMax / 4 * 3) return nullptr;
  Leaf* fresh = make(content);
  std::memcpy(fresh->at(fresh->begin), left.first(), left.content_bytes());
  std::memcpy(fresh->at(fresh->begin + left.content_bytes()), right.first(), right.content_bytes());
  fresh->end = static_cast<uint16_t>(fresh->begin + content);
  fresh->entries = static_cast<uint16_t>(left.entries + right.entries);
  return fresh;
}

BlockLeaf* BlockPolicy::erase(Leaf* leaf, uint64_t first, uint64_t last) {
  char const* from = entry(*leaf, first);
  char const* to = first + 1 == last ? packed::next(from) : entry(*leaf, last);
  auto const offset = static_cast<size_t>(from - leaf->at(0));
  auto const removed = static_cast<size_t>(to - from);
  leaf->entries = static_cast<uint16_t>(leaf->entries - (last - first));
  size_t place = offset;
  return shrunk(splice(leaf, place, removed, 0));
}

BlockLeaf* BlockPolicy::shrunk(Leaf* leaf) {
  size_t const content = leaf->content_bytes();
  return content < leaf->capacity / 2 ? rebuild(leaf, content + content / 8, false) : leaf;
}

uint64_t BlockPolicy::remove_matching(Leaf* leaf, packed::Needle const& needle, uint64_t skip, uint64_t limit) {
  uint64_t removed = 0;
  char* kept = leaf->at(leaf->begin);
  char const* const past = leaf->past();
  for (char const* at = kept; at != past;) {
    size_t const bytes = packed::entry_bytes_at(at);
    if (removed < limit && needle.matches(at) && (skip == 0 || skip-- == 0)) {
      removed++;
    } else {
      std::memmove(kept, at, bytes);
      kept += bytes;
    }
    at += bytes;
  }
  leaf->end = static_cast<uint16_t>(kept - leaf->at(0));
  leaf->entries = static_cast<uint16_t>(leaf->entries - removed);
  return removed;
}

char const* BlockPolicy::entry(Leaf const& leaf, uint64_t slot) {
  bool const from_front = slot * 2 <= leaf.entries;
  uint64_t steps = from_front ? slot : leaf.entries - slot;
  // Each step waits for the one before; the lines on the way need not.
  size_t const way = steps > kStepsInLine ? leaf.content_bytes() * steps / leaf.entries : 0;
  for (size_t line = 0; line < way; line += kCacheLineBytes) {
    __builtin_prefetch(from_front ? leaf.first() + line : leaf.past() - line);
  }
  char const* at = from_front ? leaf.first() : leaf.past();
  for (; steps > 0; steps--) at = from_front ? packed::next(at) : packed::previous(at);
  return at;
}

BlockLeaf* BlockPolicy::splice(Leaf* leaf, size_t& offset, size_t removed, size_t added) {
  size_t const content = leaf->content_bytes() - removed + added;
  if (content > kContentBytesMax) return nullptr;
  size_t before = offset - leaf->begin;
  if (content > leaf->capacity - sizeof(Leaf)) {
    // The new room is where the change was: an end that grows will grow on.
    bool const in_front = before * 2 < leaf->content_bytes();
    size_t const wish = before == 0 || offset == leaf->end ? content * 2 : content + content / 8;
    leaf = rebuild(leaf, std::min(wish, kContentBytesMax), in_front);
    offset = leaf->begin + before;
  }
  size_t after = leaf->end - offset - removed;
  if (added <= removed) {  // close the gap from the shorter side
    if (before < after) {
      std::memmove(leaf->at(leaf->begin + removed - added), leaf->first(), before);
      leaf->begin = static_cast<uint16_t>(leaf->begin + removed - added);
      offset = leaf->begin + before;
    } else {
      std::memmove(leaf->at(offset + added), leaf->at(offset + removed), after);
      leaf->end = static_cast<uint16_t>(leaf->end - removed + added);
    }
    return leaf;
  }
  size_t const more = added - removed;
  if (leaf->front_room() < more && leaf->back_room() < more) {
    // All the room to an end that grows; inside, room on both sides.
    size_t const room = leaf->front_room() + leaf->back_room();
    size_t const in_front = before == 0      ? room
                            : after == 0     ? 0
                            : before < after ? std::max(more, room / 2)
                                             : std::min(room - more, room / 2);
    slide(leaf, sizeof(Leaf) + in_front);
    offset = leaf->begin + before;
  }
  bool const to_front = leaf->back_room() < more || (leaf->front_room() >= more && before < after);
  if (to_front) {
    std::memmove(leaf->at(leaf->begin - more), leaf->first(), before);
    leaf->begin = static_cast<uint16_t>(leaf->begin - more);
    offset -= more;
  } else {
    std::memmove(leaf->at(offset + added), leaf->at(offset + removed), after);
    leaf->end = static_cast<uint16_t>(leaf->end + more);
  }
  return leaf;
}

BlockLeaf* BlockPolicy::split_off(Leaf* leaf, size_t offset, uint64_t count) {
  Leaf* right = make_packed(leaf->at(offset), leaf->end - offset, count);
  leaf->end = static_cast<uint16_t>(offset);
  leaf->entries = static_cast<uint16_t>(leaf->entries - count);
  return right;
}

}  // namespace holdfast
