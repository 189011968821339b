#include "structures/score_leaf.h"

#include <algorithm>
#include <new>

#include "memory/block_heap.h"

namespace holdfast {
namespace {

constexpr size_t kHeadBytes = sizeof(ScoreLeaf);
constexpr size_t kContentBytesMax = kChunkBytesMax - kHeadBytes;
constexpr size_t kCacheLineBytes = 64;
/// A guess is searched around by so many slots: two standard deviations for evenly spread scores in a leaf of 150.
constexpr size_t kGuessSlots = 12;
constexpr size_t kBigRecordBytes = 1 + sizeof(SharedBuffer*);
static_assert(ScoreLeaf::kSlotBytes + 3 + kInlineElementBytesMax <= kContentBytesMax / 3, "a split must make room");

/// As in segmented_table.h: g++ 12 drops __builtin_prefetch in functions that do little else.
void prefetch_line(char const* address) { asm volatile("prefetcht0 %0" : : "m"(*address)); }
void prefetch_line(void const* address) { prefetch_line(static_cast<char const*>(address)); }

size_t record_bytes(std::string_view member) {
  if (member.size() < ScoreLeaf::kLongMember) return 1 + member.size();
  return member.size() <= kInlineElementBytesMax ? 3 + member.size() : kBigRecordBytes;
}

size_t record_bytes_at(char const* record) {
  auto const length = static_cast<uint8_t>(*record);
  if (length < ScoreLeaf::kLongMember) return 1 + size_t{length};
  if (length == ScoreLeaf::kBigMember) return kBigRecordBytes;
  uint16_t long_length;
  std::memcpy(&long_length, record + 1, sizeof long_length);
  return 3 + size_t{long_length};
}

bool is_big(char const* record) { return static_cast<uint8_t>(*record) == ScoreLeaf::kBigMember; }

/// Returns the bytes of the shared buffer if there must be one.
size_t write_record(char* record, std::string_view member) {
  if (member.size() < ScoreLeaf::kLongMember) {
    *record = static_cast<char>(member.size());
    std::memcpy(record + 1, member.data(), member.size());
    return 0;
  }
  if (member.size() <= kInlineElementBytesMax) {
    *record = static_cast<char>(ScoreLeaf::kLongMember);
    auto const length = static_cast<uint16_t>(member.size());
    std::memcpy(record + 1, &length, sizeof length);
    std::memcpy(record + 3, member.data(), member.size());
    return 0;
  }
  SharedBuffer* buffer = SharedBuffer::copy_of(member).detach();
  *record = static_cast<char>(ScoreLeaf::kBigMember);
  std::memcpy(record + 1, &buffer, sizeof buffer);
  return buffer->footprint();
}

size_t free_bytes(ScoreLeaf const& leaf) { return leaf.heap - kHeadBytes - leaf.entries * ScoreLeaf::kSlotBytes; }

void set_slot(ScoreLeaf* leaf, size_t slot, double score, size_t offset) {
  leaf->set_score(slot, score);
  auto const short_offset = static_cast<uint16_t>(offset);
  std::memcpy(leaf->slots() + slot * ScoreLeaf::kSlotBytes + 8, &short_offset, sizeof short_offset);
}

/// Copies entries [from, to) behind those of `leaf`, which has room. References of shared buffers come along.
void take_entries(ScoreLeaf* leaf, ScoreLeaf const& source, size_t from, size_t to) {
  for (size_t slot = from; slot < to; slot++) {
    char const* record = source.record(slot);
    size_t const bytes = record_bytes_at(record);
    leaf->heap = static_cast<uint16_t>(leaf->heap - bytes);
    std::memcpy(reinterpret_cast<char*>(leaf) + leaf->heap, record, bytes);
    set_slot(leaf, leaf->entries++, source.score(slot), leaf->heap);
    if (is_big(record)) leaf->big_bytes += ScoreLeaf::big_member(record)->footprint();
  }
}

void add_big_references(ScoreLeaf const& leaf) {
  if (leaf.big_bytes == 0) return;
  for (size_t slot = 0; slot < leaf.entries; slot++) {
    if (is_big(leaf.record(slot))) ScoreLeaf::big_member(leaf.record(slot))->add_ref();
  }
}

/// The same entries in another block, in order and without garbage; `leaf` is freed.
ScoreLeaf* rebuild(ScoreLeaf* leaf, size_t content) {
  ScoreLeaf* fresh = ScorePolicy::make(content);
  take_entries(fresh, *leaf, 0, leaf->entries);
  free_block(leaf, leaf->capacity);
  return fresh;
}

/// Removes entries [first, last); the leaf may become empty.
void remove_entries(ScoreLeaf* leaf, size_t first, size_t last) {
  for (size_t slot = first; slot < last; slot++) {
    char const* record = leaf->record(slot);
    size_t const bytes = record_bytes_at(record);
    if (is_big(record)) {
      SharedBuffer* buffer = ScoreLeaf::big_member(record);
      leaf->big_bytes -= buffer->footprint();
      buffer->release();
    }
    if (leaf->offset(slot) == leaf->heap) {
      leaf->heap = static_cast<uint16_t>(leaf->heap + bytes);
    } else {
      leaf->garbage = static_cast<uint16_t>(leaf->garbage + bytes);
    }
  }
  std::memmove(leaf->slots() + first * ScoreLeaf::kSlotBytes, leaf->slots() + last * ScoreLeaf::kSlotBytes,
               (leaf->entries - last) * ScoreLeaf::kSlotBytes);
  leaf->entries = static_cast<uint16_t>(leaf->entries - (last - first));
}

void place_entry(ScoreLeaf* leaf, size_t slot, ScoreKey const& key) {
  char* at = leaf->slots() + slot * ScoreLeaf::kSlotBytes;
  std::memmove(at + ScoreLeaf::kSlotBytes, at, (leaf->entries - slot) * ScoreLeaf::kSlotBytes);
  leaf->heap = static_cast<uint16_t>(leaf->heap - record_bytes(key.member));
  leaf->big_bytes += write_record(reinterpret_cast<char*>(leaf) + leaf->heap, key.member);
  set_slot(leaf, slot, key.score, leaf->heap);
  leaf->entries++;
}

}  // namespace

ScoreLeaf* ScorePolicy::make(size_t content) {
  size_t const bytes = std::min(kChunkBytesMax, block_heap_bytes(kHeadBytes + content));
  return new (allocate_block(bytes)) ScoreLeaf(static_cast<uint32_t>(bytes));
}

size_t ScorePolicy::entry_bytes(std::string_view member) { return Leaf::kSlotBytes + record_bytes(member); }

ScoreLeaf* ScorePolicy::copy(Leaf const& leaf) {
  auto* fresh = new (allocate_block(leaf.capacity)) ScoreLeaf(leaf.capacity);
  fresh->entries = leaf.entries;
  fresh->heap = leaf.heap;
  fresh->garbage = leaf.garbage;
  fresh->big_bytes = leaf.big_bytes;
  std::memcpy(fresh->slots(), leaf.slots(), leaf.entries * Leaf::kSlotBytes);
  std::memcpy(reinterpret_cast<char*>(fresh) + leaf.heap, reinterpret_cast<char const*>(&leaf) + leaf.heap,
              leaf.capacity - leaf.heap);
  add_big_references(leaf);
  return fresh;
}

void ScorePolicy::destroy(Leaf* leaf) {
  if (leaf->big_bytes != 0) {
    for (size_t slot = 0; slot < leaf->entries; slot++) {
      if (is_big(leaf->record(slot))) Leaf::big_member(leaf->record(slot))->release();
    }
  }
  free_block(leaf, leaf->capacity);
}

ScoreLeaf* ScorePolicy::joined(Leaf const& left, Leaf const& right) {
  size_t const content = content_bytes(left) + content_bytes(right);
  if (content > kContentBytesMax / 4 * 3) return nullptr;
  Leaf* fresh = make(content);
  take_entries(fresh, left, 0, left.entries);
  take_entries(fresh, right, 0, right.entries);
  add_big_references(*fresh);
  return fresh;
}

ScoreLeaf* ScorePolicy::erase(Leaf* leaf, uint64_t first, uint64_t last) {
  remove_entries(leaf, first, last);
  size_t const content = content_bytes(*leaf);
  return content < leaf->capacity / 2 ? rebuild(leaf, content + content / 8) : leaf;
}

void ScorePolicy::separate(Leaf const& left, Leaf const& right, Head& head, Tail& tail) {
  size_t const last = left.entries - 1u;
  head = right.score(0);
  tail.length = 0;
  tail.cut = 0;
  if (left.score(last) < head) return;
  std::string_view const below = left.member(last);
  std::string_view const above = right.member(0);
  // The shortest beginning of the member above that is over the member below.
  size_t const common = static_cast<size_t>(
      std::mismatch(below.begin(), below.begin() + static_cast<ptrdiff_t>(std::min(below.size(), above.size())),
                    above.begin())
          .first -
      below.begin());
  tail.cut = common + 1 > Tail::kBytesMax;
  tail.length = static_cast<uint8_t>(std::min(common + 1, Tail::kBytesMax)) & 0x7F;
  std::memcpy(tail.bytes, above.data(), tail.length);
}

int ScorePolicy::compare_tail(Key const& key, Tail const& tail) {
  std::string_view const known(tail.bytes, tail.length);
  int const order = tail.cut ? key.member.substr(0, known.size()).compare(known) : key.member.compare(known);
  if (order == 0) return tail.cut ? kCutTail : 0;
  return order < 0 ? -1 : 1;
}

uint64_t ScorePolicy::approach(Leaf const* leaf, uint64_t count, Key const& key, Head const* low, Head const* high) {
  prefetch_line(leaf);
  uint64_t guess = count / 2;
  if (low && high && *low < key.score && key.score < *high) {
    // Infinite separators make the fraction 0 or NaN; both only make the guess a bad one.
    double const fraction = (key.score - *low) / (*high - *low);
    if (fraction > 0 && fraction < 1) guess = static_cast<uint64_t>(fraction * static_cast<double>(count));
  }
  char const* const slots = leaf->slots();
  char const* const first = slots + (guess > kGuessSlots ? guess - kGuessSlots : 0) * Leaf::kSlotBytes;
  char const* const last = slots + std::min(count, guess + kGuessSlots) * Leaf::kSlotBytes;
  for (char const* line = first; line < last; line += kCacheLineBytes) prefetch_line(line);
  prefetch_line(last);
  return guess;
}

uint64_t ScorePolicy::lower_bound(Leaf const& leaf, Key const& key, uint64_t guess) {
  size_t const entries = leaf.entries;
  if (entries == 0) return 0;
  size_t base = 0;
  size_t count = entries;
  size_t const from = guess > kGuessSlots ? guess - kGuessSlots : 0;
  size_t const to = std::min<size_t>(entries, guess + kGuessSlots);
  if ((from == 0 || leaf.score(from - 1) < key.score) && (to == entries || leaf.score(to) >= key.score)) {
    base = from;
    count = to - from;
  } else {
    for (size_t eighth = 1; eighth < 8; eighth++) prefetch_line(leaf.slots() + entries * eighth / 8 * Leaf::kSlotBytes);
  }
  while (count > 1) {  // without branches: their outcome is a coin's
    size_t const half = count / 2;
    base += leaf.score(base + half - 1) < key.score ? half : 0;
    count -= half;
  }
  size_t low = base + (leaf.score(base) < key.score ? 1 : 0);
  if (low == entries || leaf.score(low) > key.score) return low;
  if (leaf.member(low) >= key.member) return low;
  low++;
  size_t high = entries;
  while (low < high) {
    size_t const middle = (low + high) / 2;
    if (leaf.score(middle) == key.score && leaf.member(middle) < key.member) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

ScoreLeaf* ScorePolicy::insert(Leaf* leaf, size_t slot, Key const& key, bool appending) {
  size_t const need = entry_bytes(key.member);
  if (free_bytes(*leaf) < need) {
    size_t const content = content_bytes(*leaf) + need;
    if (content > kContentBytesMax) return nullptr;
    // Small steps keep leaves of random insertions full; a block with much garbage is packed into its own size.
    size_t const wish = appending ? content + content / 2 : content + content / 8;
    leaf = rebuild(leaf, std::min(wish, kContentBytesMax));
  }
  place_entry(leaf, slot, key);
  return leaf;
}

std::pair<ScoreLeaf*, ScoreLeaf*> ScorePolicy::split_and_insert(Leaf* leaf, size_t slot, Key const& key) {
  size_t const need = entry_bytes(key.member);
  // Walk the entries, with the new one among them, until half the bytes are passed.
  size_t const half = (content_bytes(*leaf) + need) / 2;
  size_t left_entries = 0;  // of the old ones
  size_t left_bytes = 0;
  bool left_has_new = false;
  while (left_bytes < half) {
    if (left_entries == slot && !left_has_new) {
      left_has_new = true;
      left_bytes += need;
    } else {
      left_bytes += Leaf::kSlotBytes + record_bytes_at(leaf->record(left_entries++));
    }
  }
  size_t const right_bytes = content_bytes(*leaf) + need - left_bytes;
  // One entry more is welcome in each before it must grow.
  Leaf* left = make(std::min(left_bytes + need, kContentBytesMax));
  Leaf* right = make(std::min(right_bytes + need, kContentBytesMax));
  take_entries(left, *leaf, 0, left_entries);
  take_entries(right, *leaf, left_entries, leaf->entries);
  free_block(leaf, leaf->capacity);
  if (left_has_new) {
    place_entry(left, slot, key);
  } else {
    place_entry(right, slot - left_entries, key);
  }
  DCHECK(left->entries > 0 && right->entries > 0);
  return {left, right};
}

}  // namespace holdfast
