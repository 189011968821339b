#pragma once

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "base/check.h"

namespace holdfast {

// The hash table of the key space and of every large collection: extendible hashing over segments of cache-line buckets.
//
//   directory (2^depth entries, indexed by the top bits of the hash)
//     |-> segment: 1..63 buckets, home bucket = next bits of the hash scaled to the bucket count
//           |-> bucket, 64 bytes:  9 fingerprints | 1 meta byte | 9 x 6-byte pointer
//
// * The order of (segment, home bucket) is the order of the hash: growing or splitting never moves an entry across a scan
//   position, so a cursor that is a hash prefix keeps SCAN's guarantee, whatever the table does between two calls.
// * A full home bucket spills into one of the next kProbes - 1 buckets of its segment (cyclic). The meta byte of the home
//   bucket remembers the largest distance (3 bits), so a lookup of an unspilled key touches one bucket.
// * A segment that cannot place an entry grows to the next bucket count; at the largest it splits in two. No operation ever
//   touches more than one segment (567 entries), so there is no rehash pause.
// * The other 5 bits of the meta byte are the snapshot epoch of the bucket: `before_change` of the traits is called with a
//   bucket before anything in it changes.
//
// Cost: 7.1 bytes per slot; load 0.75..0.95, about 8.5 bytes per entry, plus 8 bytes per directory entry and 64 per segment.
// Thread rule: none of its own; the owner of the table locks.
//
// Traits:
//   using Entry = ...;                               entries are `Entry*` with 48 significant bits, not null
//   uint64_t hash(Entry const*)                      full hash of an entry
//   void before_change(Bucket&)                      see above; may be empty
//   uint8_t epoch()                                  epoch given to new buckets
//   struct SegmentExtra                              owner's data per segment (trivially copyable, value-initialised)
//   void merge(SegmentExtra& into, SegmentExtra from)  when a segment is rebuilt
//   void* allocate(size_t bytes), release(void*, size_t bytes)  memory of a segment, at most 4 KiB, aligned to 64

/// Asks the processor for the cache line at `address`. Not __builtin_prefetch: g++ 12 takes a function that does nothing else
/// for one without effect, and drops the calls.
inline void prefetch_line(void const* address) { asm volatile("prefetcht0 %0" : : "m"(*static_cast<char const*>(address))); }

struct alignas(64) Bucket {
  static constexpr int kSlots = 9;

  uint8_t fingerprints[kSlots];  // 0 = empty slot
  uint8_t meta;                  // bits 0..2 largest probe distance of entries at home here, bits 3..7 snapshot epoch
  uint8_t pointers[kSlots][6];

  /// Bit i set: slot i holds `fingerprint`.
  uint32_t match(uint8_t fingerprint) const {
    __m128i bytes = _mm_load_si128(reinterpret_cast<__m128i const*>(this));
    __m128i equal = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(static_cast<char>(fingerprint)));
    return static_cast<uint32_t>(_mm_movemask_epi8(equal)) & 0x1FF;
  }
  uint32_t occupied() const { return ~match(0) & 0x1FF; }

  void* pointer(int slot) const {
    uint64_t word;  // the two bytes before the pointer are in the bucket as well
    std::memcpy(&word, reinterpret_cast<char const*>(this) + 8 + slot * 6, sizeof word);
    return reinterpret_cast<void*>(word >> 16);
  }
  void set_pointer(int slot, void const* pointer) {
    auto word = reinterpret_cast<uint64_t>(pointer);
    DCHECK(word >> 48 == 0);
    std::memcpy(pointers[slot], &word, 6);
  }
  int distance() const { return meta & 7; }
  void raise_distance(int distance_now) {
    if (distance_now > distance()) meta = static_cast<uint8_t>((meta & ~7) | distance_now);
  }
  uint8_t epoch() const { return meta >> 3; }
  void set_epoch(uint8_t epoch) { meta = static_cast<uint8_t>((meta & 7) | (epoch << 3)); }
};
static_assert(sizeof(Bucket) == 64);

template <class Traits>
class SegmentedTable {
 public:
  using Entry = typename Traits::Entry;
  using SegmentExtra = typename Traits::SegmentExtra;

