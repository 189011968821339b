#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "base/check.h"
#include "memory/block_heap.h"
#include "structures/chunk.h"

namespace holdfast {

// A leaf of a HashDirectory (hash_directory.h): the packed entries whose hash begins with one prefix of `depth` bits.
//
//   header, 16 bytes | end of group 0 (u16) | end of group 1 | ... | entries of group 0 | of group 1 | ... | free
//
// The next `group_bits` bits of the hash choose the group, a run of 32 to 64 bytes on average. A lookup reads one end,
// then walks the one or two cache lines of its group. There is neither a fingerprint nor an offset per entry, which
// would be 3 or 4 bytes: an entry of 11 bytes has 0.5 bytes of bookkeeping. And groups stand in the order of the hash,
// so that splitting a chunk is cutting it in the middle. The price is that an insert moves the bytes behind it (0.7 KiB
// on average, one memmove).
//
// Blocks are of the size classes of the allocator and grow one class at a time, so they are 0.9 full on average.

/// A chunk that has to grow beyond this splits instead, if it has kSplitEntriesMin entries. Half of kChunkBytesMax:
/// inserts move half as much, and a write to a frozen map copies half as much, for 2 % more memory.
inline constexpr size_t kSplitBytes = 2048;
/// With fewer entries a chunk grows up to kChunkBytesMax: a handful of big entries divides badly.
inline constexpr uint32_t kSplitEntriesMin = 8;
/// Two neighbours merge when the result has at most so many bytes: far enough from kSplitBytes not to swing.
inline constexpr size_t kMergeBytes = 1280;

/// Expiry as chunks and nodes know it: units of 1.024 s since 1970, rounded down.
inline constexpr uint32_t kNeverDue = std::numeric_limits<uint32_t>::max();
inline uint32_t due_unit(int64_t unix_ms) {
  return unix_ms <= 0 ? 0 : static_cast<uint32_t>(std::min<int64_t>(unix_ms >> 10, kNeverDue - 1));
}
inline int64_t due_unit_ms(uint32_t unit) { return int64_t{unit} << 10; }

struct HashChunk {
  static constexpr int kGroupBitsMax = 6;
  /// The ends of groups are 16-bit numbers.
  static constexpr size_t kUsedMax = 65535;

  ChunkHeader header;
  uint32_t due = kNeverDue;  ///< no entry expires before this unit
  uint16_t count = 0;
  uint8_t depth;
  uint8_t group_bits : 3;
  uint8_t may_have_references : 1 = 0;  ///< some entry may hold a reference that copying and freeing must count

  HashChunk(size_t capacity, int depth_now, int bits)
      : header(static_cast<uint32_t>(capacity)),
        depth(static_cast<uint8_t>(depth_now)),
        group_bits(static_cast<uint8_t>(bits & 7)) {
    std::fill_n(ends(), groups(), uint16_t{0});
  }

  size_t groups() const { return size_t{1} << group_bits; }
  size_t ends_bytes() const { return groups() * sizeof(uint16_t); }
  uint16_t* ends() { return reinterpret_cast<uint16_t*>(this + 1); }
  uint16_t const* ends() const { return reinterpret_cast<uint16_t const*>(this + 1); }
  char* data() { return reinterpret_cast<char*>(this + 1) + ends_bytes(); }
  char const* data() const { return reinterpret_cast<char const*>(this + 1) + ends_bytes(); }
  size_t data_bytes() const { return ends()[groups() - 1]; }
  char const* data_end() const { return data() + data_bytes(); }
  /// Bytes in use, header included.
  size_t used() const { return sizeof(HashChunk) + ends_bytes() + data_bytes(); }
  size_t free() const { return header.capacity - used(); }

  /// The group of a hash that belongs to this chunk.
  size_t group_of(uint64_t hash) const { return group_of(hash, depth, group_bits); }
  static size_t group_of(uint64_t hash, int depth, int bits) { return (hash << depth) >> 1 >> (63 - bits); }
  char* group_begin(size_t group) { return data() + group_start(group); }
  char const* group_begin(size_t group) const { return data() + group_start(group); }
  char* group_end(size_t group) { return data() + ends()[group]; }
  char const* group_end(size_t group) const { return data() + ends()[group]; }

  /// Room for a new entry at the end of its group. Precondition: free() >= bytes, the chunk is unique.
  char* open(size_t group, size_t bytes) {
    char* place = group_end(group);
    shift(group, place, static_cast<ptrdiff_t>(bytes));
    count++;
    return place;
  }
  /// Takes the entry of `bytes` out. Precondition: the chunk is unique.
  void close(size_t group, char* entry, size_t bytes) {
    shift(group, entry + bytes, -static_cast<ptrdiff_t>(bytes));
    count--;
  }
  /// Gives the entry another size; its bytes up to the smaller of both stay. Precondition: free() >= growth, unique.
  void resize(size_t group, char* entry, size_t old_bytes, size_t new_bytes) {
    shift(group, entry + old_bytes, static_cast<ptrdiff_t>(new_bytes) - static_cast<ptrdiff_t>(old_bytes));
  }

