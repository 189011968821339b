#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "memory/shared_buffer.h"
#include "structures/chunk.h"
#include "structures/counted_tree.h"
#include "structures/packed_entry.h"
#include "structures/stream_id.h"

namespace holdfast {

/// A field or value of an entry. Points into the stream, or to where an integer was printed.
struct StreamText {
  std::string_view bytes;
  SharedBuffer* buffer = nullptr;  ///< of a text over kInlineElementBytesMax, which holds nothing else; a borrowed reference
};

/// When a node is full: stream-node-max-bytes and stream-node-max-entries.
struct StreamNodeLimits {
  uint64_t bytes;    ///< of the node as a listpack of Redis; 0: kStreamNodeBytesMax
  uint64_t entries;  ///< with those deleted since; 0: no limit
};

/// Largest node of a stream and longest entry, bytes.
inline constexpr uint64_t kStreamNodeBytesMax = uint64_t{1} << 30;

// The leaf of a stream's tree: a node, one block.
//
//   | head | names of the fields of its first entry | garbage | entries -> | free |
//
//   entry = head byte, [varint], [varint], { [varint pairs, fields and] values }
//
//     bit 0     the fields are those of the first entry: only values follow
//     bits 1-2  sequence number: 0 -> 0, 1 -> same ms as the entry before, its number + 1, 2 -> a varint (the number)
//     bits 3-7  ms since the entry before; 31 -> a varint of the ms beyond 31
//
//   text = length byte 0..175, bytes | 176..190 and a byte: 176 + ((first - 176) << 8) + second, bytes
//        | 191, SharedBuffer* (over kInlineElementBytesMax)
//        | 192..223 and a byte: an integer of 13 bits | 224..231: one of 1..8 bytes, signed, little endian
//
// Integers are in the place of their canonical texts, but not among the names.
// Holds what a listpack node of Redis holds, in less than two thirds of its bytes, and is filled by the same rule: a node of
// Redis's is a leaf here and back. `packed_bytes` is kept for that. A deleted entry goes at once, but counts as appended.
// Erasing from the front only moves `begin` (and `base`, the id the first entry counts from).
// Not thread-safe; who changes a leaf has its only reference.
struct StreamLeaf : ChunkHeader {
  uint32_t entries = 0;
  uint32_t appended = 0;  // and deleted since
  uint32_t fields = 0;    // names in front
  uint32_t begin = 0;     // of the entries, from the start of the leaf
  uint32_t end = 0;
  uint32_t names_end = 0;
  uint32_t packed_bytes = 0;  // as a listpack, without the two numbers that change (entries, deleted)
  uint32_t tail_begin = 0;    // of the last entry
  StreamId master{};          // the first id that was appended
  StreamId base{};            // that the first entry counts from
  StreamId tail{};            // of the last entry
  StreamId last{};            // the last id that was appended; its entry may be deleted
  uint64_t big_bytes = 0;     // of shared buffers

  explicit StreamLeaf(uint32_t bytes) : ChunkHeader(bytes) {}