  static constexpr int kProbes = 8;
  static constexpr uint32_t kBucketsMax = 63;
  static constexpr uint8_t kEpochs = 32;
  /// So much of an entry is asked for in advance: small entries mostly lie across two lines.
  static constexpr size_t kEntryBytesPrefetched = 56;

  struct alignas(64) Segment {
    SegmentExtra extra{};
    uint32_t entries = 0;
    uint8_t bucket_count = 0;
    uint8_t depth = 0;
    Bucket* buckets() { return reinterpret_cast<Bucket*>(this + 1); }
  };
  static_assert(sizeof(Segment) == 64);

  /// Where an entry is. Valid until the next change of the table.
  struct Slot {
    Segment* segment = nullptr;
    Bucket* bucket = nullptr;
    int index = 0;
    explicit operator bool() const { return bucket != nullptr; }
    Entry* entry() const { return static_cast<Entry*>(bucket->pointer(index)); }
  };

  explicit SegmentedTable(Traits traits) : traits_(std::move(traits)) {
    directory_.push_back(pack(make_segment(1, 0)));
  }
  ~SegmentedTable() {
    Segment* last = nullptr;
    for (uint64_t packed : directory_) {
      Segment* segment = unpack(packed);
      if (segment != last) free_segment(segment);
      last = segment;
    }
  }
  SegmentedTable(SegmentedTable const&) = delete;
  SegmentedTable& operator=(SegmentedTable const&) = delete;