  /// Bytes of the block that serves `used` bytes.
  static size_t capacity_for(size_t used) {
    if (used <= 64) return 64;
    size_t const step = std::max<size_t>(std::bit_floor(used - 1) / 4, 16);
    return (used + step - 1) / step * step;
  }
  /// Bits that make groups of 32 to 64 bytes.
  static int group_bits_for(size_t capacity) {
    return std::min(static_cast<int>(std::bit_width((capacity - 1) / 64)), kGroupBitsMax);
  }

  static HashChunk* make(size_t capacity, int depth, int bits) {
    return new (allocate_block(capacity)) HashChunk(capacity, depth, bits);
  }
  /// The same bytes in a block of `capacity` bytes. References that entries hold are not counted here.
  static HashChunk* copy(HashChunk const& from, size_t capacity) {
    HashChunk* to = make(capacity, from.depth, from.group_bits);
    to->take_summary(from);
    to->count = from.count;
    std::memcpy(to->ends(), from.ends(), from.ends_bytes() + from.data_bytes());
    return to;
  }
  void take_summary(HashChunk const& from) {
    due = std::min(due, from.due);
    may_have_references |= from.may_have_references;
  }

 private:
  size_t group_start(size_t group) const {
    uint16_t before;  // for group 0 these are the last bytes of the header, and not used
    std::memcpy(&before, reinterpret_cast<char const*>(this + 1) + group * sizeof before - sizeof before,
                sizeof before);
    return group == 0 ? 0 : before;
  }
  /// Moves everything from `from` (a place in or at the end of `group`) by `distance`.
  void shift(size_t group, char* from, ptrdiff_t distance) {
    std::memmove(from + distance, from, static_cast<size_t>(data_end() - from));
    for (size_t i = group; i < groups(); i++) ends()[i] = static_cast<uint16_t>(ends()[i] + distance);
  }
};
static_assert(sizeof(HashChunk) == 16);

/// Makes one chunk from the entries of others: at growth, splitting and merging.
template <class Entries>
class HashChunkBuilder {
 public:
  explicit HashChunkBuilder(Entries const& entries) : entries_(entries) {}

  /// Chunks with more bytes are only ever copied as they are (they exist only if the hash has failed).
  static constexpr size_t kBytesMax = 2 * kChunkBytesMax;

  /// Adds the entries in [begin, end) of `from`; they stay readable until `finish`.
  void add(HashChunk const& from, char const* begin, char const* end) {
    DCHECK(range_count_ < 2);
    ranges_[range_count_++] = {begin, end};
    sources_[range_count_ - 1] = &from;
    bytes_ += static_cast<size_t>(end - begin);
  }
  void add(HashChunk const& from) { add(from, from.data(), from.data_end()); }

  /// A chunk of `depth` with everything that was added, and at least `room` bytes free.
  HashChunk* finish(int depth, size_t room) {
    CHECK(bytes_ <= kBytesMax);
    int const bits = std::min(HashChunk::group_bits_for(sizeof(HashChunk) + bytes_ + room), Entries::kHashBits - depth);
    size_t const needed = sizeof(HashChunk) + (sizeof(uint16_t) << bits) + bytes_ + room;
    HashChunk* chunk = HashChunk::make(HashChunk::capacity_for(needed), depth, bits);
    uint8_t group_of_entry[kBytesMax];
    uint16_t* ends = chunk->ends();
    size_t count = 0;
    for_each([&](char const* entry, size_t bytes) {
      size_t const group = HashChunk::group_of(entries_.hash(entry), depth, bits);
      group_of_entry[count++] = static_cast<uint8_t>(group);
      ends[group] = static_cast<uint16_t>(ends[group] + bytes);
    });
    // From the sizes of groups to their starts; placing the entries moves these to the ends.
    uint16_t start = 0;
    for (size_t i = 0; i < chunk->groups(); i++) start = static_cast<uint16_t>(start + std::exchange(ends[i], start));
    chunk->count = static_cast<uint16_t>(count);
    count = 0;
    for_each([&](char const* entry, size_t bytes) {
      uint16_t& end = ends[group_of_entry[count++]];
      std::memcpy(chunk->data() + end, entry, bytes);
      end = static_cast<uint16_t>(end + bytes);
    });
    for (int i = 0; i < range_count_; i++) chunk->take_summary(*sources_[i]);
    return chunk;
  }

 private:
  struct Range {
    char const* begin;
    char const* end;
  };

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (int i = 0; i < range_count_; i++) {
      for (char const* entry = ranges_[i].begin; entry < ranges_[i].end;) {
        size_t const bytes = Entries::bytes(entry);
        visit(entry, bytes);
        entry += bytes;
      }
    }
  }

  Entries const& entries_;
  Range ranges_[2];
  HashChunk const* sources_[2];
  int range_count_ = 0;
  size_t bytes_ = 0;
};

}  // namespace holdfast
