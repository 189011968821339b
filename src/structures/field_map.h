#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "base/hash.h"
#include "structures/field_entry.h"
#include "structures/hash_directory.h"

namespace holdfast {

// The bodies of big hashes (FieldMap: field -> value, optional expiry of the field) and of big sets (FieldSet:
// members). A HashDirectory of packed entries: see hash_directory.h for the structure and field_entry.h for the bytes.
//
// Cost per entry, of random fields at 1M entries: 26 bytes for field and value of 10 bytes each, 13 for a member of 10
// bytes; an entry with expiry takes 6 more. An element over kInlineElementBytesMax has a SharedBuffer of its own. A
// lookup waits for memory about once: the head of the chunk and the group in it are asked for at the same time.
//
// Thread rule: as chunk.h says: a handle is guarded by its owner's lock, a frozen handle may be read and destroyed
// anywhere. Views that are handed out are valid until the next change through the same handle; none may be given as an
// argument of a change (but to `erase`). A handle that was moved from can only be assigned to or destroyed.
template <bool kValues>
class FieldTable {
 public:
  /// "No field expires".
  static constexpr int64_t kNoExpiry = std::numeric_limits<int64_t>::max();

  explicit FieldTable(KeyHasher const& hasher) : directory_(Entries(hasher)) {}
  FieldTable(FieldTable&&) noexcept = default;
  FieldTable& operator=(FieldTable&&) noexcept = default;

  /// A handle on the present content, for ever. O(1).
  FieldTable freeze() const;
  /// The same for a Drain. O(1).
  FieldTable freeze_for_drain(CopyBudget& budget);
  /// Made so: `size`, `memory_bytes` and the bounds of expiry (those of the freeze) may be asked; the entries come by a Drain.
  bool drains() const { return directory_.drains(); }

  size_t size() const { return directory_.size(); }
  bool empty() const { return size() == 0; }
  /// Exact bytes of all that is reachable from here, the handle itself not included.
  size_t memory_bytes() const { return directory_.memory_bytes() + buffer_bytes_; }

  /// An expired field is found like any other: the caller knows the time.
  std::optional<FieldEntry> find(std::string_view field) const;
  bool contains(std::string_view field) const;
  /// The same, for who knows the field's hash already.
  bool contains(std::string_view field, uint64_t hash) const { return find_entry(field, hash) != nullptr; }

  /// Sets value and expiry (none: it will not expire). True when the field is new.
  bool put(std::string_view field, std::string_view value,
           std::optional<int64_t> expire_ms = std::nullopt) requires kValues;
  /// Adds a member. True when it is new.
  bool add(std::string_view member) requires(!kValues);
  /// True when the field was there. `field` may be a view that this handle gave.
  bool erase(std::string_view field);

  /// Sets or removes the expiry of a field, 0 <= expire_ms <= FieldEntryCodec::kExpireMsMax. False when there is no
  /// such field.
  bool set_expiry(std::string_view field, std::optional<int64_t> expire_ms) requires kValues;
  /// Fields that have an expiry.
  size_t expiring_count() const { return expiring_; }
  /// No field expires before this time (a lower bound); kNoExpiry when none has an expiry.
  int64_t next_expiry_ms() const { return next_expiry_ms_; }
  /// Removes up to `limit` fields whose expiry is <= now_ms; `visit(FieldEntry const&)` sees each before it goes.
  /// Returns their number. When that is less than `limit`, none is left and next_expiry_ms() is after now_ms.
  template <class Visit>
  size_t remove_expired(int64_t now_ms, size_t limit, Visit&& visit) requires kValues;

  /// As HashDirectory::relocate.
  uint64_t relocate(BlockMover& mover, uint64_t hash) { return directory_.relocate(mover, hash); }

  /// Some entry, each with the same probability. `random()` gives independent uint64_t.
  template <class RandomNumbers>
  std::optional<FieldEntry> random(RandomNumbers&& numbers) const {
    char const* entry = directory_.sample(numbers);
    return entry ? std::optional(Entries::decode(entry)) : std::nullopt;
  }

  /// Visits some entries from `cursor` on (0 at the start), `count` or a few more unless the table is thin there, and
  /// returns the cursor to go on with (below 2^48; 0 at the end). Every entry that is there from the first to the last
  /// call of a scan is visited at least once, whatever else changes. `visit(FieldEntry const&)` must not change the
  /// table.
  template <class Visit>
  uint64_t scan(uint64_t cursor, size_t count, Visit&& visit) const;

  /// Walks all entries in the order of the walk below; the table must not change meanwhile.
  template <class Visit>
  void for_each(Visit&& visit) const {
    Iterator iterator(*this);
    while (std::optional<FieldEntry> entry = iterator.next()) visit(*entry);
  }

  /// A walk that may pause for as long as the (frozen) table lives. Chunks and groups come in the order of the hash;
  /// the order inside a group of about ten is that of insertion.
  class Iterator {
   public:
    /// At the end.
    Iterator() = default;
    explicit Iterator(FieldTable const& table) : directory_(&table.directory_) { enter(0); }
    /// Nothing after the last.
    std::optional<FieldEntry> next() {
      while (at_ == end_) {
        if (next_hash_ == 0) return std::nullopt;
        enter(next_hash_);
      }
      char const* entry = std::exchange(at_, at_ + Entries::bytes(at_));
      return Entries::decode(entry);
    }

