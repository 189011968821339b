#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>

#include "base/hash.h"
#include "keyspace/big_keys.h"
#include "keyspace/record.h"
#include "memory/lazy_free.h"
#include "memory/segment_pool.h"
#include "memory/slab.h"
#include "structures/segmented_table.h"

namespace holdfast {

class KeyTable;

/// Sums of many 64-bit values.
__extension__ typedef __int128 WideInteger;

/// Receives the old content of what a running cut has not saved yet. Implemented by the snapshot.
class CutSink {
 public:
  virtual ~CutSink() = default;
  /// Records of one bucket as they were at the cut, in database `db` of that moment. Called under the partition's lock:
  /// copies what it needs, does not wait.
  virtual void save(int db, std::span<Record const* const> records) = 0;
  /// A table that FLUSHALL or FLUSHDB took out of the key space while the cut runs; parts of it may not be saved yet.
  virtual void adopt(std::unique_ptr<KeyTable> detached) = 0;
};

/// What all tables of a key space share about the running cut. Written only in a global transaction.
struct CutState {
  uint8_t epoch = 0;        ///< buckets of another epoch are not saved yet
  CutSink* sink = nullptr;  ///< null: no cut is running, every bucket has the present epoch
};

/// What all tables of a key space take their memory from. Any thread.
struct TableMemory {
  PagePool pages;        ///< of records
  SegmentPool segments;  ///< of buckets
};

/// A time that never comes, Unix ms.
inline constexpr int64_t kNeverMs = std::numeric_limits<int64_t>::max();

/// The keys of one database in one partition, with the memory they live in. Guarded by the lock of its partition, or owned
/// by nobody else after it was detached.
class KeyTable final : public Garbage {
 public:
  struct Traits {
    using Entry = Record;
    struct SegmentExtra {
      /// Lower bound of the expiry of the segment's records and of their fields, Unix ms.
      int64_t next_expiry_ms = kNeverMs;
    };
    KeyTable* table;
    uint64_t hash(Record const* record) const { return table->hasher_(record->key()); }
    void before_change(Bucket& bucket) const {
      if (bucket.epoch() != table->cut_.epoch) [[unlikely]] table->save_bucket(bucket);
    }
    uint8_t epoch() const { return table->cut_.epoch; }
    void merge(SegmentExtra& into, SegmentExtra from) const {
      into.next_expiry_ms = std::min(into.next_expiry_ms, from.next_expiry_ms);
    }
    void* allocate(size_t bytes) const { return table->segments_.allocate(bytes); }
    void release(void* segment, size_t bytes) const { table->segments_.release(segment, bytes); }
  };
  using Table = SegmentedTable<Traits>;
  using Segment = Table::Segment;
  using Slot = Table::Slot;

  KeyTable(TableMemory& memory, KeyHasher const& hasher, CutState const& cut, LazyFree& lazy_free);
  ~KeyTable() override;
  KeyTable(KeyTable const&) = delete;
  KeyTable& operator=(KeyTable const&) = delete;

  size_t size() const { return table_.size(); }
  /// Keys with an expiry, and the sum of their expiries (Unix ms).
  size_t expiring() const { return expiring_; }
  uint64_t expiry_sum_ms_low() const { return static_cast<uint64_t>(expiry_sum_); }
  /// Bytes of records, shared buffers, bodies and table.
  size_t memory_bytes() const { return slab_.allocated_bytes() + shared_bytes_ + body_bytes_ + table_.memory_bytes(); }
  size_t shared_bytes() const { return shared_bytes_; }
  size_t body_bytes() const { return body_bytes_; }
  Table& table() { return table_; }
  Table const& table() const { return table_; }

  Slot find(uint64_t hash, std::string_view key) const {
    return table_.find(hash, [key](Record const* record) { return record->key() == key; });
  }

  /// Creates the record of content.key, which must not be there. Takes over content.shared and content.body.
  Record* insert(uint64_t hash, RecordContent const& content);
  /// Creates or replaces the record of content.key. Takes over content.shared and content.body.
  Record* put(uint64_t hash, RecordContent const& content);
  /// Replaces the record at `slot`, whose key is content.key.
  Record* replace(Slot slot, RecordContent const& content);
  void erase(Slot slot);
  /// As erase, while `segment` is being walked with visit_segment.
  void erase_in_visit(Segment& segment, Bucket& bucket, int index);
  Record* set_expiry(Slot slot, std::optional<int64_t> expire_ms);
  /// The record is about to change in place.
  void before_change(Slot slot) { table_.before_change(slot); }
  /// Grows or overwrites a raw string in place when its block has room, else moves it to a block with slack for growth.
  /// `length` is the new length; bytes beyond the old length are zero. Returns the writable bytes.
  char* resize_raw(Slot slot, size_t length);

