#include "structures/packed_entry.h"

#include <bit>

#include "base/check.h"

namespace holdfast::packed {
namespace {

static_assert(std::endian::native == std::endian::little, "integers of entries are copied as they are");

constexpr uint8_t kText6 = 0x80;
constexpr uint8_t kInteger13 = 0xC0;
constexpr uint8_t kText12 = 0xE0;
constexpr uint8_t kText32 = 0xF0;
constexpr uint8_t kInteger16 = 0xF1;
constexpr uint8_t kInteger24 = 0xF2;
constexpr uint8_t kInteger32 = 0xF3;
constexpr uint8_t kInteger64 = 0xF4;

uint8_t byte_at(char const* at, size_t index) { return static_cast<uint8_t>(at[index]); }

uint32_t load_u32(char const* at) {
  uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

int64_t load_integer(char const* at, size_t bytes) {
  uint64_t value = 0;
  std::memcpy(&value, at, bytes);
  int const unused_bits = static_cast<int>(64 - 8 * bytes);
  return static_cast<int64_t>(value << unused_bits) >> unused_bits;
}

bool fits_bits(int64_t value, int bits) {
  int64_t const limit = int64_t{1} << (bits - 1);
  return value >= -limit && value < limit;
}

// Bytes of encoding and data: what backlen says.
size_t body_bytes_of_integer(int64_t value) {
  if (value >= 0 && value < 128) return 1;
  if (fits_bits(value, 13)) return 2;
  if (fits_bits(value, 16)) return 3;
  if (fits_bits(value, 24)) return 4;
  return fits_bits(value, 32) ? 5 : 9;
}

size_t body_bytes_of_text(size_t text_bytes) {
  if (text_bytes < 64) return 1 + text_bytes;
  return (text_bytes < 4096 ? 2 : 5) + text_bytes;
}

size_t body_bytes_of(Element const& element) {
  return element.is_integer ? body_bytes_of_integer(element.integer) : body_bytes_of_text(element.text.size());
}

// The limits are one below what 7-bit groups could hold from the second on; readers compute them in the same way.
constexpr size_t backlen_bytes(uint64_t body_bytes) {
  if (body_bytes <= 127) return 1;
  if (body_bytes < (1 << 14) - 1) return 2;
  if (body_bytes < (1 << 21) - 1) return 3;
  return body_bytes < (1 << 28) - 1 ? 4 : 5;
}
constexpr size_t kBacklenBytesMax = 5;

char* write_backlen(char* at, uint64_t body_bytes) {
  size_t const bytes = backlen_bytes(body_bytes);
  for (size_t i = bytes; i-- > 0;) {
    at[i] = static_cast<char>((body_bytes & 127) | (i == 0 ? 0 : 128));
    body_bytes >>= 7;
  }
  return at + bytes;
}

// Bytes of encoding and data of an entry whose text is longer than 63 bytes.
size_t long_body_bytes_at(char const* at) {
  uint8_t const head = byte_at(at, 0);
  if (head == kText32) return 5 + size_t{load_u32(at + 1)};
  return 2 + (static_cast<size_t>(head & 0x0F) << 8 | byte_at(at, 1));
}

char* write_integer_body(char* at, int64_t value) {
  size_t const bytes = body_bytes_of_integer(value);
  if (bytes == 1) {
    *at = static_cast<char>(value);
  } else if (bytes == 2) {
    at[0] = static_cast<char>(kInteger13 | ((value >> 8) & 0x1F));
    at[1] = static_cast<char>(value & 0xFF);
  } else {
    uint8_t const head = bytes == 3 ? kInteger16 : bytes == 4 ? kInteger24 : bytes == 5 ? kInteger32 : kInteger64;
    *at = static_cast<char>(head);
    std::memcpy(at + 1, &value, bytes - 1);
  }
  return at + bytes;
}

char* write_text_body(char* at, std::string_view text) {
  size_t const size = text.size();
  if (size < 64) {
    *at++ = static_cast<char>(kText6 | size);
  } else if (size < 4096) {
    *at++ = static_cast<char>(kText12 | (size >> 8));
    *at++ = static_cast<char>(size & 0xFF);
  } else {
    auto const stored = static_cast<uint32_t>(size);
    *at++ = static_cast<char>(kText32);
    std::memcpy(at, &stored, sizeof stored);
    at += sizeof stored;
  }
  // An empty text may have no address.
  if (size != 0) std::memcpy(at, text.data(), size);
  return at + size;
}

}  // namespace

Element Element::of(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > kInt64TextBytesMax) return {false, 0, bytes};
  bool const may_be_number = (bytes[0] >= '0' && bytes[0] <= '9') || bytes[0] == '-';
  if (may_be_number) {
    if (auto const value = parse_int64(bytes)) return of_integer(*value);
  }
  return {false, 0, bytes};
}

size_t Element::text_bytes() const {
  TextScratch scratch;
  return as_text(scratch).size();
}

size_t entry_bytes(Element const& element) {
  size_t const body = body_bytes_of(element);
  return body + backlen_bytes(body);
}

char* write_entry(char* at, Element const& element) {
  DCHECK(element.text.size() <= kBytesMax);
  char* const end = element.is_integer ? write_integer_body(at, element.integer) : write_text_body(at, element.text);
  return write_backlen(end, static_cast<uint64_t>(end - at));
}

Element read_entry(char const* at) {
  uint8_t const head = byte_at(at, 0);
  if (head < kText6) return Element::of_integer(head);
  if (head < kInteger13) return {false, 0, {at + 1, static_cast<size_t>(head & 0x3F)}};
  if (head < kText12) {
    auto const bits = static_cast<uint32_t>(head & 0x1F) << 8 | byte_at(at, 1);
    return Element::of_integer(bits < 4096 ? static_cast<int64_t>(bits) : static_cast<int64_t>(bits) - 8192);
  }
  if (head < kText32) return {false, 0, {at + 2, static_cast<size_t>(head & 0x0F) << 8 | byte_at(at, 1)}};
  switch (head) {
    case kText32:
      return {false, 0, {at + 5, load_u32(at + 1)}};
    case kInteger16:
      return Element::of_integer(load_integer(at + 1, 2));
    case kInteger24:
      return Element::of_integer(load_integer(at + 1, 3));
    case kInteger32:
      return Element::of_integer(load_integer(at + 1, 4));
    default:
      DCHECK(head == kInteger64);
      return Element::of_integer(load_integer(at + 1, 8));
  }
}

size_t long_entry_bytes_at(char const* at) {
  size_t const body = long_body_bytes_at(at);
  return body + backlen_bytes(body);
}

char const* previous(char const* at) {
  --at;
  size_t body = byte_at(at, 0) & 127;
  for (int shift = 7; byte_at(at, 0) & 128; shift += 7) {
    --at;
    body |= static_cast<size_t>(byte_at(at, 0) & 127) << shift;
  }
  return at - body;
}

std::optional<size_t> checked_entry_bytes(char const* at, size_t room) {
  if (room == 0) return std::nullopt;
  uint8_t const head = byte_at(at, 0);
  if (head > kInteger64) return std::nullopt;
  size_t const length_bytes = head == kText32 ? 5 : head >= kText12 && head < kText32 ? 2 : 1;
  if (room < length_bytes) return std::nullopt;
  size_t const short_bytes = kEntryBytesByHead[head];
  size_t const body = short_bytes != 0 ? short_bytes - 1 : long_body_bytes_at(at);
  size_t const bytes = body + backlen_bytes(body);
  if (bytes > room) return std::nullopt;
  char expected[kBacklenBytesMax];
  write_backlen(expected, body);
  if (std::memcmp(at + body, expected, bytes - body) != 0) return std::nullopt;
  return bytes;
}

Needle::Needle(std::string_view text) : text_(text) {
  Element const element = Element::of(text);
  if (element.is_integer) {
    is_integer_ = true;
    integer_ = element.integer;
    rest_bytes_ = static_cast<size_t>(write_integer_body(encoded_, integer_) - encoded_) - 1;
    head_ = byte_at(encoded_, 0);
  } else if (text.size() < 64) {
    rest_bytes_ = text.size();
    head_ = static_cast<uint16_t>(kText6 | text.size());
  }
}

bool Needle::matches_other_form(char const* at) const {
  Element const element = read_entry(at);
  if (element.is_integer) return is_integer_ && element.integer == integer_;
  return element.text.size() == text_.size() && same_bytes(element.text.data(), text_.data(), text_.size());
}

char const* find(char const* from, char const* end, Needle const& needle, size_t skip) {
  char const* at = from;
  while (at != end) {
    if (needle.matches(at)) return at;
    at = advance(next(at), end, skip);
  }
  return nullptr;
}

char const* advance(char const* from, char const* end, size_t count) {
  for (; count != 0 && from != end; --count) from = next(from);
  return from;
}

}  // namespace holdfast::packed
