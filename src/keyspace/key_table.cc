#include "keyspace/key_table.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"

namespace holdfast {
namespace {

/// Shared buffers of this size and more are freed by the background thread.
constexpr size_t kLazyFreeBytesMin = 256 * 1024;
/// A growing string gets this much slack at most, bytes.
constexpr size_t kGrowthSlackMax = 1024 * 1024;

class SharedGarbage final : public Garbage {
 public:
  explicit SharedGarbage(SharedBufferRef buffer) : buffer_(std::move(buffer)) {}

 private:
  SharedBufferRef buffer_;
};

size_t with_slack(size_t length) { return length + std::min(length, kGrowthSlackMax); }

}  // namespace

KeyTable::KeyTable(TableMemory& memory, KeyHasher const& hasher, CutState const& cut, LazyFree& lazy_free)
    : walked_epoch(cut.epoch), hasher_(hasher), cut_(cut), lazy_free_(lazy_free), segments_(memory.segments), slab_(memory.pages), table_(Traits{this}) {}

KeyTable::~KeyTable() {
  // Small records go with their pages; only what points outside of them must be found.
  if (shared_bytes_ == 0 && bodies_ == 0 && slab_.large_blocks() == 0) return;
  table_.for_each([this](Record* record) {
    if (record->encoding() == Encoding::kShared) SharedBufferRef::adopt(record->shared());
    if (record->encoding() == Encoding::kBody) delete record->body();
    size_t bytes = record->block_bytes();
    if (bytes > kSlabBytesMax) slab_.release(record, bytes);
  });
}

void KeyTable::save_bucket(Bucket& bucket) {
  if (bucket.epoch() == cut_.epoch) return;
  bucket.set_epoch(cut_.epoch);
  if (!cut_.sink) return;
  std::array<Record const*, Bucket::kSlots> records;
  size_t count = 0;
  for (uint32_t found = bucket.occupied(); found; found &= found - 1) {
    records[count++] = static_cast<Record const*>(bucket.pointer(__builtin_ctz(found)));
  }
  if (count) cut_.sink->save(cut_db, std::span(records.data(), count));
}

Record* KeyTable::make(RecordContent const& content, size_t capacity) {
  size_t bytes = capacity ? capacity : Record::bytes_for(content, false);
  Record* record = Record::write(slab_.allocate(bytes), content, static_cast<uint32_t>(capacity));
  note_outside(content);
  return record;
}

void KeyTable::note_outside(RecordContent const& content) {
  if (content.encoding == Encoding::kShared) {
    size_t const bytes = content.shared->footprint();
    shared_bytes_ += bytes;
    if (bytes >= BigKeys::kBytesMin) note_big(hasher_(content.key), bytes);
  }
  if (content.encoding == Encoding::kBody) {
    size_t const bytes = content.body->memory_bytes();
    body_bytes_ += bytes;
    if (bytes >= BigKeys::kBytesMin) note_big(hasher_(content.key), bytes);
    bodies_++;
    if (content.body->expiring_elements() > 0) expiring_bodies_++;
  }
}

void KeyTable::note_big(uint64_t hash, size_t bytes) {
  if (!big_) big_ = std::make_unique<BigKeys>();
  big_->note(hash, bytes, [this](uint64_t each) { return outside_bytes(find_hash(each)); });
}

Record const* KeyTable::find_hash(uint64_t hash) const {
  Slot const slot = table_.find(hash, [this, hash](Record const* record) { return hasher_(record->key()) == hash; });
  return slot ? slot.entry() : nullptr;
}

size_t KeyTable::outside_bytes(Record const* record) {
  if (!record) return 0;
  if (record->encoding() == Encoding::kShared) return record->shared()->footprint();
  return record->encoding() == Encoding::kBody ? record->body()->memory_bytes() : 0;
}

void KeyTable::drop_outside(Record* record) {
  if (record->encoding() == Encoding::kShared) drop_shared(record->shared());
  if (record->encoding() == Encoding::kBody) drop_body(record->body());
}

void KeyTable::drop_body(Body* body) {
  size_t const bytes = body->memory_bytes();
  body_bytes_ -= bytes;
  bodies_--;
  if (big_) [[unlikely]] big_->removed(bytes);
  if (body->expiring_elements() > 0) expiring_bodies_--;
  std::unique_ptr<Body> owned(body);
  if (bytes >= kLazyFreeBytesMin) lazy_free_.push(std::move(owned));
}

void KeyTable::drop_shared(SharedBuffer* buffer) {
  size_t const bytes = buffer->footprint();
  shared_bytes_ -= bytes;
  if (big_) [[unlikely]] big_->removed(bytes);
  SharedBufferRef ref = SharedBufferRef::adopt(buffer);
  if (buffer->capacity() >= kLazyFreeBytesMin) lazy_free_.push(std::make_unique<SharedGarbage>(std::move(ref)));
}

void KeyTable::free_record(Record* record) {
  drop_outside(record);
  slab_.release(record, record->block_bytes());
}

void KeyTable::note_new(uint64_t hash, RecordContent const& content) {
  if (content.expire_ms) note_expiry(hash, *content.expire_ms);
  if (content.body && content.body->expiring_elements() > 0) note_due(hash, content.body->next_expiry_ms());
}

void KeyTable::note_expiry(uint64_t hash, int64_t expire_ms) {
  expiring_++;
  expiry_sum_ += expire_ms;
  note_due(hash, expire_ms);
}

void KeyTable::note_due(uint64_t hash, int64_t expire_ms) {
  int64_t& segment_next = table_.segment_of(hash)->extra.next_expiry_ms;
  segment_next = std::min(segment_next, expire_ms);
  next_expiry_ms_ = std::min(next_expiry_ms_, expire_ms);
}

void KeyTable::forget_expiry(Record const* record) {
  if (!record->has_expiry()) return;
  expiring_--;
  expiry_sum_ -= record->expire_ms();
}

Record* KeyTable::put(uint64_t hash, RecordContent const& content) {
  if (Slot slot = find(hash, content.key)) return replace(slot, content);
  return insert(hash, content);
}

Record* KeyTable::insert(uint64_t hash, RecordContent const& content) {
  Record* record = make(content, 0);
  table_.insert(hash, record);
  note_new(hash, content);
  return record;
}

Record* KeyTable::replace(Slot slot, RecordContent const& content) {
  Record* old = slot.entry();
  DCHECK(old->key() == content.key);
  forget_expiry(old);
  size_t old_bytes = old->block_bytes();
  size_t new_bytes = Record::bytes_for(content, false);
  Record* record = old;
  if (old_bytes <= kSlabBytesMax && new_bytes <= kSlabBytesMax &&
      Slab::class_bytes(old_bytes) == Slab::class_bytes(new_bytes)) {
    before_change(slot);
    drop_outside(old);
    Record::write(old, content, 0);
    note_outside(content);
  } else {
    record = make(content, 0);
    table_.replace(slot, record);
    free_record(old);
  }
  if (content.expire_ms || content.body) note_new(hasher_(content.key), content);
  return record;
}

void KeyTable::erase(Slot slot) {
  Record* record = slot.entry();
  forget_expiry(record);
  table_.erase(slot);
  free_record(record);
}

void KeyTable::erase_in_visit(Segment& segment, Bucket& bucket, int index) {
  auto* record = static_cast<Record*>(bucket.pointer(index));
  forget_expiry(record);
  table_.erase_in_visit(segment, bucket, index);
  free_record(record);
}

Record* KeyTable::set_expiry(Slot slot, std::optional<int64_t> expire_ms) {
  Record* old = slot.entry();
  forget_expiry(old);
  Record* record = old;
  if (expire_ms && old->can_hold_expiry(*expire_ms)) {
    before_change(slot);
    old->set_expire_ms(*expire_ms);
  } else if (old->has_expiry() || expire_ms) {
    RecordContent content{.key = old->key(), .type = old->type(), .encoding = old->encoding(), .expire_ms = expire_ms,
                          .access = old->access()};
    switch (old->encoding()) {
      case Encoding::kInt: content.integer = old->integer(); break;
      case Encoding::kShared: content.shared = old->shared(); break;
      case Encoding::kBody: content.body = old->body(); break;
      default: content.bytes = old->inline_bytes();
    }
    record = Record::write(slab_.allocate(Record::bytes_for(content, false)), content, 0);
    table_.replace(slot, record);
    slab_.release(old, old->block_bytes());
  }
  if (expire_ms) note_expiry(hasher_(record->key()), *expire_ms);
  return record;
}

char* KeyTable::resize_raw(Slot slot, size_t length) {
  Record* old = slot.entry();
  before_change(slot);
  if (old->encoding() == Encoding::kShared) {
    SharedBuffer* buffer = old->shared();
    if (buffer->unique() && buffer->capacity() >= length) {
      if (length > buffer->size()) std::memset(buffer->data() + buffer->size(), 0, length - buffer->size());
      buffer->set_size(length);
      return buffer->data();
    }
    size_t kept = std::min(length, buffer->size());
    SharedBufferRef grown = SharedBuffer::copy_of(buffer->view().substr(0, kept), with_slack(length));
    std::memset(grown->data() + kept, 0, length - kept);
    grown->set_size(length);
    drop_shared(buffer);
    size_t const bytes = grown->footprint();
    shared_bytes_ += bytes;
    old->set_shared(grown.detach());
    if (bytes >= BigKeys::kBytesMin) note_big(hasher_(old->key()), bytes);
    return old->shared()->data();
  }
  if (old->encoding() == Encoding::kRaw && length <= old->inline_room(old->block_bytes())) {
    size_t before = old->inline_bytes().size();
    char* data = old->inline_data();
    if (length > before) std::memset(data + before, 0, length - before);
    old->set_inline_length(length);
    return data;
  }
  // Move to a bigger home: a block with slack, or a shared buffer.
  IntegerText scratch;
  std::string_view text = old->text(scratch);
  size_t kept = std::min(length, text.size());
  RecordContent content{.key = old->key(), .type = old->type(), .encoding = Encoding::kRaw, .expire_ms = old->expiry(),
                        .access = old->access()};
  Record* record;
  char* data;
  if (length >= kSharedBytesMin) {
    SharedBufferRef buffer = SharedBuffer::copy_of(text.substr(0, kept), with_slack(length));
    std::memset(buffer->data() + kept, 0, length - kept);
    buffer->set_size(length);
    data = buffer->data();
    content.encoding = Encoding::kShared;
    content.shared = buffer.detach();
    record = make(content, 0);
  } else {
    // The first growth of a short string takes what it needs; only strings that keep growing get slack.
    size_t room = old->encoding() == Encoding::kRaw ? with_slack(length) : length;
    std::string bytes(room, '\0');
    std::memcpy(bytes.data(), text.data(), kept);
    content.bytes = bytes;
    size_t capacity = room == length ? 0 : Record::bytes_for(content, true);
    record = make(content, capacity);
    record->set_inline_length(length);
    data = record->inline_data();
  }
  table_.replace(slot, record);
  if (old->encoding() == Encoding::kShared) drop_shared(old->shared());
  slab_.release(old, old->block_bytes());
  return data;
}

}  // namespace holdfast