  Traits& traits() { return traits_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// Bytes of segments and directory.
  size_t memory_bytes() const { return segment_bytes_ + directory_.capacity() * sizeof(uint64_t); }
  /// Slots there are (INFO, DEBUG HTSTATS).
  size_t slot_count() const { return bucket_total_ * Bucket::kSlots; }

  /// The entry with this hash for which `equal(Entry const*)` holds.
  template <class Equal>
  Slot find(uint64_t hash, Equal&& equal) const {
    uint64_t packed = directory_[directory_index(hash)];
    Segment* segment = unpack(packed);
    uint32_t count = packed_count(packed);
    uint32_t home = home_bucket(hash, packed_depth(packed), count);
    Bucket* buckets = segment->buckets();
    uint8_t fingerprint = fingerprint_of(hash);
    int distance = buckets[home].distance();
    for (int step = 0; step <= distance; step++) {
      Bucket* bucket = &buckets[wrap(home + static_cast<uint32_t>(step), count)];
      for (uint32_t found = bucket->match(fingerprint); found; found &= found - 1) {
        int index = __builtin_ctz(found);
        if (equal(static_cast<Entry const*>(bucket->pointer(index)))) return {segment, bucket, index};
      }
    }
    return {};
  }

  /// Makes room in an empty table for about so many entries at the load that growth leads to, so that filling it moves
  /// nothing. A hint: more or fewer may come.
  void reserve(size_t entries) {
    constexpr size_t kSegmentEntries = 400;  // 0.7 of the largest segment: the fuller ones of random hashes fit as well
    constexpr size_t kBucketEntries = 7;
    if (size_ != 0 || depth_ != 0 || entries <= kSegmentEntries) return;
    while (entries >> depth_ > kSegmentEntries) depth_++;
    size_t const buckets = (entries >> depth_) / kBucketEntries + 1;
    auto const count = *std::find_if(kSizes.begin(), kSizes.end(), [&](uint8_t size) { return size >= buckets; });
    free_segment(unpack(directory_.front()));
    directory_.resize(size_t{1} << depth_);
    for (uint64_t& packed : directory_) packed = pack(make_segment(count, depth_));
  }

  /// Asks the processor for the home bucket of `hash`.
  void prefetch_bucket(uint64_t hash) const {
    uint64_t packed = directory_[directory_index(hash)];
    prefetch_line(unpack(packed)->buckets() + home_bucket(hash, packed_depth(packed), packed_count(packed)));
  }
  /// Asks the processor for the entry that `hash` probably has (reads the home bucket).
  void prefetch_entry(uint64_t hash) const {
    uint64_t packed = directory_[directory_index(hash)];
    Bucket const& bucket = unpack(packed)->buckets()[home_bucket(hash, packed_depth(packed), packed_count(packed))];
    uint32_t found = bucket.match(fingerprint_of(hash));
    if (!found) return;
    auto const* entry = static_cast<char const*>(bucket.pointer(__builtin_ctz(found)));
    prefetch_line(entry);
    prefetch_line(entry + kEntryBytesPrefetched - 1);
  }

  /// Precondition: no equal entry is in the table. Returns where it is now.
  Slot insert(uint64_t hash, Entry* entry) {
    while (true) {
      uint64_t packed = directory_[directory_index(hash)];
      Segment* segment = unpack(packed);
      if (Slot slot = place(segment, hash, entry)) {
        segment->entries++;
        size_++;
        return slot;
      }
      grow(segment, hash);
    }
  }

  /// Puts another pointer in the place of an entry with the same key. The bucket is saved first.
  void replace(Slot slot, Entry* entry) {
    traits_.before_change(*slot.bucket);
    slot.bucket->set_pointer(slot.index, entry);
  }
  /// Says that the entry itself is about to change in place.
  void before_change(Slot slot) { traits_.before_change(*slot.bucket); }

  void erase(Slot slot) {
    traits_.before_change(*slot.bucket);
    slot.bucket->fingerprints[slot.index] = 0;
    slot.bucket->set_pointer(slot.index, nullptr);
    slot.segment->entries--;
    size_--;
    shrink_if_sparse(slot.segment, 0);
  }

  /// One step of a scan: calls `visit(Entry*)` for every entry at home in the bucket that `position` (a 48-bit hash prefix)
  /// falls in, and returns the position of the next bucket; 0 after the last. `visit` must not change the table.
  template <class Visit>
  uint64_t scan(uint64_t position, Visit&& visit) {
    uint64_t hash = position << 16;
    uint64_t packed = directory_[directory_index(hash)];
    Segment* segment = unpack(packed);
    uint32_t count = packed_count(packed);
    int depth = packed_depth(packed);
    uint32_t home = home_bucket(hash, depth, count);
    int distance = segment->buckets()[home].distance();
    for (int step = 0; step <= distance; step++) {
      Bucket& bucket = segment->buckets()[wrap(home + static_cast<uint32_t>(step), count)];
      for (uint32_t found = bucket.occupied(); found; found &= found - 1) {
        auto* entry = static_cast<Entry*>(bucket.pointer(__builtin_ctz(found)));
        if (home_bucket(traits_.hash(entry), depth, count) == home) visit(entry);
      }
    }
    uint64_t segment_start = depth == 0 ? 0 : position >> (48 - depth) << (48 - depth);
    uint64_t span = uint64_t{1} << (48 - depth);
    // The first prefix whose scaled value is home + 1: ceil((home + 1) * span / count), in steps of the 32-bit fraction.
    uint64_t fraction = (((uint64_t{home} + 1) << 32) + count - 1) / count;
    uint64_t next = home + 1 == count ? segment_start + span : segment_start + scale_fraction(fraction, depth);
    return next >> 48 ? 0 : next;
  }

  /// Calls `visit(Segment&)` for the segment that `position` (a 48-bit hash prefix) falls in and moves `position` to the
  /// next segment. False when that was the last. `visit` may change entries in place and erase through `erase_in_visit`.
  template <class Visit>
  bool visit_segment(uint64_t& position, Visit&& visit) {
    uint64_t packed = directory_[directory_index(position << 16)];
    int depth = packed_depth(packed);
    uint64_t start = depth == 0 ? 0 : position >> (48 - depth) << (48 - depth);
    position = start + (uint64_t{1} << (48 - depth));
    visit(*unpack(packed));
    return (position >> 48) == 0;
  }

  /// The segment an entry of this hash lives in.
  Segment* segment_of(uint64_t hash) const { return unpack(directory_[directory_index(hash)]); }

  // Defragmentation. Whatever moves keeps its content and its place in the order of hashes, so that nothing that lasts from one
  // step to the next (scan positions, hash prefixes) notices; buckets keep their epochs.

  /// Puts another pointer in the place of an entry that has moved, with all its bytes: nothing changes that the snapshot
  /// would have to see.
  void relocate(Bucket& bucket, int index, Entry* entry) { bucket.set_pointer(index, entry); }

  /// The segment of `hash`: made smaller, or joined with its other half, when it became far too large (`rebuilds`);
  /// otherwise moved to where `better_place(Segment*, size_t bytes)` says (null: it stands well). True when it changed.
  template <class BetterPlace>
  bool compact_segment(uint64_t hash, bool rebuilds, BetterPlace&& better_place) {
    Segment* const segment = segment_of(hash);
    if (rebuilds && join_halves(segment, hash)) return true;
    if (rebuilds) shrink_if_sparse(segment, hash);
    if (segment_of(hash) != segment) return true;
    size_t const bytes = bytes_of(*segment);
    void* const place = better_place(segment, bytes);
    if (!place) return false;
    std::memcpy(place, static_cast<void const*>(segment), bytes);
    point_directory(hash, static_cast<Segment*>(place));
    traits_.release(segment, bytes);
    return true;
  }

  /// Halves the directory as long as no segment needs all of it.
  void compact_directory() {
    while (depth_ > 0) {
      for (size_t i = 0; i < directory_.size(); i += 2) {
        if (directory_[i] != directory_[i + 1]) return;
      }
      std::vector<uint64_t> halved(directory_.size() / 2);
      for (size_t i = 0; i < halved.size(); i++) halved[i] = directory_[i * 2];
      directory_ = std::move(halved);
      depth_--;
    }
  }

  /// As erase, for use while the segment is being walked: never reorganises it.
  void erase_in_visit(Segment& segment, Bucket& bucket, int index) {
    traits_.before_change(bucket);
    bucket.fingerprints[index] = 0;
    bucket.set_pointer(index, nullptr);
    segment.entries--;
    size_--;
  }

  /// Calls `visit(Entry*)` for every entry; the table must not change meanwhile.
  template <class Visit>
  void for_each(Visit&& visit) {
    uint64_t position = 0;
    bool more = true;
    while (more) {
      more = visit_segment(position, [&](Segment& segment) {
        for (uint32_t i = 0; i < segment.bucket_count; i++) {
          Bucket& bucket = segment.buckets()[i];
          for (uint32_t found = bucket.occupied(); found; found &= found - 1) {
            visit(static_cast<Entry*>(bucket.pointer(__builtin_ctz(found))));
          }
        }
      });
    }
  }

  /// Some entry, starting to look at the bucket of `hash`. Null when the table is empty. Fair as far as buckets are alike.
  Entry* sample(uint64_t hash) const {
    if (size_ == 0) return nullptr;
    size_t index = directory_index(hash);
    while (true) {
      Segment* segment = unpack(directory_[index]);
      if (segment->entries) {
        uint32_t count = segment->bucket_count;
        auto start = static_cast<uint32_t>((hash & 0xFFFFFFFF) * count >> 32);
        for (uint32_t i = 0; i < count; i++) {
          Bucket const& bucket = segment->buckets()[wrap(start + i, count)];
          uint32_t found = bucket.occupied();
          if (!found) continue;
          for (auto skip = static_cast<int>((hash >> 32) % static_cast<uint32_t>(__builtin_popcount(found))); skip > 0; skip--) {
            found &= found - 1;
          }
          return static_cast<Entry*>(bucket.pointer(__builtin_ctz(found)));
        }
      }
      index = (index + 1) & (directory_.size() - 1);
    }
  }

 private:
  // Segment sizes in buckets: with its 64-byte head each is a size of which 16 KiB hold some without much waste.
  static constexpr std::array<uint8_t, 16> kSizes = {1, 2, 3, 4, 5, 7, 9, 11, 15, 20, 24, 31, 35, 41, 50, 63};

  static uint64_t pack(Segment* segment) {
    return reinterpret_cast<uint64_t>(segment) | uint64_t{segment->bucket_count} << 48 | uint64_t{segment->depth} << 56;
  }
  static Segment* unpack(uint64_t packed) { return reinterpret_cast<Segment*>(packed & 0xFFFFFFFFFFFF); }
  static uint32_t packed_count(uint64_t packed) { return (packed >> 48) & 0xFF; }
  static int packed_depth(uint64_t packed) { return static_cast<int>(packed >> 56); }

  static uint8_t fingerprint_of(uint64_t hash) {
    auto low = static_cast<uint8_t>(hash);
    return low ? low : 0xA5;
  }
  size_t directory_index(uint64_t hash) const { return depth_ == 0 ? 0 : hash >> (64 - depth_); }
  static uint32_t home_bucket(uint64_t hash, int depth, uint32_t count) {
    return static_cast<uint32_t>(((hash << depth) >> 32) * count >> 32);
  }
  static uint32_t wrap(uint32_t bucket, uint32_t count) { return bucket < count ? bucket : bucket % count; }
  /// `fraction` / 2^32 of a segment of this depth, as a 48-bit prefix distance, rounded up.
  static uint64_t scale_fraction(uint64_t fraction, int depth) {
    if (depth <= 16) return fraction << (16 - depth);
    int shift = depth - 16;
    return (fraction + (uint64_t{1} << shift) - 1) >> shift;
  }

  static size_t bytes_of(Segment const& segment) { return sizeof(Segment) + segment.bucket_count * sizeof(Bucket); }
  Segment* make_segment(uint32_t count, int depth) {
    size_t bytes = sizeof(Segment) + count * sizeof(Bucket);
    void* block = traits_.allocate(bytes);
    std::memset(block, 0, bytes);
    auto* segment = new (block) Segment;
    segment->bucket_count = static_cast<uint8_t>(count);
    segment->depth = static_cast<uint8_t>(depth);
    for (uint32_t i = 0; i < count; i++) segment->buckets()[i].set_epoch(traits_.epoch());
    segment_bytes_ += bytes;
    bucket_total_ += count;
    return segment;
  }
  void free_segment(Segment* segment) {
    size_t const bytes = bytes_of(*segment);
    segment_bytes_ -= bytes;
    bucket_total_ -= segment->bucket_count;
    traits_.release(segment, bytes);
  }

  Slot place(Segment* segment, uint64_t hash, Entry* entry) {
    uint32_t count = segment->bucket_count;
    uint32_t home = home_bucket(hash, segment->depth, count);
    int probes = std::min<int>(kProbes, static_cast<int>(count));
    for (int step = 0; step < probes; step++) {
      Bucket& bucket = segment->buckets()[wrap(home + static_cast<uint32_t>(step), count)];
      uint32_t free = bucket.match(0);
      if (!free) continue;
      int index = __builtin_ctz(free);
      traits_.before_change(bucket);
      bucket.fingerprints[index] = fingerprint_of(hash);
      bucket.set_pointer(index, entry);
      segment->buckets()[home].raise_distance(step);
      return {segment, &bucket, index};
    }
    return {};
  }

  void save_all(Segment* segment) {
    for (uint32_t i = 0; i < segment->bucket_count; i++) traits_.before_change(segment->buckets()[i]);
  }

  /// Moves every entry of `from` into `targets` (one, or two halves by the bit after the depth of `from`). False when one
  /// did not fit: then the targets are useless and `from` is as before.
  bool move_entries(Segment* from, Segment* low, Segment* high) {
    std::array<Entry*, kBucketsMax * Bucket::kSlots> entries;
    size_t count = 0;
    for (uint32_t i = 0; i < from->bucket_count; i++) {
      Bucket& bucket = from->buckets()[i];
      for (uint32_t found = bucket.occupied(); found; found &= found - 1) {
        auto* entry = static_cast<Entry*>(bucket.pointer(__builtin_ctz(found)));
        __builtin_prefetch(entry);
        entries[count++] = entry;
      }
    }
    for (size_t i = 0; i < count; i++) {
      uint64_t hash = traits_.hash(entries[i]);
      Segment* target = high && (hash << from->depth) >> 63 ? high : low;
      if (!place(target, hash, entries[i])) return false;
      target->entries++;
    }
    return true;
  }

  void point_directory(uint64_t hash, Segment* segment) {
    size_t span = size_t{1} << (depth_ - segment->depth);
    size_t first = directory_index(hash) & ~(span - 1);
    for (size_t i = first; i < first + span; i++) directory_[i] = pack(segment);
  }

  bool rebuild(Segment* segment, uint64_t hash, uint32_t count) {
    Segment* fresh = make_segment(count, segment->depth);
    if (!move_entries(segment, fresh, nullptr)) {
      free_segment(fresh);
      return false;
    }
    traits_.merge(fresh->extra, segment->extra);
    point_directory(hash, fresh);
    free_segment(segment);
    return true;
  }

  void grow(Segment* segment, uint64_t hash) {
    save_all(segment);
    for (uint8_t size : kSizes) {
      if (size > segment->bucket_count && rebuild(segment, hash, size)) return;
    }
    split(segment, hash);
  }

  void split(Segment* segment, uint64_t hash) {
    int depth = segment->depth;
    CHECK(depth < 40);
    if (depth == depth_) {
      std::vector<uint64_t> doubled(directory_.size() * 2);
      for (size_t i = 0; i < doubled.size(); i++) doubled[i] = directory_[i / 2];
      directory_ = std::move(doubled);
      depth_++;
    }
    for (uint32_t half : {31u, 35u, 41u, 50u, 63u}) {
      Segment* low = make_segment(half, depth + 1);
      Segment* high = make_segment(half, depth + 1);
      if (move_entries(segment, low, high)) {
        traits_.merge(low->extra, segment->extra);
        traits_.merge(high->extra, segment->extra);
        uint64_t bit = uint64_t{1} << (63 - depth);
        point_directory(hash & ~bit, low);
        point_directory(hash | bit, high);
        free_segment(segment);
        return;
      }
      free_segment(low);
      free_segment(high);
    }
    CHECK(!"a full segment does not fit into two segments of the same size: the hash is broken");
  }

  /// Joins the segment of `hash` with the other half of what both were split from, if together they fill at most half of the
  /// largest segment.
  bool join_halves(Segment* segment, uint64_t hash) {
    if (segment->depth == 0) return false;
    uint64_t const bit = uint64_t{1} << (64 - segment->depth);
    Segment* const other = segment_of(hash ^ bit);
    uint32_t const entries = segment->entries + other->entries;
    if (other->depth != segment->depth || entries * 2 > kBucketsMax * Bucket::kSlots) return false;
    save_all(segment);
    save_all(other);
    for (uint8_t size : kSizes) {
      if (size * uint32_t{Bucket::kSlots} * 3 < entries * 4) continue;
      Segment* joined = make_segment(size, segment->depth - 1);
      if (move_entries(segment, joined, nullptr) && move_entries(other, joined, nullptr)) {
        traits_.merge(joined->extra, segment->extra);
        traits_.merge(joined->extra, other->extra);
        point_directory(hash, joined);
        free_segment(segment);
        free_segment(other);
        return true;
      }
      free_segment(joined);
    }
    return false;
  }

  /// `hash`: some hash of the segment, or 0 when none is known.
  void shrink_if_sparse(Segment* segment, uint64_t hash) {
    if (segment->bucket_count < 4 || segment->entries * 4 > segment->bucket_count * uint32_t{Bucket::kSlots}) return;
    // Aim at a load of one half: room for both directions.
    for (uint8_t size : kSizes) {
      if (size * uint32_t{Bucket::kSlots} < segment->entries * 2) continue;
      if (size >= segment->bucket_count) return;
      if (hash == 0) hash = hash_inside(segment);
      save_all(segment);
      if (rebuild(segment, hash, size)) return;
    }
  }

  /// Some hash that belongs to the segment. The empty segment is found by a walk of the directory.
  uint64_t hash_inside(Segment* segment) const {
    for (uint32_t i = 0; i < segment->bucket_count; i++) {
      uint32_t found = segment->buckets()[i].occupied();
      if (found) return traits_.hash(static_cast<Entry*>(segment->buckets()[i].pointer(__builtin_ctz(found))));
    }
    for (size_t i = 0; i < directory_.size(); i++) {
      if (unpack(directory_[i]) == segment) return depth_ == 0 ? 0 : uint64_t{i} << (64 - depth_);
    }
    CHECK(!"a segment that is not in the directory");
    return 0;
  }

  Traits traits_;
  std::vector<uint64_t> directory_;
  int depth_ = 0;
  size_t size_ = 0;
  size_t segment_bytes_ = 0;
  size_t bucket_total_ = 0;
};

}  // namespace holdfast
