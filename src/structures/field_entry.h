#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/hash.h"
#include "memory/shared_buffer.h"
#include "structures/chunk.h"

namespace holdfast {

// How FieldMap and FieldSet (field_map.h) pack an entry in a HashChunk:
//
//   tag | field | [value] | [expiry: 6 bytes, Unix ms]
//
//   tag, bits 0..5:  0..61   the field has so many bytes, which follow
//                    62      2 bytes with its length, then the field
//                    63      8 bytes with its hash, 8 bytes with the SharedBuffer that holds it
//        bit 6:      the value is 8 bytes with the SharedBuffer that holds it
//        bit 7:      there is an expiry
//   value (maps):    length (1 byte up to 127, else 2 bytes, high byte first with the top bit set), then its bytes
//
// A field of 10 bytes with a value of 10 bytes takes 22 bytes, a member of 10 bytes 11. All numbers are in the byte
// order of the machine (little-endian; nothing of this is ever written to a file).

/// One entry as it is read. Views are valid until the next change of the map.
struct FieldEntry {
  std::string_view field;
  std::string_view value;                      ///< empty for members of a set
  std::optional<int64_t> expire_ms;            ///< Unix milliseconds
  SharedBuffer const* value_buffer = nullptr;  ///< what holds the value when it is over kInlineElementBytesMax
};

/// The parts of an entry that all tables share.
class FieldEntryCodec {
 public:
  static constexpr int64_t kExpireMsMax = (int64_t{1} << 48) - 1;
  static constexpr size_t kExpiryBytes = 6;
  static constexpr size_t kEntryBytesMax = 1 + 2 * (2 + kInlineElementBytesMax) + kExpiryBytes;

  static size_t head_bytes_for(std::string_view field) {
    if (field.size() < kLong) return 1 + field.size();
    return field.size() <= kInlineElementBytesMax ? 3 + field.size() : 1 + 2 * sizeof(uint64_t);
  }
  static size_t value_bytes_for(std::string_view value) {
    if (value.size() > kInlineElementBytesMax) return sizeof(uint64_t);
    return value.size() + (value.size() < 128 ? 1 : 2);
  }
  static bool is_external(std::string_view bytes) { return bytes.size() > kInlineElementBytesMax; }

  /// Bytes of tag and field.
  static size_t head_bytes(char const* entry) {
    uint8_t const length = tag(entry) & kLengthMask;
    if (length < kLong) return 1 + size_t{length};
    return length == kLong ? 3 + size_t{load<uint16_t>(entry + 1)} : 1 + 2 * sizeof(uint64_t);
  }
  static size_t value_bytes(char const* entry, char const* value) {
    if (has_external_value(entry)) return sizeof(uint64_t);
    auto const first = static_cast<uint8_t>(*value);
    return first < 128 ? 1 + size_t{first} : 2 + long_length(value);
  }

  static bool has_expiry(char const* entry) { return tag(entry) & kExpires; }
  static bool has_external_value(char const* entry) { return tag(entry) & kValueExternal; }
  static bool has_external_field(char const* entry) { return (tag(entry) & kLengthMask) == kExternal; }
  static SharedBuffer* field_buffer(char const* entry) { return load<SharedBuffer*>(entry + 1 + sizeof(uint64_t)); }
  static uint64_t field_hash(char const* entry) { return load<uint64_t>(entry + 1); }
  static SharedBuffer* value_buffer(char const* value) { return load<SharedBuffer*>(value); }

  static std::string_view field(char const* entry) {
    uint8_t const length = tag(entry) & kLengthMask;
    if (length < kLong) return {entry + 1, length};
    if (length == kLong) return {entry + 3, load<uint16_t>(entry + 1)};
    return field_buffer(entry)->view();
  }
  static std::string_view value(char const* entry, char const* value) {
    if (has_external_value(entry)) return value_buffer(value)->view();
    auto const first = static_cast<uint8_t>(*value);
    return first < 128 ? std::string_view(value + 1, first) : std::string_view(value + 2, long_length(value));
  }
  static int64_t expiry(char const* at) {
    uint64_t ms = 0;
    std::memcpy(&ms, at, kExpiryBytes);
    return static_cast<int64_t>(ms);
  }

  /// Writes tag and field; a big field gets its buffer here.
  static void write_head(char* entry, std::string_view field, uint64_t hash) {
    if (field.size() < kLong) {
      *entry = static_cast<char>(field.size());
      copy(entry + 1, field);
    } else if (!is_external(field)) {
      *entry = static_cast<char>(kLong);
      store(entry + 1, static_cast<uint16_t>(field.size()));
      copy(entry + 3, field);
    } else {
      *entry = static_cast<char>(kExternal);
      store(entry + 1, hash);
      store(entry + 1 + sizeof hash, SharedBuffer::copy_of(field).detach());
    }
  }
  /// Writes the value behind the head; a big value gets its buffer here.
  static void write_value(char* entry, char* at, std::string_view value) {
    set_flag(entry, kValueExternal, is_external(value));
    if (is_external(value)) {
      store(at, SharedBuffer::copy_of(value).detach());
      return;
    }
    if (value.size() < 128) {
      *at++ = static_cast<char>(value.size());
    } else {
      *at++ = static_cast<char>(0x80 | (value.size() >> 8));
      *at++ = static_cast<char>(value.size());
    }
    copy(at, value);
  }
  static void write_expiry(char* entry, char* at, std::optional<int64_t> expire_ms) {
    set_flag(entry, kExpires, expire_ms.has_value());
    if (expire_ms) std::memcpy(at, &*expire_ms, kExpiryBytes);
  }

