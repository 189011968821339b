#include "structures/ziplist.h"

#include <bit>
#include <cstring>
#include <optional>

#include "structures/byte_cursor.h"
#include "structures/packed_list.h"

namespace holdfast {
namespace {

static_assert(std::endian::native == std::endian::little, "integers of entries are copied as they are");

constexpr size_t kHeaderBytes = 10;
constexpr size_t kEmptyBytes = kHeaderBytes + 1;
constexpr uint8_t kEnd = 0xFF;
constexpr uint8_t kWidePrevious = 0xFE;
constexpr uint16_t kCountUnknown = 0xFFFF;

template <class Value>
Value load(char const* at) {
  Value value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

struct Entry {
  packed::Element element;
  uint32_t previous_bytes = 0;
  size_t bytes = 0;
};

std::optional<uint32_t> read_previous_bytes(ByteCursor& cursor) {
  auto const first = cursor.take_byte();
  if (!first || *first == kEnd) return std::nullopt;
  if (*first != kWidePrevious) return *first;
  return cursor.take_u32();
}

std::optional<packed::Element> read_text(ByteCursor& cursor, uint8_t head) {
  size_t size = head & 0x3F;
  if (head >> 6 == 1) {
    auto const low = cursor.take_byte();
    if (!low) return std::nullopt;
    size = size << 8 | *low;
  } else if (head >> 6 == 2) {
    auto const wide = cursor.take_u32();
    if (!wide) return std::nullopt;
    size = std::byteswap(*wide);
  }
  auto const text = cursor.take(size);
  return text ? std::optional(packed::Element::of(*text)) : std::nullopt;
}

// Bytes of the integer behind this head, 0 when there is none.
size_t integer_bytes(uint8_t head) {
  switch (head) {
    case 0xC0:
      return 2;
    case 0xD0:
      return 4;
    case 0xE0:
      return 8;
    case 0xF0:
      return 3;
    case 0xFE:
      return 1;
    default:
      return 0;
  }
}

std::optional<packed::Element> read_element(ByteCursor& cursor) {
  auto const head = cursor.take_byte();
  if (!head) return std::nullopt;
  if (*head < 0xC0) return read_text(cursor, *head);
  if (*head >= 0xF1 && *head <= 0xFD) return packed::Element::of_integer((*head & 0x0F) - 1);
  size_t const size = integer_bytes(*head);
  if (size == 0) return std::nullopt;
  auto const data = cursor.take(size);
  if (!data) return std::nullopt;
  uint64_t value = 0;
  std::memcpy(&value, data->data(), size);
  int const unused_bits = static_cast<int>(64 - 8 * size);
  return packed::Element::of_integer(static_cast<int64_t>(value << unused_bits) >> unused_bits);
}

// The entry at `offset`, which ends before the last byte of the list at the latest.
std::optional<Entry> read_entry(std::string_view list, size_t offset) {
  ByteCursor cursor(list.substr(offset, list.size() - 1 - offset));
  size_t const room = cursor.left();
  auto const previous_bytes = read_previous_bytes(cursor);
  if (!previous_bytes) return std::nullopt;
  auto const element = read_element(cursor);
  if (!element) return std::nullopt;
  return Entry{*element, *previous_bytes, room - cursor.left()};
}

}  // namespace

ZiplistReader::ZiplistReader(std::string_view bytes) : bytes_(bytes), offset_(kHeaderBytes) {}

Result<ZiplistReader> ZiplistReader::open(std::string_view bytes) {
  if (bytes.size() < kEmptyBytes || load<uint32_t>(bytes.data()) != bytes.size()) return fail("ziplist: wrong size");
  if (static_cast<uint8_t>(bytes.back()) != kEnd) return fail("ziplist: no end mark");
  ZiplistReader reader(bytes);
  size_t offset = kHeaderBytes;
  size_t last_bytes = 0;
  while (offset != bytes.size() - 1) {
    auto const entry = read_entry(bytes, offset);
    if (!entry) return fail("ziplist: invalid entry");
    if (entry->previous_bytes != last_bytes) return fail("ziplist: wrong length of a previous entry");
    last_bytes = entry->bytes;
    offset += entry->bytes;
    ++reader.count_;
  }
  if (load<uint32_t>(bytes.data() + 4) != offset - last_bytes) return fail("ziplist: wrong tail offset");
  auto const count = load<uint16_t>(bytes.data() + 8);
  if (count != kCountUnknown && count != reader.count_) return fail("ziplist: wrong count");
  return reader;
}

bool ZiplistReader::next(packed::Element& element) {
  if (offset_ == bytes_.size() - 1) return false;
  auto const entry = read_entry(bytes_, offset_);
  if (!entry) return false;
  element = entry->element;
  offset_ += entry->bytes;
  return true;
}

Result<std::string> packed_list_from_ziplist(std::string_view bytes) {
  auto reader = ZiplistReader::open(bytes);
  if (!reader) return std::unexpected(reader.error());
  PackedListBuilder list;
  packed::Element element;
  while (reader->next(element)) {
    if (list.size_bytes() + packed::entry_bytes(element) > packed::kBytesMax) return fail("ziplist: too long");
    list.append(element);
  }
  return list.finish();
}

}  // namespace holdfast
