#include "values/hash_schema.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/mutex.h"
#include "structures/packed_list.h"

namespace holdfast {
namespace {

/// Names that no schema is kept of yet, and how often they were seen: 24 bits of their hash, and 8 of the count. Counts are
/// approximate, as threads may overwrite what another one has noted.
class Sightings {
 public:
  /// True when these names have been seen often enough.
  bool note(uint64_t hash) {
    std::atomic<uint32_t>& place = places_[hash % kPlaces];
    uint32_t const tag = static_cast<uint32_t>(hash >> 40) << 8;
    uint32_t const seen = place.load(std::memory_order_relaxed);
    uint32_t const count = seen & 0xFF;
    if ((seen & ~uint32_t{0xFF}) == tag) {
      if (count + 1 >= HashSchema::kSightings) return true;
      place.store(seen + 1, std::memory_order_relaxed);
    } else {
      // Whoever comes more often keeps the place.
      place.store(count > 0 ? seen - 1 : tag | 1, std::memory_order_relaxed);
    }
    return false;
  }

 private:
  static constexpr size_t kPlaces = 4096;
  std::array<std::atomic<uint32_t>, kPlaces> places_{};
};

/// The names of a packed hash, as one passes over it.
struct Names {
  size_t fields = 0;
  size_t bytes = 0;
  uint64_t hash = 0;
};

class Schemas {
 public:
  HashSchema const& at(uint16_t number) const {
    HashSchema const* schema = by_number_[number].load(std::memory_order_acquire);
    DCHECK(schema);
    return *schema;
  }

  /// The schema with the names of `list`; null: none.
  HashSchema const* find(PackedListView list, Names const& names) const {
    for (size_t i = names.hash; HashSchema const* schema = by_hash_[i % kSlots].load(std::memory_order_acquire); i++) {
      if (schema->hash() == names.hash && schema->size() == names.fields && same_names(*schema, list)) return schema;
    }
    return nullptr;
  }

  /// Notes that these names were met, and makes a schema of them when that was often.
  HashSchema const* meet(PackedListView list, Names const& names) {
    if (count_.load(std::memory_order_relaxed) == HashSchema::kSchemasMax || !sightings_.note(names.hash)) return nullptr;
    std::string text;
    text.reserve(names.bytes);
    for (char const* at = list.first(); at != list.terminator(); at = packed::next(packed::next(at))) {
      text.append(at, packed::entry_bytes_at(at));
    }
    MutexLock lock(mutex_);
    if (HashSchema const* schema = find(list, names)) return schema;
    size_t const number = count_.load(std::memory_order_relaxed);
    if (number == HashSchema::kSchemasMax) return nullptr;
    auto schema = std::make_unique<HashSchema>(static_cast<uint16_t>(number), names.hash, names.fields, std::move(text));
    size_t slot = names.hash;
    while (by_hash_[slot % kSlots].load(std::memory_order_relaxed)) slot++;
    count_.store(number + 1, std::memory_order_relaxed);
    by_number_[number].store(schema.get(), std::memory_order_release);
    by_hash_[slot % kSlots].store(schema.get(), std::memory_order_release);
    return schema.release();  // it stays for ever
  }

 private:
  static constexpr size_t kSlots = 2 * HashSchema::kSchemasMax;  // at most half full

  static bool same_names(HashSchema const& schema, PackedListView list) {
    char const* name = schema.names().data();
    for (char const* at = list.first(); at != list.terminator(); at = packed::next(packed::next(at))) {
      size_t const bytes = packed::entry_bytes_at(at);
      if (std::memcmp(name, at, bytes) != 0) return false;
      name += bytes;
    }
    return true;
  }

  Sightings sightings_;
  Mutex mutex_;                   // held by who adds one
  std::atomic<size_t> count_{0};  // grows under mutex_, read by anybody
  // Written once each, under mutex_; read by anybody.
  std::array<std::atomic<HashSchema const*>, HashSchema::kSchemasMax> by_number_{};
  std::array<std::atomic<HashSchema const*>, kSlots> by_hash_{};
};

constinit Schemas schemas;

/// nullopt: too many, or too long.
std::optional<Names> names_of(PackedListView list) {
  constexpr uint64_t kFactor = 0x9E3779B97F4A7C15;
  Names names{.fields = list.count() / 2};
  if (names.fields == 0 || names.fields > HashSchema::kFieldsMax) return std::nullopt;
  for (char const* at = list.first(); at != list.terminator(); at = packed::next(packed::next(at))) {
    size_t const bytes = packed::entry_bytes_at(at);
    names.bytes += bytes;
    if (names.bytes > HashSchema::kNameBytesMax) return std::nullopt;
    for (size_t done = 0; done < bytes; done += sizeof(uint64_t)) {
      uint64_t word = 0;
      std::memcpy(&word, at + done, std::min(sizeof word, bytes - done));
      names.hash = (std::rotl(names.hash, 27) ^ word) * kFactor;
    }
  }
  names.hash ^= names.hash >> 32;
  return names;
}

}  // namespace

HashSchema const& HashSchema::of(std::string_view form) {
  uint16_t number;
  std::memcpy(&number, form.data(), sizeof number);
  return schemas.at(number);
}

std::optional<size_t> HashSchema::index_of(packed::Needle const& field) const {
  char const* at = names_.data();
  for (size_t i = 0; i < size_; i++, at = packed::next(at)) {
    if (field.matches(at)) return i;
  }
  return std::nullopt;
}

bool take_schema_form(std::string& bytes) {
  PackedListView const list(bytes);
  std::optional<Names> const names = names_of(list);
  if (!names) return false;
  HashSchema const* schema = schemas.find(list, *names);
  if (!schema) schema = schemas.meet(list, *names);
  if (!schema) return false;
  char const* from = list.first();
  uint16_t const number = schema->number();
  // What is written lies before what is still to be read: the names that were passed over are at least as long.
  std::memcpy(bytes.data(), &number, sizeof number);
  char* to = bytes.data() + HashSchema::kNumberBytes;
  for (size_t i = 0; i < schema->size(); i++) {
    char const* value = packed::next(from);
    size_t const size = packed::entry_bytes_at(value);
    from = value + size;
    std::memmove(to, value, size);
    to += size;
  }
  bytes.resize(static_cast<size_t>(to - bytes.data()));
  return true;
}

std::string packed_form(std::string_view form) {
  HashSchema const& schema = HashSchema::of(form);
  PackedListBuilder builder;
  char const* name = schema.names().data();
  char const* value = schema_values(form).data();
  for (size_t i = 0; i < schema.size(); i++, name = packed::next(name), value = packed::next(value)) {
    builder.append_entry(name);
    builder.append_entry(value);
  }
  return builder.finish();
}

}  // namespace holdfast