   private:
    void enter(uint64_t hash) {
      HashChunk const* chunk = directory_->leaf(hash);
      if (!chunk) return;
      at_ = chunk->data();
      end_ = chunk->data_end();
      next_hash_ = directory_->after(*chunk, hash);
    }
    HashDirectory<FieldEntries<kValues>> const* directory_ = nullptr;
    char const* at_ = nullptr;
    char const* end_ = nullptr;
    uint64_t next_hash_ = 0;
  };

  /// Gives all entries in any order, and lets go of the memory of a handle on the way (see HashDrain).
  class Drain {
   public:
    /// Precondition: table.drains().
    explicit Drain(FieldTable& table) : table_(table), chunks_(table.directory_) {}
    /// Valid until the next call. Nothing after the last.
    std::optional<FieldEntry> next() {
      while (at_ == end_) {
        HashChunk const* chunk = chunks_.next();
        if (!chunk) return std::nullopt;
        table_.buffer_bytes_ -= table_.directory_.referenced_bytes(*chunk);
        at_ = chunk->data();
        end_ = chunk->data_end();
      }
      char const* entry = std::exchange(at_, at_ + Entries::bytes(at_));
      return Entries::decode(entry);
    }

   private:
    FieldTable& table_;
    HashDrain<FieldEntries<kValues>> chunks_;
    char const* at_ = nullptr;
    char const* end_ = nullptr;
  };

  uint64_t hash_of(std::string_view field) const { return directory_.entries().hash_of(field); }
  /// Asks the processor for what a lookup will read.
  void prefetch(uint64_t hash) const { directory_.prefetch(hash); }
  void prefetch(std::span<std::string_view const> fields) const {
    directory_.prefetch(fields, [this](std::string_view field) { return hash_of(field); });
  }

 private:
  using Entries = FieldEntries<kValues>;

  static char const* find_in(HashChunk const* chunk, std::string_view field, uint64_t hash) {
    size_t const group = chunk->group_of(hash);
    return Entries::find(chunk->group_begin(group), chunk->group_end(group), field, hash);
  }
  char const* find_entry(std::string_view field, uint64_t hash) const {
    HashChunk const* chunk = directory_.leaf(hash);
    return chunk ? find_in(chunk, field, hash) : nullptr;
  }
  /// Another handle on the present content, of this directory.
  FieldTable with_summary(HashDirectory<Entries> directory) const;
  void insert(HashChunk* chunk, uint64_t hash, std::string_view field, std::string_view value,
              std::optional<int64_t> expire_ms);
  void update(HashChunk* chunk, uint64_t hash, char* entry, std::string_view value, std::optional<int64_t> expire_ms);
  char* resize(HashChunk* chunk, uint64_t hash, char* entry, size_t old_bytes, size_t new_bytes);
  void note_expiry(uint64_t hash, std::optional<int64_t> before, std::optional<int64_t> after);
  void note_references(uint64_t hash);
  /// Drops what an entry that goes away holds.
  void forget(char const* entry);

  HashDirectory<Entries> directory_;
  size_t buffer_bytes_ = 0;
  size_t expiring_ = 0;
  int64_t next_expiry_ms_ = kNoExpiry;
};

using FieldMap = FieldTable<true>;
using FieldSet = FieldTable<false>;

template <bool kValues>
template <class Visit>
uint64_t FieldTable<kValues>::scan(uint64_t cursor, size_t count, Visit&& visit) const {
  constexpr uint64_t kCursorMask = (uint64_t{1} << HashDirectory<Entries>::kCursorBits) - 1;
  constexpr size_t kGroupsPerEntryMax = 10;  // a bound of the work where the table is thin
  size_t visited = 0;
  cursor &= kCursorMask;
  for (size_t groups = 0; groups < count * kGroupsPerEntryMax && visited < count; groups++) {
    cursor = directory_.scan(cursor, [&](char const* entry) {
      visited++;
      visit(Entries::decode(entry));
    });
    if (cursor == 0) break;
  }
  return cursor;
}

template <bool kValues>
template <class Visit>
size_t FieldTable<kValues>::remove_expired(int64_t now_ms, size_t limit, Visit&& visit) requires kValues {
  if (next_expiry_ms_ > now_ms || limit == 0) return 0;
  size_t removed = 0;
  int64_t next_seen = kNoExpiry;  // of the chunks that were walked
  bool complete = true;
  directory_.visit_due(due_unit(now_ms), [&](HashChunk& chunk) {
    int64_t next_here = kNoExpiry;
    for (size_t group = 0; group < chunk.groups(); group++) {
      for (char* at = chunk.group_begin(group); at < chunk.group_end(group);) {
        size_t const bytes = Entries::bytes(at);
        int64_t const expire_ms =
            Entries::has_expiry(at) ? Entries::expiry(at + bytes - Entries::kExpiryBytes) : kNoExpiry;
        if (expire_ms <= now_ms) {
          if (removed == limit) return complete = false;
          FieldEntry const entry = Entries::decode(at);
          visit(entry);
          forget(at);
          chunk.close(group, at, bytes);
          removed++;
        } else {
          next_here = std::min(next_here, expire_ms);
          at += bytes;
        }
      }
    }
    chunk.due = next_here == kNoExpiry ? kNeverDue : due_unit(next_here);
    next_seen = std::min(next_seen, next_here);
    return true;
  });
  if (expiring_ == 0) {
    next_expiry_ms_ = kNoExpiry;
  } else if (complete) {
    uint32_t const unit = directory_.due();
    next_expiry_ms_ = unit > due_unit(now_ms) ? due_unit_ms(unit) : next_seen;
  }
  return removed;
}

extern template class FieldTable<true>;
extern template class FieldTable<false>;

}  // namespace holdfast
