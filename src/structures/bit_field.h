#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace holdfast {

// Integers of any width at any bit of a string: BITFIELD and BITFIELD_RO. Bit 0 is the most significant bit of byte 0,
// fields are big endian. The caller owns and locks the bytes.

/// i1..i64 or u1..u63, so that every value fits int64_t.
struct BitFieldType {
  bool is_signed;
  uint8_t bits;

  int64_t min() const { return is_signed ? INT64_MIN >> (64 - bits) : 0; }
  int64_t max() const { return INT64_MAX >> (is_signed ? 64 - bits : 63 - bits); }
  bool operator==(BitFieldType const&) const = default;
};

/// "u8", "i64": lower case letter and canonical decimal.
std::optional<BitFieldType> parse_bit_field_type(std::string_view text);

/// A bit offset: canonical decimal whose byte is below `bytes_max` (proto-max-bulk-len). With `unit_bits` other than 0
/// the form "#N" is understood too, N times that many bits. (SETBIT and GETBIT pass 0.)
std::optional<uint64_t> parse_bit_offset(std::string_view text, unsigned unit_bits, uint64_t bytes_max);

/// Bytes a string must have to hold the field. `offset` is below 2^62.
uint64_t bit_field_end(BitFieldType type, uint64_t offset);

/// Bits beyond the end are 0.
int64_t read_bit_field(std::string_view bytes, BitFieldType type, uint64_t offset);

/// Writes the low bits of `value`. `bytes` has at least bit_field_end() bytes.
void write_bit_field(std::span<char> bytes, BitFieldType type, uint64_t offset, int64_t value);

enum class BitOverflow : uint8_t { kWrap, kSaturate, kFail };

/// "WRAP", "SAT" or "FAIL" in any case.
std::optional<BitOverflow> parse_bit_overflow(std::string_view text);

/// What SET stores for `value`, or nothing when it does not fit and that fails. For an unsigned type `value` is taken
/// as uint64_t, as in Redis: -1 saturates to the maximum. As do, for i1..i63, the lowest values, those less than max()
/// - 2^63 + 1.
std::optional<int64_t> fit_bit_field(BitFieldType type, int64_t value, BitOverflow overflow);

/// What INCRBY stores for `old` (which fits the type) + `increment`, or nothing when that does not fit and fails.
std::optional<int64_t> add_bit_field(BitFieldType type, int64_t old, int64_t increment, BitOverflow overflow);

}  // namespace holdfast