  char const* names() const { return reinterpret_cast<char const*>(this + 1); }
  char* at(size_t offset) { return reinterpret_cast<char*>(this) + offset; }
  char const* at(size_t offset) const { return reinterpret_cast<char const*>(this) + offset; }
  size_t offset_of(char const* place) const { return static_cast<size_t>(place - at(0)); }
};
static_assert(sizeof(StreamLeaf) == 112);

namespace stream_text {

inline constexpr uint8_t kShortMax = 175;
inline constexpr uint8_t kLong = 176;
inline constexpr uint8_t kBig = 191;
inline constexpr uint8_t kInteger13 = 192;
inline constexpr uint8_t kIntegerBytes = 224;  // of one byte
static_assert(kInlineElementBytesMax < kLong + ((kBig - kLong) << 8));

/// By first byte: bytes of the whole text; 0 = long, in which the length must be read.
inline constexpr std::array<uint8_t, 256> kBytesByHead = [] {
  std::array<uint8_t, 256> bytes{};
  for (size_t head = 0; head <= kShortMax; head++) bytes[head] = static_cast<uint8_t>(1 + head);
  bytes[kBig] = 1 + sizeof(SharedBuffer*);
  for (size_t head = kInteger13; head < kIntegerBytes; head++) bytes[head] = 2;
  for (size_t size = 1; size <= sizeof(int64_t); size++) bytes[kIntegerBytes - 1 + size] = static_cast<uint8_t>(1 + size);
  return bytes;
}();

inline SharedBuffer* big(char const* at) {
  SharedBuffer* buffer;
  std::memcpy(&buffer, at + 1, sizeof buffer);
  return buffer;
}
inline char const* skip(char const* at) {
  auto const head = static_cast<uint8_t>(*at);
  size_t const bytes = kBytesByHead[head];
  if (bytes != 0) [[likely]] return at + bytes;
  return at + 2 + kLong + ((head - size_t{kLong}) << 8) + static_cast<uint8_t>(at[1]);
}
/// Precondition: an integer starts here.
inline int64_t integer(char const* at) {
  auto const head = static_cast<uint8_t>(*at);
  if (head < kIntegerBytes) return (head - kInteger13) << 8 | static_cast<uint8_t>(at[1]);
  size_t const size = head - kIntegerBytes + size_t{1};
  uint64_t bits = 0;
  std::memcpy(&bits, at + 1, size);
  size_t const spare = 64 - 8 * size;
  return static_cast<int64_t>(bits << spare) >> spare;
}
/// Reads one text and moves `at` behind it. What it says is valid as long as the leaf and the scratch.
inline StreamText read(char const*& at, packed::TextScratch& scratch) {
  char const* from = at;
  auto const head = static_cast<uint8_t>(*from);
  at = skip(from);
  if (head <= kShortMax) [[likely]] return {{from + 1, head}};
  if (head == kBig) return {big(from)->view(), big(from)};
  if (head > kBig) return {packed::Element::of_integer(integer(from)).as_text(scratch)};
  return {{from + 2, static_cast<size_t>(at - from - 2)}};
}

}  // namespace stream_text

/// An entry of a leaf, while the leaf stays as it is.
class StreamEntry {
 public:
  StreamId id() const { return id_; }
  /// Of field and value.
  uint32_t pairs() const { return pairs_; }
  bool same_fields() const { return names_ != nullptr; }
  /// Calls `visit(StreamText field, StreamText value)` for each pair; they are valid during the call.
  template <class Visit>
  void for_each_pair(Visit&& visit) const {
    char const* names = names_;
    char const* at = texts_;
    packed::TextScratch field_scratch;
    packed::TextScratch value_scratch;
    for (uint32_t i = 0; i < pairs_; i++) {
      StreamText const field = stream_text::read(names ? names : at, field_scratch);
      StreamText const value = stream_text::read(at, value_scratch);
      visit(field, value);
    }
  }
  /// Fields (unless they are the leaf's) and values, as they lie in the leaf.
  char const* texts() const { return texts_; }

 private:
  friend class StreamLeafReader;
  StreamId id_;
  uint32_t pairs_ = 0;
  char const* names_ = nullptr;  // when they are the leaf's
  char const* texts_ = nullptr;
};

/// Walks over the entries of a leaf from its first one.
class StreamLeafReader {
 public:
  StreamLeafReader() = default;
  explicit StreamLeafReader(StreamLeaf const& leaf) : leaf_(&leaf), at_(leaf.at(leaf.begin)), id_(leaf.base) {}
  /// Goes on at an entry that starts at `offset`; `before` is the id of the one before.
  StreamLeafReader(StreamLeaf const& leaf, size_t offset, StreamId before)
      : leaf_(&leaf), at_(leaf.at(offset)), id_(before) {}

  bool at_end() const { return offset() == leaf_->end; }
  /// Where the next entry starts, and the id that it counts from.
  size_t offset() const { return leaf_->offset_of(at_); }
  StreamId before() const { return id_; }