  /// The body of the key with this hash was changed in place; before that it had so many bytes and elements that expire.
  void note_body_change(uint64_t hash, size_t bytes_before, bool expired_before, Body const& body) {
    size_t const bytes = body.memory_bytes();
    body_bytes_ += bytes - bytes_before;
    if (BigKeys::matters(bytes_before, bytes)) [[unlikely]] note_big(hash, bytes);
    bool const expires = body.expiring_elements() > 0;
    if (expires || expired_before) [[unlikely]] {
      expiring_bodies_ += size_t{expires} - size_t{expired_before};
      if (expires) note_due(hash, body.next_expiry_ms());
    }
  }
  /// Calls `visit(record, bytes)` for the biggest values, with what they take outside of their records.
  template <class Visit>
  void for_each_big(Visit&& visit) {
    if (!big_) return;
    big_->for_each([this](uint64_t hash) { return outside_bytes(find_hash(hash)); },
                   [&](uint64_t hash, size_t bytes) { visit(*find_hash(hash), bytes); });
  }
  /// Values with elements that expire: hashes with expiring fields.
  size_t expiring_bodies() const { return expiring_bodies_; }

  /// The walk of the expiry cycle through this table, kept here so that it goes on after SWAPDB.
  bool expiry_due(int64_t now_ms) const { return expiry_position_ != 0 || next_expiry_ms_ < now_ms; }
  /// Visits the next segment: `visit(Segment&)` deletes what is due with erase_in_visit and returns the earliest expiry
  /// left in it. False when the walk is complete.
  template <class Visit>
  bool walk_expiry(Visit&& visit) {
    if (expiry_position_ == 0) {
      earliest_seen_ms_ = kNeverMs;
      next_expiry_ms_ = kNeverMs;  // from here on only what is set during the walk
    }
    bool more = table_.visit_segment(expiry_position_, [&](Segment& segment) {
      segment.extra.next_expiry_ms = visit(segment);
      earliest_seen_ms_ = std::min(earliest_seen_ms_, segment.extra.next_expiry_ms);
    });
    if (!more) {
      expiry_position_ = 0;
      next_expiry_ms_ = std::min(next_expiry_ms_, earliest_seen_ms_);
    }
    return more;
  }

  /// Hands a bucket to the cut if that has not been done, and marks it.
  void save_bucket(Bucket& bucket);

  /// Database number when the running cut began; set in its global transaction.
  int cut_db = 0;
  /// Progress of the cut's walk through this table (48-bit hash prefix), and the epoch it belongs to.
  uint64_t cut_position = 0;
  uint8_t walked_epoch = 0;

 private:
  friend struct Traits;
  Record* make(RecordContent const& content, size_t capacity);
  void free_record(Record* record);
  void drop_outside(Record* record);
  void drop_shared(SharedBuffer* buffer);
  void drop_body(Body* body);
  void note_outside(RecordContent const& content);
  void note_big(uint64_t hash, size_t bytes);
  /// The record of the key with this hash; null: there is none.
  Record const* find_hash(uint64_t hash) const;
  static size_t outside_bytes(Record const* record);
  /// What was inserted under this hash brings its expiries.
  void note_new(uint64_t hash, RecordContent const& content);
  /// Something under this hash expires at this moment.
  void note_due(uint64_t hash, int64_t expire_ms);
  void note_expiry(uint64_t hash, int64_t expire_ms);
  void forget_expiry(Record const* record);

  KeyHasher const& hasher_;
  CutState const& cut_;
  LazyFree& lazy_free_;
  SegmentPool& segments_;
  Slab slab_;
  Table table_;
  size_t expiring_ = 0;
  WideInteger expiry_sum_ = 0;
  int64_t next_expiry_ms_ = kNeverMs;  // nothing expires before, but for what the walk has passed
  int64_t earliest_seen_ms_ = 0;
  uint64_t expiry_position_ = 0;
  size_t shared_bytes_ = 0;
  size_t body_bytes_ = 0;
  size_t bodies_ = 0;
  size_t expiring_bodies_ = 0;
  std::unique_ptr<BigKeys> big_;  ///< null: there has been none
};

}  // namespace holdfast
