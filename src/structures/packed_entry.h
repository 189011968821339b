#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/number.h"

// The entries of a listpack (docs of the file format: "listpack" in Redis's RDB files), without header and terminator:
//
//   entry = encoding, data, backlen          backlen = bytes of encoding and data, written to be read backwards
//
//   0xxxxxxx             0..127              1110xxxx yyyyyyyy    text, 12-bit length
//   10xxxxxx             text, 6-bit length  F0 u32               text, 32-bit length
//   110xxxxx yyyyyyyy    13-bit signed       F1 F2 F3 F4          i16 i24 i32 i64, little endian
//
// Chunks of big values use the same entries as whole packed lists, so an element is copied between them as bytes.
// A canonical int64 text is always written as an integer, in the smallest form. Readers take every valid form.
//
// Functions that take a `char const* at` trust the bytes: hand them only what validation accepted or write_entry wrote.
// Everything here is pure; the bytes are guarded by whoever owns them.

namespace holdfast::packed {

/// Largest text of one entry, in bytes (and largest packed list: Redis refuses to grow a listpack beyond 1 GiB).
inline constexpr size_t kBytesMax = size_t{1} << 30;

/// Room to print an integer element as text.
struct TextScratch {
  char bytes[kInt64TextBytesMax];
};

/// One element: an integer, or a text that points at bytes of someone else.
struct Element {
  bool is_integer = false;
  int64_t integer = 0;    ///< when is_integer, else 0
  std::string_view text;  ///< when not is_integer, else empty

  /// An integer when `bytes` is the canonical text of an int64.
  static Element of(std::string_view bytes);
  static constexpr Element of_integer(int64_t value) { return {true, value, {}}; }

  /// The decimal text of an integer is written to `scratch`.
  std::string_view as_text(TextScratch& scratch) const {
    return is_integer ? std::string_view(scratch.bytes, format_int64(scratch.bytes, integer)) : text;
  }
  /// Bytes of as_text().
  size_t text_bytes() const;

  /// Equality of what is stored: Element::of of equal texts are equal.
  bool operator==(Element const&) const = default;
};

/// Bytes of the entry that write_entry makes. Precondition: the text has at most kBytesMax bytes.
size_t entry_bytes(Element const& element);
/// Writes the entry (entry_bytes of room) and returns its end. The text must not overlap the place it is written to.
char* write_entry(char* at, Element const& element);

/// The element that starts here; a text points into the entry.
Element read_entry(char const* at);

/// Bytes of an entry whose text is longer than 63 bytes.
size_t long_entry_bytes_at(char const* at);

/// By first byte: bytes of the whole entry; 0 = long text, whose length must be read.
inline constexpr std::array<uint8_t, 256> kEntryBytesByHead = [] {
  std::array<uint8_t, 256> bytes{};
  for (size_t head = 0; head < 0x80; ++head) bytes[head] = 2;
  for (size_t head = 0x80; head < 0xC0; ++head) bytes[head] = static_cast<uint8_t>(2 + (head & 0x3F));
  for (size_t head = 0xC0; head < 0xE0; ++head) bytes[head] = 3;
  bytes[0xF1] = 4;
  bytes[0xF2] = 5;
  bytes[0xF3] = 6;
  bytes[0xF4] = 10;
  return bytes;
}();

/// Bytes of the entry that starts here, backlen included.
inline size_t entry_bytes_at(char const* at) {
  size_t const bytes = kEntryBytesByHead[static_cast<uint8_t>(*at)];
  return bytes != 0 ? bytes : long_entry_bytes_at(at);
}

/// Start of the entry behind this one, or the end of the entries.
inline char const* next(char const* at) { return at + entry_bytes_at(at); }
/// Start of the entry that ends here. Precondition: there is one before `at` (an entry's start, or the end of all).
char const* previous(char const* at);

/// Bytes of the valid entry that starts here, or nothing. Trusts no byte and reads none at or behind at + room.
std::optional<size_t> checked_entry_bytes(char const* at, size_t room);

/// Equality that looks at the end first: fields of one hash share their beginnings.
inline bool same_bytes(char const* a, char const* b, size_t size) {
  if (size >= 8) {
    uint64_t tail_a;
    uint64_t tail_b;
    std::memcpy(&tail_a, a + size - 8, 8);
    std::memcpy(&tail_b, b + size - 8, 8);
    return tail_a == tail_b && (size == 8 || std::memcmp(a, b, size - 8) == 0);
  }
  while (size != 0) {
    --size;
    if (a[size] != b[size]) return false;
  }
  return true;
}

/// A text to look for, made once and compared with many entries. Points at the text it was made from.
class Needle {
 public:
  explicit Needle(std::string_view text);

  /// Whether the entry that starts here has this text.
  bool matches(char const* at) const {
    auto const head = static_cast<uint8_t>(*at);
    if (head == head_) return same_bytes(at + 1, is_integer_ ? encoded_ + 1 : text_.data(), rest_bytes_);
    // Another head means another element, unless somebody else wrote a form that is longer than necessary.
    if (head < 0xE0 && !is_integer_) return false;
    return matches_other_form(at);
  }

  std::string_view text() const { return text_; }

 private:
  bool matches_other_form(char const* at) const;

  // No first byte of an entry: long texts are compared by matches_other_form.
  static constexpr uint16_t kNoHead = 0x100;

  std::string_view text_;
  int64_t integer_ = 0;
  size_t rest_bytes_ = 0;  // to compare behind the head
  uint16_t head_ = kNoHead;
  bool is_integer_ = false;
  char encoded_[10] = {};  // the entry of an integer
};

/// First entry in [from, end) that matches; after each entry looked at, `skip` entries are passed over (1: only the
/// fields of field, value, ...). Null when there is none.
char const* find(char const* from, char const* end, Needle const& needle, size_t skip = 0);

/// Start of the entry `count` entries behind `from`; `end` when there are not so many.
char const* advance(char const* from, char const* end, size_t count);

}  // namespace holdfast::packed
