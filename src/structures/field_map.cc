#include "structures/field_map.h"

namespace holdfast {

template <bool kValues>
FieldTable<kValues> FieldTable<kValues>::with_summary(HashDirectory<Entries> directory) const {
  FieldTable frozen(directory_.entries().hasher());
  frozen.directory_ = std::move(directory);
  frozen.buffer_bytes_ = buffer_bytes_;
  frozen.expiring_ = expiring_;
  frozen.next_expiry_ms_ = next_expiry_ms_;
  return frozen;
}

template <bool kValues>
FieldTable<kValues> FieldTable<kValues>::freeze() const {
  return with_summary(directory_.freeze());
}

template <bool kValues>
FieldTable<kValues> FieldTable<kValues>::freeze_for_drain(CopyBudget& budget) {
  return with_summary(directory_.freeze_for_drain(budget));
}

template <bool kValues>
std::optional<FieldEntry> FieldTable<kValues>::find(std::string_view field) const {
  char const* entry = find_entry(field, hash_of(field));
  if (!entry) return std::nullopt;
  return Entries::decode(entry);
}

template <bool kValues>
bool FieldTable<kValues>::contains(std::string_view field) const {
  return find_entry(field, hash_of(field)) != nullptr;
}

template <bool kValues>
bool FieldTable<kValues>::put(std::string_view field, std::string_view value,
                              std::optional<int64_t> expire_ms) requires kValues {
  uint64_t const hash = hash_of(field);
  HashChunk* chunk = directory_.own(hash);
  if (char const* entry = find_in(chunk, field, hash)) {
    update(chunk, hash, const_cast<char*>(entry), value, expire_ms);
    return false;
  }
  insert(chunk, hash, field, value, expire_ms);
  return true;
}

template <bool kValues>
bool FieldTable<kValues>::add(std::string_view member) requires(!kValues) {
  uint64_t const hash = hash_of(member);
  if (find_entry(member, hash)) return false;  // before `own`: adding what is there must not copy a frozen chunk
  insert(directory_.own(hash), hash, member, {}, std::nullopt);
  return true;
}

template <bool kValues>
bool FieldTable<kValues>::erase(std::string_view field) {
  uint64_t const hash = hash_of(field);
  HashChunk const* seen = directory_.leaf(hash);
  char const* found = seen ? find_in(seen, field, hash) : nullptr;
  if (!found) return false;
  ptrdiff_t const offset = found - seen->data();
  HashChunk* chunk = directory_.own(hash);
  char* entry = chunk->data() + offset;
  size_t const bytes = Entries::bytes(entry);
  forget(entry);
  directory_.close(chunk, hash, entry, bytes);
  if (expiring_ == 0) next_expiry_ms_ = kNoExpiry;
  directory_.tidy(chunk, hash);
  return true;
}

template <bool kValues>
bool FieldTable<kValues>::set_expiry(std::string_view field, std::optional<int64_t> expire_ms) requires kValues {
  uint64_t const hash = hash_of(field);
  if (!find_entry(field, hash)) return false;
  HashChunk* chunk = directory_.own(hash);
  auto* entry = const_cast<char*>(find_in(chunk, field, hash));
  size_t const old_bytes = Entries::bytes(entry);
  std::optional<int64_t> const before = Entries::decode(entry).expire_ms;
  size_t const plain_bytes = old_bytes - (before ? Entries::kExpiryBytes : 0);
  size_t const new_bytes = plain_bytes + (expire_ms ? Entries::kExpiryBytes : 0);
  entry = resize(chunk, hash, entry, old_bytes, new_bytes);
  Entries::write_expiry(entry, entry + plain_bytes, expire_ms);
  note_expiry(hash, before, expire_ms);
  return true;
}

template <bool kValues>
void FieldTable<kValues>::insert(HashChunk* chunk, uint64_t hash, std::string_view field, std::string_view value,
                                 std::optional<int64_t> expire_ms) {
  size_t const head_bytes = Entries::head_bytes_for(field);
  size_t bytes = head_bytes;
  if constexpr (kValues) bytes += Entries::value_bytes_for(value) + (expire_ms ? Entries::kExpiryBytes : 0);
  char* entry = directory_.open(chunk, hash, bytes);
  Entries::write_head(entry, field, hash);
  if constexpr (kValues) {
    Entries::write_value(entry, entry + head_bytes, value);
    Entries::write_expiry(entry, entry + bytes - Entries::kExpiryBytes, expire_ms);
    if (expire_ms) note_expiry(hash, std::nullopt, expire_ms);
  }
  if (Entries::is_external(field)) buffer_bytes_ += Entries::field_buffer(entry)->footprint();
  if (Entries::is_external(value)) buffer_bytes_ += Entries::value_buffer(entry + head_bytes)->footprint();
  if (Entries::is_external(field) || Entries::is_external(value)) note_references(hash);
}

template <bool kValues>
void FieldTable<kValues>::update(HashChunk* chunk, uint64_t hash, char* entry, std::string_view value,
                                 std::optional<int64_t> expire_ms) {
  size_t const head_bytes = Entries::head_bytes(entry);
  size_t const old_bytes = Entries::bytes(entry);
  std::optional<int64_t> before;
  if (Entries::has_expiry(entry)) before = Entries::expiry(entry + old_bytes - Entries::kExpiryBytes);
  if (Entries::has_external_value(entry)) {
    SharedBuffer* buffer = Entries::value_buffer(entry + head_bytes);
    buffer_bytes_ -= buffer->footprint();
    buffer->release();
  }
  size_t const plain_bytes = head_bytes + Entries::value_bytes_for(value);
  size_t const new_bytes = plain_bytes + (expire_ms ? Entries::kExpiryBytes : 0);
  if (new_bytes != old_bytes) entry = resize(chunk, hash, entry, old_bytes, new_bytes);
  Entries::write_value(entry, entry + head_bytes, value);
  Entries::write_expiry(entry, entry + plain_bytes, expire_ms);
  if (Entries::is_external(value)) {
    buffer_bytes_ += Entries::value_buffer(entry + head_bytes)->footprint();
    note_references(hash);
  }
  if (before || expire_ms) note_expiry(hash, before, expire_ms);
}

/// The bytes up to the smaller size stay, at least those of the head.
template <bool kValues>
char* FieldTable<kValues>::resize(HashChunk* chunk, uint64_t hash, char* entry, size_t old_bytes, size_t new_bytes) {
  if (new_bytes <= old_bytes || chunk->free() >= new_bytes - old_bytes) {
    chunk->resize(chunk->group_of(hash), entry, old_bytes, new_bytes);
    return entry;
  }
  char kept[FieldEntryCodec::kEntryBytesMax];
  size_t const kept_bytes = std::min(old_bytes, new_bytes);
  DCHECK(kept_bytes <= sizeof kept);
  std::memcpy(kept, entry, kept_bytes);
  directory_.close(chunk, hash, entry, old_bytes);
  entry = directory_.open(chunk, hash, new_bytes);
  std::memcpy(entry, kept, kept_bytes);
  return entry;
}

template <bool kValues>
void FieldTable<kValues>::note_expiry(uint64_t hash, std::optional<int64_t> before, std::optional<int64_t> after) {
  if (before) expiring_--;
  if (after) {
    DCHECK(*after >= 0 && *after <= FieldEntryCodec::kExpireMsMax);
    expiring_++;
    next_expiry_ms_ = std::min(next_expiry_ms_, *after);
    directory_.lower_due(hash, due_unit(*after));
  }
  if (expiring_ == 0) next_expiry_ms_ = kNoExpiry;
}

template <bool kValues>
void FieldTable<kValues>::note_references(uint64_t hash) {
  directory_.own(hash)->may_have_references = 1;
}

template <bool kValues>
void FieldTable<kValues>::forget(char const* entry) {
  if (Entries::has_expiry(entry)) expiring_--;
  buffer_bytes_ -= Entries::referenced_bytes(entry);
  Entries::release(entry);
}

template class FieldTable<true>;
template class FieldTable<false>;

}  // namespace holdfast