  /// The id of the next entry, which stays the next one. Precondition: not at_end().
  StreamId peek_id() const {
    char const* at = at_;
    StreamId id = id_;
    read_id(at, id);
    return id;
  }
  /// How many bytes name it. Precondition: not at_end().
  size_t id_bytes() const {
    char const* at = at_;
    StreamId id = id_;
    read_id(at, id);
    return static_cast<size_t>(at - at_);
  }
  /// Precondition: not at_end().
  StreamEntry next() {
    StreamEntry entry;
    bool const same_fields = read_id(at_, id_);
    entry.id_ = id_;
    uint32_t texts;
    if (same_fields) {
      entry.names_ = leaf_->names();
      entry.pairs_ = texts = leaf_->fields;
    } else {
      entry.pairs_ = static_cast<uint32_t>(read_varint(at_));
      texts = 2 * entry.pairs_;
    }
    entry.texts_ = at_;
    for (; texts > 0; texts--) at_ = stream_text::skip(at_);
    return entry;
  }
  /// The same without a look at the entry.
  void skip() { next(); }

  /// The last entry of a leaf that has one.
  static StreamEntry tail(StreamLeaf const& leaf) {
    StreamEntry entry = StreamLeafReader(leaf, leaf.tail_begin, leaf.base).next();
    entry.id_ = leaf.tail;  // what it counts from was not known
    return entry;
  }

 private:
  static uint64_t read_varint(char const*& at) {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      auto const byte = static_cast<uint8_t>(*at++);
      value |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
  }
  /// Makes of the id before the one of the entry. Returns whether its fields are the leaf's.
  static bool read_id(char const*& at, StreamId& id) {
    auto const head = static_cast<uint8_t>(*at++);
    unsigned const number = (head >> 1) & 3;
    if (number == 1) {
      id.seq++;
    } else {
      uint64_t ms = head >> 3;
      if (ms == 31) ms += read_varint(at);
      id.ms += ms;
      id.seq = number == 0 ? 0 : read_varint(at);
    }
    return (head & 1) != 0;
  }

  StreamLeaf const* leaf_ = nullptr;
  char const* at_ = nullptr;
  StreamId id_;
};

/// How CountedTree handles a StreamLeaf, and what StreamEntries does with one.
struct StreamLeafPolicy {
  static constexpr bool kKeyed = true;
  using Leaf = StreamLeaf;
  using Key = StreamId;
  using Head = StreamId;
  using Tail = NoSeparator;

  static uint64_t count(Leaf const& leaf) { return leaf.entries; }
  static size_t bytes(Leaf const& leaf) { return leaf.capacity + leaf.big_bytes; }
  static Leaf* copy(Leaf const& leaf);
  static void destroy(Leaf* leaf);
  /// Nodes stay as they were filled: trimming goes by them.
  static Leaf* joined(Leaf const&, Leaf const&) { return nullptr; }
  static Leaf* erase(Leaf* leaf, uint64_t first, uint64_t last);
  static Head head(Key const& key) { return key; }
  static void separate(Leaf const&, Leaf const& right, Head& head, Tail&) {
    head = StreamLeafReader(right).peek_id();
  }
  static uint64_t lower_bound(Leaf const& leaf, Key const& key, uint64_t guess);

  /// A leaf without entries whose names are texts 0, step, 2 * step, ...; `id` is the first that will be appended, or a
  /// lesser one.
  static Leaf* make(StreamId id, std::span<std::string_view const> texts, size_t step);
  /// Whether the node is full for an entry of so many bytes of texts.
  static bool full(Leaf const& leaf, uint64_t text_bytes, StreamNodeLimits const& limits);
  /// Puts an entry behind all others; may move the leaf. Precondition: leaf->last < id (or it is the first one).
  static Leaf* append(Leaf* leaf, StreamId id, std::span<std::string_view const> pairs);
  /// The same of an entry out of a file: `texts` holds fields and values, or only values when the fields are the leaf's.
  static Leaf* append_texts(Leaf* leaf, StreamId id, bool same_fields, std::span<std::string_view const> texts);
  /// The same entries in a block without spare room.
  static Leaf* trimmed(Leaf* leaf);
};

}  // namespace holdfast
