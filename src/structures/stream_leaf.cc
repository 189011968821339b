#include "structures/stream_leaf.h"

#include <algorithm>
#include <bit>
#include <new>

#include "base/check.h"
#include "memory/block_heap.h"
#include "structures/packed_entry.h"

namespace holdfast {
namespace {

using Leaf = StreamLeaf;
using Texts = std::span<std::string_view const>;

constexpr size_t kVarintBytesMax = 10;
constexpr size_t kIdBytesMax = 1 + 2 * kVarintBytesMax;
constexpr uint64_t kVarintMs = 31;

/// Of the text as it is; that of an integer takes no more.
size_t text_bytes(std::string_view text) {
  if (text.size() <= stream_text::kShortMax) return 1 + text.size();
  return text.size() <= kInlineElementBytesMax ? 2 + text.size() : 1 + sizeof(SharedBuffer*);
}

char* write_text(char* at, std::string_view text, uint64_t& big_bytes) {
  if (text.size() <= stream_text::kShortMax) [[likely]] {
    *at++ = static_cast<char>(text.size());
  } else if (text.size() <= kInlineElementBytesMax) {
    size_t const rest = text.size() - stream_text::kLong;
    *at++ = static_cast<char>(stream_text::kLong + (rest >> 8));
    *at++ = static_cast<char>(rest & 0xFF);
  } else {
    SharedBuffer* buffer = SharedBuffer::copy_of(text).detach();
    big_bytes += buffer->footprint();
    *at++ = static_cast<char>(stream_text::kBig);
    std::memcpy(at, &buffer, sizeof buffer);
    return at + sizeof buffer;
  }
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

char* write_integer(char* at, int64_t value) {
  if (value >= 0 && value < 1 << 13) {
    *at++ = static_cast<char>(stream_text::kInteger13 + (value >> 8));
    *at++ = static_cast<char>(value & 0xFF);
    return at;
  }
  auto const magnitude = static_cast<uint64_t>(value < 0 ? ~value : value);
  size_t const size = static_cast<size_t>(std::bit_width(magnitude)) / 8 + 1;
  *at++ = static_cast<char>(stream_text::kIntegerBytes - 1 + size);
  std::memcpy(at, &value, size);
  return at + size;
}

char* write_element(char* at, packed::Element const& element, uint64_t& big_bytes) {
  return element.is_integer ? write_integer(at, element.integer) : write_text(at, element.text, big_bytes);
}

char* write_varint(char* at, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *at++ = static_cast<char>(value | 0x80);
  *at++ = static_cast<char>(value);
  return at;
}

char* write_id(char* at, StreamId before, StreamId id, bool same_fields) {
  unsigned head = same_fields ? 1 : 0;
  if (id.ms == before.ms && id.seq == before.seq + 1) {
    *at++ = static_cast<char>(head | 1 << 1);
    return at;
  }
  uint64_t const ms = id.ms - before.ms;
  head |= static_cast<unsigned>(std::min(ms, kVarintMs)) << 3;
  if (id.seq != 0) head |= 2 << 1;
  *at++ = static_cast<char>(head);
  if (ms >= kVarintMs) at = write_varint(at, ms - kVarintMs);
  return id.seq != 0 ? write_varint(at, id.seq) : at;
}

size_t packed_integer_bytes(uint64_t value) {
  return packed::entry_bytes(packed::Element::of_integer(static_cast<int64_t>(value)));
}
size_t packed_text_bytes(std::string_view text) { return packed::entry_bytes(packed::Element::of(text)); }

/// Content without garbage.
size_t used_bytes(Leaf const& leaf) { return leaf.names_end + (leaf.end - leaf.begin); }

Leaf* allocate(size_t bytes) {
  size_t const block = block_heap_bytes(bytes);
  CHECK(block <= UINT32_MAX);
  return new (allocate_block(block)) Leaf(static_cast<uint32_t>(block));
}

/// The fields of the head but for those of the block.
void take_head(Leaf* fresh, Leaf const& leaf) {
  std::memcpy(static_cast<void*>(reinterpret_cast<char*>(fresh) + sizeof(ChunkHeader)),
              reinterpret_cast<char const*>(&leaf) + sizeof(ChunkHeader), sizeof(Leaf) - sizeof(ChunkHeader));
}

/// The same content in another block, without garbage; `leaf` is freed.
Leaf* rebuild(Leaf* leaf, size_t bytes) {
  Leaf* fresh = allocate(std::max(bytes, used_bytes(*leaf)));
  take_head(fresh, *leaf);
  std::memcpy(fresh->at(sizeof(Leaf)), leaf->names(), leaf->names_end - sizeof(Leaf));
  std::memcpy(fresh->at(leaf->names_end), leaf->at(leaf->begin), leaf->end - leaf->begin);
  fresh->tail_begin = leaf->tail_begin - leaf->begin + leaf->names_end;
  fresh->begin = leaf->names_end;
  fresh->end = leaf->names_end + (leaf->end - leaf->begin);
  free_block(leaf, leaf->capacity);
  return fresh;
}

template <class Visit>
void for_each_big(char const* at, char const* end, Visit&& visit) {
  while (at != end) {
    if (static_cast<uint8_t>(*at) == stream_text::kBig) visit(stream_text::big(at));
    at = stream_text::skip(at);
  }
}

template <class Visit>
void for_each_big(Leaf const& leaf, Visit&& visit) {
  for_each_big(leaf.names(), leaf.at(leaf.names_end), visit);
  for (StreamLeafReader reader(leaf); !reader.at_end();) {
    char const* texts = reader.next().texts();
    for_each_big(texts, leaf.at(reader.offset()), visit);
  }
}

bool has_fields(Leaf const& leaf, Texts pairs) {
  if (leaf.fields * size_t{2} != pairs.size()) return false;
  char const* name = leaf.names();
  packed::TextScratch unused;  // names are no integers
  for (size_t i = 0; i < pairs.size(); i += 2) {
    if (stream_text::read(name, unused).bytes != pairs[i]) return false;
  }
  return true;
}

/// The entry holds texts first, first + step, ...
Leaf* append_entry(Leaf* leaf, StreamId id, bool same_fields, Texts texts, size_t first, size_t step) {
  DCHECK(leaf->tail < id);
  size_t need = kIdBytesMax + kVarintBytesMax;
  for (size_t i = first; i < texts.size(); i += step) need += text_bytes(texts[i]);
  if (leaf->end + need > leaf->capacity) {
    size_t const used = used_bytes(*leaf);
    leaf = rebuild(leaf, used + std::max(used / 2, need));
  }
  leaf->tail_begin = leaf->end;
  char* at = write_id(leaf->at(leaf->end), leaf->tail, id, same_fields);
  uint64_t const pairs = same_fields ? leaf->fields : texts.size() / 2;
  if (!same_fields) at = write_varint(at, pairs);
  constexpr size_t kFlagsBytes = 2;
  size_t packed = kFlagsBytes;
  for (size_t i = first; i < texts.size(); i += step) {
    packed::Element const element = packed::Element::of(texts[i]);
    packed += packed::entry_bytes(element);
    at = write_element(at, element, leaf->big_bytes);
  }
  leaf->end = static_cast<uint32_t>(leaf->offset_of(at));

  packed += packed_integer_bytes(id.ms - leaf->master.ms) + packed_integer_bytes(id.seq - leaf->master.seq) +
            packed_integer_bytes(same_fields ? pairs + 3 : 2 * pairs + 4);
  if (!same_fields) packed += packed_integer_bytes(pairs);
  leaf->packed_bytes += static_cast<uint32_t>(packed);
  leaf->entries++;
  leaf->appended++;
  leaf->tail = leaf->last = id;
  return leaf;
}

}  // namespace

StreamLeaf* StreamLeafPolicy::make(StreamId id, Texts texts, size_t step) {
  constexpr size_t kPackedFrameBytes = 7 + 2;  // header, terminator, the 0 behind the names
  size_t names = 0;
  size_t all = 0;
  for (size_t i = 0; i < texts.size(); i++) {
    size_t const bytes = text_bytes(texts[i]);
    all += bytes;
    if (i % step == 0) names += bytes;
  }
  Leaf* leaf = allocate(sizeof(Leaf) + std::max(all, names) + kIdBytesMax + kVarintBytesMax);
  size_t packed = kPackedFrameBytes + packed_integer_bytes((texts.size() + step - 1) / step);
  char* at = leaf->at(sizeof(Leaf));
  for (size_t i = 0; i < texts.size(); i += step) {
    packed += packed_text_bytes(texts[i]);
    at = write_text(at, texts[i], leaf->big_bytes);
    leaf->fields++;
  }
  leaf->names_end = leaf->begin = leaf->end = leaf->tail_begin = static_cast<uint32_t>(leaf->offset_of(at));
  leaf->packed_bytes = static_cast<uint32_t>(packed);
  leaf->master = id;
  leaf->base = id.previous().value_or(id);
  leaf->tail = leaf->last = leaf->base;
  return leaf;
}

bool StreamLeafPolicy::full(Leaf const& leaf, uint64_t bytes, StreamNodeLimits const& limits) {
  uint64_t const bytes_max =
      limits.bytes == 0 || limits.bytes > kStreamNodeBytesMax ? kStreamNodeBytesMax : limits.bytes;
  uint64_t const packed =
      leaf.packed_bytes + packed_integer_bytes(leaf.entries) + packed_integer_bytes(leaf.appended - leaf.entries);
  return packed + bytes >= bytes_max || (limits.entries != 0 && leaf.appended >= limits.entries);
}

StreamLeaf* StreamLeafPolicy::append(Leaf* leaf, StreamId id, Texts pairs) {
  bool const same_fields = has_fields(*leaf, pairs);
  return append_entry(leaf, id, same_fields, pairs, same_fields ? 1 : 0, same_fields ? 2 : 1);
}

StreamLeaf* StreamLeafPolicy::append_texts(Leaf* leaf, StreamId id, bool same_fields, Texts texts) {
  DCHECK(same_fields ? texts.size() == leaf->fields : texts.size() % 2 == 0);
  return append_entry(leaf, id, same_fields, texts, 0, 1);
}

StreamLeaf* StreamLeafPolicy::copy(Leaf const& leaf) {
  auto* fresh = new (allocate_block(leaf.capacity)) Leaf(leaf.capacity);
  std::memcpy(fresh->at(sizeof(ChunkHeader)), leaf.at(sizeof(ChunkHeader)), leaf.end - sizeof(ChunkHeader));
  if (leaf.big_bytes != 0) for_each_big(leaf, [](SharedBuffer* buffer) { buffer->add_ref(); });
  return fresh;
}

void StreamLeafPolicy::destroy(Leaf* leaf) {
  if (leaf->big_bytes != 0) for_each_big(*leaf, [](SharedBuffer* buffer) { buffer->release(); });
  free_block(leaf, leaf->capacity);
}

StreamLeaf* StreamLeafPolicy::erase(Leaf* leaf, uint64_t first, uint64_t last) {
  StreamLeafReader reader(*leaf);
  size_t before_gap = reader.offset();
  for (uint64_t i = 0; i < first; i++) {
    before_gap = reader.offset();
    reader.skip();
  }
  size_t const gap = reader.offset();
  StreamId const before = reader.before();
  for (uint64_t i = first; i < last; i++) {
    char const* texts = reader.next().texts();
    if (leaf->big_bytes == 0) continue;
    for_each_big(texts, leaf->at(reader.offset()), [leaf](SharedBuffer* buffer) {
      leaf->big_bytes -= buffer->footprint();
      buffer->release();
    });
  }
  leaf->entries -= static_cast<uint32_t>(last - first);
  if (first == 0) {
    leaf->begin = static_cast<uint32_t>(reader.offset());
    leaf->base = reader.before();
  } else if (reader.at_end()) {
    leaf->end = static_cast<uint32_t>(gap);
    leaf->tail_begin = static_cast<uint32_t>(before_gap);
    leaf->tail = before;
  } else {
    // The entry behind the gap now counts from the one before it.
    size_t const next = reader.offset();
    bool const same_fields = (*leaf->at(next) & 1) != 0;
    StreamId const id = reader.peek_id();
    size_t const rest = next + reader.id_bytes();
    char head[kIdBytesMax];
    auto const head_bytes = static_cast<size_t>(write_id(head, before, id, same_fields) - head);
    size_t const rest_bytes = leaf->end - rest;
    leaf->tail_begin =
        static_cast<uint32_t>(leaf->tail_begin == next ? gap : leaf->tail_begin - rest + gap + head_bytes);
    if (gap + head_bytes > rest) {  // it can take more bytes than the gap has
      Leaf* fresh = allocate(leaf->end + kIdBytesMax);
      take_head(fresh, *leaf);
      std::memcpy(fresh->at(sizeof(Leaf)), leaf->names(), gap - sizeof(Leaf));
      fresh->end = static_cast<uint32_t>(gap + head_bytes + rest_bytes);
      std::memcpy(fresh->at(gap + head_bytes), leaf->at(rest), rest_bytes);
      free_block(leaf, leaf->capacity);
      leaf = fresh;
    } else {
      std::memmove(leaf->at(gap + head_bytes), leaf->at(rest), rest_bytes);
      leaf->end = static_cast<uint32_t>(gap + head_bytes + rest_bytes);
    }
    std::memcpy(leaf->at(gap), head, head_bytes);
  }
  size_t const used = used_bytes(*leaf);
  return used < leaf->capacity / 2 ? rebuild(leaf, used + used / 8) : leaf;
}

uint64_t StreamLeafPolicy::lower_bound(Leaf const& leaf, Key const& key, uint64_t) {
  if (leaf.last < key) return leaf.entries;
  uint64_t slot = 0;
  for (StreamLeafReader reader(leaf); !reader.at_end() && reader.next().id() < key;) slot++;
  return slot;
}

StreamLeaf* StreamLeafPolicy::trimmed(Leaf* leaf) {
  size_t const used = used_bytes(*leaf);
  return block_heap_bytes(used) < leaf->capacity ? rebuild(leaf, used) : leaf;
}

}  // namespace holdfast
