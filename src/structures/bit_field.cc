#include "structures/bit_field.h"

#include <algorithm>

#include "base/check.h"
#include "base/number.h"
#include "base/strings.h"

namespace holdfast {
namespace {

constexpr unsigned kSignedBitsMax = 64;
constexpr unsigned kUnsignedBitsMax = 63;

/// Sums of int64_t and uint64_t values are exact in it, and offsets times their unit.
__extension__ typedef __int128 Wide;

/// The low bits of the type, with the sign spread upwards.
int64_t truncate(BitFieldType type, uint64_t value) {
  unsigned const unused = 64u - type.bits;
  auto const top = value << unused;
  return type.is_signed ? static_cast<int64_t>(top) >> unused : static_cast<int64_t>(top >> unused);
}

std::optional<int64_t> fit(BitFieldType type, Wide value, BitOverflow overflow) {
  if (value >= type.min() && value <= type.max()) return static_cast<int64_t>(value);
  switch (overflow) {
    case BitOverflow::kWrap:
      return truncate(type, static_cast<uint64_t>(value));
    case BitOverflow::kSaturate:
      return value < type.min() ? type.min() : type.max();
    case BitOverflow::kFail:
      break;
  }
  return std::nullopt;
}

}  // namespace

std::optional<BitFieldType> parse_bit_field_type(std::string_view text) {
  if (text.empty() || (text[0] != 'i' && text[0] != 'u')) return std::nullopt;
  bool const is_signed = text[0] == 'i';
  auto const bits = parse_int64(text.substr(1));
  if (!bits || *bits < 1 || *bits > (is_signed ? kSignedBitsMax : kUnsignedBitsMax)) return std::nullopt;
  return BitFieldType{is_signed, static_cast<uint8_t>(*bits)};
}

std::optional<uint64_t> parse_bit_offset(std::string_view text, unsigned unit_bits, uint64_t bytes_max) {
  unsigned factor = 1;
  if (unit_bits != 0 && text.starts_with('#')) {
    text.remove_prefix(1);
    factor = unit_bits;
  }
  auto const number = parse_int64(text);
  if (!number || *number < 0) return std::nullopt;
  Wide const offset = Wide{*number} * factor;
  if (offset / 8 >= bytes_max) return std::nullopt;
  return static_cast<uint64_t>(offset);
}

uint64_t bit_field_end(BitFieldType type, uint64_t offset) { return (offset + type.bits + 7) / 8; }

int64_t read_bit_field(std::string_view bytes, BitFieldType type, uint64_t offset) {
  uint64_t const first = offset / 8;
  uint64_t const last = (offset + type.bits - 1) / 8;
  auto const byte = [&](uint64_t index) -> uint64_t {
    return index < bytes.size() ? static_cast<uint8_t>(bytes[index]) : 0;
  };
  // Up to eight bytes, then the ninth, which a field of more than 57 bits may reach.
  uint64_t value = byte(first) & (0xFFu >> (offset % 8));
  for (uint64_t index = first + 1; index < last; ++index) value = (value << 8) | byte(index);
  unsigned const used = (offset + type.bits - 1) % 8 + 1;  // bits of the last byte
  if (first == last) {
    value >>= 8 - used;
  } else {
    value = (value << used) | (byte(last) >> (8 - used));
  }
  return truncate(type, value);
}

void write_bit_field(std::span<char> bytes, BitFieldType type, uint64_t offset, int64_t value) {
  DCHECK(bit_field_end(type, offset) <= bytes.size());
  auto rest = static_cast<uint64_t>(value);
  unsigned left = type.bits;
  // From the last bit backwards, as much as one byte takes at a time.
  for (uint64_t end = offset + type.bits; left > 0;) {
    uint64_t const index = (end - 1) / 8;
    unsigned const shift = static_cast<unsigned>((index + 1) * 8 - end);
    unsigned const count = std::min(left, 8 - shift);
    unsigned const mask = ((1u << count) - 1) << shift;
    unsigned const old = static_cast<uint8_t>(bytes[index]);
    bytes[index] = static_cast<char>((old & ~mask) | ((static_cast<unsigned>(rest & 0xFF) << shift) & mask));
    rest >>= count;
    left -= count;
    end -= count;
  }
}

std::optional<BitOverflow> parse_bit_overflow(std::string_view text) {
  if (iequals(text, "wrap")) return BitOverflow::kWrap;
  if (iequals(text, "sat")) return BitOverflow::kSaturate;
  if (iequals(text, "fail")) return BitOverflow::kFail;
  return std::nullopt;
}

std::optional<int64_t> fit_bit_field(BitFieldType type, int64_t value, BitOverflow overflow) {
  if (!type.is_signed) return fit(type, Wide{static_cast<uint64_t>(value)}, overflow);
  // Redis takes the distance to the maximum in 64 bits, where it wraps for the lowest values: these saturate upwards.
  Wide seen = value;
  if (type.bits < kSignedBitsMax && Wide{type.max()} - value > INT64_MAX) seen += Wide{1} << 64;
  return fit(type, seen, overflow);
}

std::optional<int64_t> add_bit_field(BitFieldType type, int64_t old, int64_t increment, BitOverflow overflow) {
  return fit(type, Wide{old} + increment, overflow);
}

}  // namespace holdfast
