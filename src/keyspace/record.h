#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "memory/shared_buffer.h"
#include "values/body.h"
#include "values/value_type.h"
#include "values/value_view.h"

namespace holdfast {

// A record is one block of memory: key, attributes and (small) value together, so that a GET costs two cache misses:
// the bucket and the record.
//
//   offset 0   u8   type (low 4 bits) | encoding (high 4 bits)
//          1   u8   flags: kHasExpiry, kHasCapacity, kLongKey, kWideExpiry
//          2   u24  access: LRU clock in seconds, or LFU minutes << 8 | counter
//          5   u8   key length, or u32 when kLongKey
//          .   i48  expiry, Unix ms            (kHasExpiry; i64 when kWideExpiry: after the year 6429)
//          .   u32  bytes of the whole block   (kHasCapacity; else the block is the class of its content)
//          .        key bytes
//          .        value: kInt 8 bytes; inline encodings: u8 length, or 0xFE and u32, then the bytes; kShared, kBody: 8-byte
//               pointer
//
// Exactly one pointer to a record exists: in its bucket. It may be written only under the lock of its partition.

/// Room to print an integer value as text.
struct IntegerText {
  char bytes[24];
};

/// What is written into a new record.
struct RecordContent {
  std::string_view key;
  ValueType type = ValueType::kString;
  Encoding encoding = Encoding::kRaw;
  std::string_view bytes;             ///< inline encodings
  int64_t integer = 0;                ///< kInt
  SharedBuffer* shared = nullptr;     ///< kShared; the record takes over the caller's reference
  Body* body = nullptr;               ///< kBody; the record takes it over
  std::optional<int64_t> expire_ms;   ///< Unix ms
  uint32_t access = 0;
};

class Record {
 public:
  Record() = delete;
  Record(Record const&) = delete;
  Record& operator=(Record const&) = delete;

  static constexpr uint8_t kHasExpiry = 1;
  static constexpr uint8_t kHasCapacity = 2;
  static constexpr uint8_t kLongKey = 4;
  static constexpr uint8_t kWideExpiry = 8;

  /// Bytes that `content` needs, before rounding up to what the slab gives.
  static size_t bytes_for(RecordContent const& content, bool with_capacity);
  /// Writes `content` into `block`. `capacity` != 0 is stored (the block is bigger than the content needs).
  static Record* write(void* block, RecordContent const& content, uint32_t capacity);

  ValueType type() const { return static_cast<ValueType>(head()[0] & 15); }
  Encoding encoding() const { return static_cast<Encoding>(head()[0] >> 4); }

  uint32_t access() const { return head()[2] | head()[3] << 8 | head()[4] << 16; }
  void set_access(uint32_t access) {
    head()[2] = static_cast<uint8_t>(access);
    head()[3] = static_cast<uint8_t>(access >> 8);
    head()[4] = static_cast<uint8_t>(access >> 16);
  }

  bool has_expiry() const { return head()[1] & kHasExpiry; }
  /// Unix ms. Precondition: has_expiry().
  int64_t expire_ms() const;
  /// True when this expiry can be written in place of the present one.
  bool can_hold_expiry(int64_t expire_ms) const;
  /// Changes the expiry in place. Precondition: can_hold_expiry(expire_ms).
  void set_expire_ms(int64_t expire_ms);
  std::optional<int64_t> expiry() const { return has_expiry() ? std::optional(expire_ms()) : std::nullopt; }

  std::string_view key() const;

  /// The text of a string value. `scratch` is used for integers. Valid until the record changes.
  std::string_view text(IntegerText& scratch) const;
  /// Precondition: kInt.
  int64_t integer() const;
  void set_integer(int64_t value);
  /// Precondition: kShared. The record keeps its reference.
  SharedBuffer* shared() const;
  void set_shared(SharedBuffer* buffer);
  /// Precondition: kBody. The record owns it.
  Body* body() const;
  ValueView view() const;
  /// Length of the text of a string value.
  size_t text_length() const;

  /// Precondition: an inline encoding. The bytes in the block.
  std::string_view inline_bytes() const;
  char* inline_data() { return const_cast<char*>(inline_bytes().data()); }
  /// How long the inline value may become in this block of `block_bytes` with its present length field.
  size_t inline_room(size_t block_bytes) const;
  /// Precondition: the new length fits (inline_room) and needs no wider length field.
  void set_inline_length(size_t length);

  /// Bytes that the content of this record needs (what bytes_for gave).
  size_t content_bytes() const;
  /// Bytes of the block as asked from the allocator.
  size_t block_bytes() const;

 private:
  size_t expiry_offset() const;
  size_t expiry_bytes() const;
  size_t key_offset() const;
  uint8_t const* value() const;
  uint8_t* value() { return const_cast<uint8_t*>(static_cast<Record const*>(this)->value()); }

  // A record is a view of its block: it has no members, and is never made or copied as an object.
  uint8_t const* head() const { return reinterpret_cast<uint8_t const*>(this); }
  uint8_t* head() { return reinterpret_cast<uint8_t*>(this); }
};

}  // namespace holdfast
