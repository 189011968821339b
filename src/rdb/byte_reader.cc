#include "rdb/byte_reader.h"

#include <liblzf/lzf.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/number.h"
#include "rdb/format.h"

namespace holdfast {
namespace {

constexpr uint8_t kSpecialMask = 0xC0;

// The densest LZF element: 3 bytes that stand for 264.
constexpr uint64_t kLzfExpansionMax = 88;

template <class Int>
Int load(std::string_view bytes) {
  Int value{};
  if (bytes.size() == sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

}  // namespace

uint64_t ByteReader::fixed64() { return load<uint64_t>(raw(8)); }

int32_t ByteReader::fixed32_signed() { return load<int32_t>(raw(4)); }

double ByteReader::binary64() { return std::bit_cast<double>(fixed64()); }

double ByteReader::ascii_double() {
  constexpr uint8_t kNan = 253;
  constexpr uint8_t kPositiveInfinity = 254;
  constexpr uint8_t kNegativeInfinity = 255;
  uint8_t const size = byte();
  switch (size) {
    case kNan:
      return std::numeric_limits<double>::quiet_NaN();
    case kPositiveInfinity:
      return HUGE_VAL;
    case kNegativeInfinity:
      return -HUGE_VAL;
    default:
      break;
  }
  std::string_view const text = raw(size);
  if (!ok()) return 0;
  auto const value = parse_double(text);
  if (!value) corrupt();
  return value.value_or(0);
}

uint64_t ByteReader::length_after(uint8_t first) {
  switch (first >> 6) {
    case 0:
      return first;
    case 1: {
      uint8_t const low = byte();
      return ok() ? (uint64_t{first & 0x3Fu} << 8) | low : 0;
    }
    case 2:
      if (first == 0x80) return __builtin_bswap32(load<uint32_t>(raw(4)));
      if (first == 0x81) return big_endian64();
      break;
    default:
      break;
  }
  corrupt();
  return 0;
}

uint64_t ByteReader::length_slow() {
  uint8_t const first = byte();
  return ok() ? length_after(first) : 0;
}

uint64_t ByteReader::count(uint64_t element_bytes_min) {
  uint64_t const elements = length();
  if (!ok()) return 0;
  if (elements <= remaining() / element_bytes_min) return elements;
  uint64_t bytes;
  if (__builtin_mul_overflow(elements, element_bytes_min, &bytes)) bytes = UINT64_MAX;
  need(bytes);
  return 0;
}

int64_t ByteReader::string_integer(uint8_t first) {
  if (first == kRdbString8) return load<int8_t>(raw(1));
  if (first == kRdbString16) return load<int16_t>(raw(2));
  return load<int32_t>(raw(4));
}

std::string_view ByteReader::string_lzf(std::string& scratch) {
  uint64_t const packed_bytes = length();
  uint64_t const original_bytes = length();
  std::string_view const packed = raw(packed_bytes);
  if (!ok()) return {};
  bool const plausible = packed_bytes <= UINT32_MAX && original_bytes <= UINT32_MAX && original_bytes > 0 &&
                         original_bytes <= packed_bytes * kLzfExpansionMax;
  if (!plausible) {
    corrupt();
    return {};
  }
  unsigned made = 0;
  // The size that libstdc++ 12 passes to the function may be larger than what was asked for.
  scratch.resize_and_overwrite(original_bytes, [&](char* at, size_t) {
    made =
        lzf_decompress(packed.data(), static_cast<unsigned>(packed.size()), at, static_cast<unsigned>(original_bytes));
    return made;
  });
  if (made == original_bytes) return scratch;
  corrupt();
  return {};
}

ByteReader::StringOrInteger ByteReader::string_or_integer(std::string& scratch) {
  uint8_t const first = byte();
  if (!ok()) return {};
  if ((first & kSpecialMask) != kSpecialMask) {
    uint64_t const size = length_after(first);
    return {.text = raw(size)};
  }
  if (first == kRdbStringLzf) return {.text = string_lzf(scratch)};
  if (first == kRdbString8 || first == kRdbString16 || first == kRdbString32) {
    int64_t const value = string_integer(first);
    return {.is_integer = ok(), .integer = value};
  }
  corrupt();
  return {};
}

std::string_view ByteReader::string(std::string& scratch) {
  StringOrInteger const value = string_or_integer(scratch);
  if (!value.is_integer) return value.text;
  char text[kInt64TextBytesMax];
  scratch.assign(text, format_int64(text, value.integer));
  return scratch;
}

void ByteReader::skip_string_slow() {
  uint8_t const first = byte();
  if (!ok()) return;
  if ((first & kSpecialMask) != kSpecialMask) {
    skip(length_after(first));
  } else if (first == kRdbStringLzf) {
    uint64_t const packed_bytes = length();
    length();
    skip(packed_bytes);
  } else if (first <= kRdbString32) {
    skip(uint64_t{1} << (first - kRdbString8));
  } else {
    corrupt();
  }
}

}  // namespace holdfast