 protected:
  static constexpr uint8_t kLengthMask = 63;
  static constexpr uint8_t kLong = 62;
  static constexpr uint8_t kExternal = 63;
  static constexpr uint8_t kValueExternal = 64;
  static constexpr uint8_t kExpires = 128;

  static uint8_t tag(char const* entry) { return static_cast<uint8_t>(*entry); }
  template <class T>
  static T load(char const* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }

 private:
  template <class T>
  static void store(char* to, T value) {
    std::memcpy(to, &value, sizeof value);
  }
  static void copy(char* to, std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  }
  static size_t long_length(char const* value) {
    return (size_t{static_cast<uint8_t>(value[0])} & 0x7F) << 8 | static_cast<uint8_t>(value[1]);
  }
  static void set_flag(char* entry, uint8_t flag, bool on) {
    *entry = static_cast<char>(on ? tag(entry) | flag : tag(entry) & ~flag);
  }
};

/// The policy of HashDirectory for packed fields, with or without values.
template <bool kValues>
class FieldEntries : public FieldEntryCodec {
 public:
  static constexpr int kHashBits = 48;

  explicit FieldEntries(KeyHasher const& hasher) : hasher_(&hasher) {}

  KeyHasher const& hasher() const { return *hasher_; }
  uint64_t hash_of(std::string_view field) const { return (*hasher_)(field); }

  static size_t bytes(char const* entry) {
    uint8_t const head = tag(entry);
    if (head < kLong) [[likely]] {  // a short field and no flags
      size_t const length = 1 + size_t{head};
      if constexpr (!kValues) return length;
      auto const first = static_cast<uint8_t>(entry[length]);
      if (first < 128) [[likely]]
        return length + 1 + first;
    }
    size_t length = head_bytes(entry);
    if constexpr (kValues) length += value_bytes(entry, entry + length);
    return length + (has_expiry(entry) ? kExpiryBytes : 0);
  }
  uint64_t hash(char const* entry) const {
    return has_external_field(entry) ? field_hash(entry) : hash_of(field(entry));
  }
  static void retain(char const* entry) {
    if (has_external_field(entry)) field_buffer(entry)->add_ref();
    if (kValues && has_external_value(entry)) value_buffer(entry + head_bytes(entry))->add_ref();
  }
  static void release(char const* entry) {
    if (kValues && has_external_value(entry)) value_buffer(entry + head_bytes(entry))->release();
    if (has_external_field(entry)) field_buffer(entry)->release();
  }
  static size_t referenced_bytes(char const* entry) {
    size_t bytes = has_external_field(entry) ? field_buffer(entry)->footprint() : 0;
    if (kValues && has_external_value(entry)) bytes += value_buffer(entry + head_bytes(entry))->footprint();
    return bytes;
  }
  static FieldEntry decode(char const* entry) {
    FieldEntry result{.field = field(entry)};
    char const* at = entry + head_bytes(entry);
    if constexpr (kValues) {
      result.value = value(entry, at);
      if (has_external_value(entry)) result.value_buffer = value_buffer(at);
      at += value_bytes(entry, at);
    }
    if (has_expiry(entry)) result.expire_ms = expiry(at);
    return result;
  }

  /// The entry of `field` among those in [begin, end); null when there is none. At least 8 bytes before `begin` are
  /// readable.
  static char const* find(char const* begin, char const* end, std::string_view wanted, uint64_t hash) {
    if (wanted.size() >= kLong) return find_long(begin, end, wanted, hash);
    // Fields of one map are often alike but for their last bytes: these are compared first, 8 at once.
    size_t const length = wanted.size();
    uint64_t const mask = length >= 8 ? ~uint64_t{0} : ~(~uint64_t{0} >> (8 * length));
    uint64_t first = 0, last = 0;  // the first and the last 8 bytes of `wanted`
    if (length >= 8) {
      first = load<uint64_t>(wanted.data());
      last = load<uint64_t>(wanted.data() + length - 8);
    } else if (length > 0) {
      std::memcpy(reinterpret_cast<char*>(&last) + 8 - length, wanted.data(), length);
    }
    for (char const* entry = begin; entry < end; entry += bytes(entry)) {
      if ((tag(entry) & kLengthMask) != length) continue;
      if (((load<uint64_t>(entry + 1 + length - 8) ^ last) & mask) != 0) continue;
      if (length <= 8) return entry;
      if (load<uint64_t>(entry + 1) != first) continue;
      if (length <= 16 || std::memcmp(entry + 9, wanted.data() + 8, length - 16) == 0) return entry;
    }
    return nullptr;
  }

 private:
  static char const* find_long(char const* begin, char const* end, std::string_view wanted, uint64_t hash) {
    uint8_t const kind = is_external(wanted) ? kExternal : kLong;
    for (char const* entry = begin; entry < end; entry += bytes(entry)) {
      if ((tag(entry) & kLengthMask) != kind) continue;
      if (kind == kExternal && field_hash(entry) != hash) continue;
      if (field(entry) == wanted) return entry;
    }
    return nullptr;
  }

  KeyHasher const* hasher_;
};

}  // namespace holdfast
