#include "structures/zipmap.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <vector>

#include "structures/byte_cursor.h"
#include "structures/packed_list.h"

namespace holdfast {
namespace {

static_assert(std::endian::native == std::endian::little, "lengths are copied as they are");

constexpr size_t kHeaderBytes = 1;
constexpr uint8_t kEnd = 0xFF;
constexpr uint8_t kWideLength = 0xFE;
constexpr uint8_t kCountUnknown = 0xFE;

struct Pair {
  std::string_view field;
  std::string_view value;
  size_t bytes = 0;
};

std::optional<uint32_t> read_length(ByteCursor& cursor) {
  auto const first = cursor.take_byte();
  if (!first || *first == kEnd) return std::nullopt;
  if (*first < kWideLength) return *first;
  auto const length = cursor.take_u32();
  // Redis misreads the wide form of a short length, so nobody has written one.
  return length && *length >= kWideLength ? length : std::nullopt;
}

// The pair at `offset`, which ends before the last byte of the map at the latest.
std::optional<Pair> read_pair(std::string_view map, size_t offset) {
  ByteCursor cursor(map.substr(offset, map.size() - 1 - offset));
  size_t const room = cursor.left();
  auto const field_bytes = read_length(cursor);
  if (!field_bytes) return std::nullopt;
  auto const field = cursor.take(*field_bytes);
  if (!field) return std::nullopt;
  auto const value_bytes = read_length(cursor);
  if (!value_bytes) return std::nullopt;
  auto const unused_bytes = cursor.take_byte();
  if (!unused_bytes) return std::nullopt;
  auto const value = cursor.take(*value_bytes);
  if (!value || !cursor.take(*unused_bytes)) return std::nullopt;
  return Pair{*field, *value, room - cursor.left()};
}

}  // namespace

ZipmapReader::ZipmapReader(std::string_view bytes) : bytes_(bytes), offset_(kHeaderBytes) {}

Result<ZipmapReader> ZipmapReader::open(std::string_view bytes) {
  if (bytes.size() <= kHeaderBytes || static_cast<uint8_t>(bytes.back()) != kEnd) return fail("zipmap: no end mark");
  std::vector<std::string_view> fields;
  for (size_t offset = kHeaderBytes; offset != bytes.size() - 1;) {
    auto const pair = read_pair(bytes, offset);
    if (!pair) return fail("zipmap: invalid pair");
    fields.push_back(pair->field);
    offset += pair->bytes;
  }
  auto const count = static_cast<uint8_t>(bytes[0]);
  if (fields.empty() || (count != kCountUnknown && count != fields.size())) return fail("zipmap: wrong count");
  ZipmapReader reader(bytes);
  reader.count_ = fields.size();
  std::ranges::sort(fields);
  if (std::ranges::adjacent_find(fields) != fields.end()) return fail("zipmap: a field twice");
  return reader;
}

bool ZipmapReader::next(packed::Element& field, packed::Element& value) {
  if (offset_ == bytes_.size() - 1) return false;
  auto const pair = read_pair(bytes_, offset_);
  if (!pair) return false;
  field = packed::Element::of(pair->field);
  value = packed::Element::of(pair->value);
  offset_ += pair->bytes;
  return true;
}

Result<std::string> packed_list_from_zipmap(std::string_view bytes) {
  auto reader = ZipmapReader::open(bytes);
  if (!reader) return std::unexpected(reader.error());
  PackedListBuilder list;
  packed::Element field;
  packed::Element value;
  while (reader->next(field, value)) {
    size_t const added = packed::entry_bytes(field) + packed::entry_bytes(value);
    if (list.size_bytes() + added > packed::kBytesMax) return fail("zipmap: too long");
    list.append(field);
    list.append(value);
  }
  return list.finish();
}

}  // namespace holdfast
