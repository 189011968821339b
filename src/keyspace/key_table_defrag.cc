#include <cstring>

#include "base/clock.h"
#include "keyspace/key_table.h"

// Why moving is safe. A record has one pointer to it, in its bucket; a block of a body that is not shared has one, in the block
// above it. Both change here under the lock of the partition, as a write of the key would change them, and nobody keeps a
// pointer into the key space past the end of a transaction, because any command of another client may free what it points to:
//   - scans, long commands and the walk of a cut go on by hash prefix, by rank or by key;
//   - who waits for keys or watches them, and tracked keys, are known by name;
//   - the undo journal lives inside of one transaction, parked commands hold no lock, or hold it against us as well;
//   - replies, snapshots and the lazy-free thread read frozen handles and shared buffers: these count references, and nothing
//     with more than one reference is moved.
// A cut saves a bucket before its content changes. Moving changes no content, so a bucket that is not saved yet stays so; only
// joining segments makes new buckets, which are saved before. While a cut runs segments are not joined at all.

namespace holdfast {
namespace {

/// Longer shared strings have pages of their own in the block heap.
constexpr size_t kSharedMovedBytesMax = 128 * 1024;
/// Joins of segments in a row, each of some hundred entries.
constexpr int kJoinsMax = 8;

}  // namespace

bool DefragStep::spent() const { return SystemClock().monotonic_us() >= deadline_us; }

bool KeyTable::defragment(DefragPlace& place, DefragStep& step) {
  if (place.at_start()) slab_.begin_pass();
  if (place.in_body && !go_on_with_body(place, step)) return true;
  bool const records = step.heap || step.always || slab_.sparse_bytes() > 0;
  do {
    if (place.bucket == 0 && place.slot == 0) compact_segment(place.position << 16, step);
    Segment* const segment = table_.segment_of(place.position << 16);
    while (records && place.bucket < segment->bucket_count) {
      defragment_bucket(segment->buckets()[place.bucket], place, step);
      if (place.in_body) return true;  // the rest of its bucket comes after the value
      place.bucket++;
      place.slot = 0;
      if (step.spent()) return true;
    }
    place.bucket = 0;
    place.slot = 0;
    if (!table_.visit_segment(place.position, [](Segment&) {})) {
      table_.compact_directory();
      place = DefragPlace();
      return false;
    }
  } while (!step.spent());
  return true;
}

void KeyTable::compact_segment(uint64_t hash, DefragStep& step) {
  auto const better_place = [&](Segment* segment, size_t bytes) {
    return segments_.denser_place(segment, bytes, step.always);
  };
  int joins = 0;
  while (table_.compact_segment(hash, cut_.sink == nullptr, better_place)) {
    step.hits++;
    if (step.always || ++joins == kJoinsMax) return;
  }
  step.misses++;
}

void KeyTable::defragment_bucket(Bucket& bucket, DefragPlace& place, DefragStep& step) {
  uint32_t const left = bucket.occupied() >> place.slot << place.slot;
  for (uint32_t found = left; found; found &= found - 1) {
    void const* record = bucket.pointer(__builtin_ctz(found));
    prefetch_line(record);
    prefetch_line(Slab::page_head(record));
  }
  for (uint32_t found = left; found; found &= found - 1) {
    place.slot = __builtin_ctz(found) + 1;
    uint64_t const hits = step.hits;
    Record* const record = defragment_record(bucket, place.slot - 1, step);
    if (step.heap && record->encoding() == Encoding::kBody) {
      place.hash = hasher_(record->key());
      place.body_part = place.body_position = 0;
      place.in_body = !relocate_body(*record->body(), place, step);
    }
    step.hits == hits ? step.key_misses++ : step.key_hits++;
    if (place.in_body) return;
  }
}

Record* KeyTable::defragment_record(Bucket& bucket, int index, DefragStep& step) {
  auto* record = static_cast<Record*>(bucket.pointer(index));
  size_t const bytes = record->block_bytes();
  void* better = nullptr;
  if (bytes <= kSlabBytesMax) {
    better = slab_.denser_place(record, bytes, step.always);
  } else if (step.heap) {
    better = slab_.allocate(bytes);
  }
  if (better) {
    std::memcpy(better, static_cast<void const*>(record), bytes);
    table_.relocate(bucket, index, static_cast<Record*>(better));
    slab_.release(record, bytes);
    record = static_cast<Record*>(better);
    step.hits++;
  } else {
    step.misses++;
  }
  if (step.heap && record->encoding() == Encoding::kShared) relocate_shared(*record, step);
  return record;
}

void KeyTable::relocate_shared(Record& record, DefragStep& step) {
  SharedBuffer* const buffer = record.shared();
  if (!buffer->unique() || buffer->capacity() > kSharedMovedBytesMax) {
    step.misses++;
    return;
  }
  record.set_shared(SharedBuffer::copy_of(buffer->view(), buffer->capacity()).detach());
  buffer->release();
  step.hits++;
}

bool KeyTable::go_on_with_body(DefragPlace& place, DefragStep& step) {
  Slot const slot = table_.find(place.hash, [&](Record const* record) {
    return record->encoding() == Encoding::kBody && hasher_(record->key()) == place.hash;
  });
  if (slot && !relocate_body(*slot.entry()->body(), place, step)) return false;
  place.in_body = false;
  return true;
}

bool KeyTable::relocate_body(Body& body, DefragPlace& place, DefragStep& step) {
  BlockMover mover(step.deadline_us, step.elements_max);
  mover.part = place.body_part;
  mover.position = place.body_position;
  body.relocate(mover);
  place.body_part = mover.part;
  place.body_position = mover.position;
  step.hits += mover.hits;
  step.misses += mover.misses;
  return mover.complete;
}

}  // namespace holdfast
