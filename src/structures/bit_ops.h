#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace holdfast {

// Strings as bitmaps: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP. Bit 0 is the most significant bit of byte 0. The caller
// owns and locks the bytes. Long runs use AVX2 where the processor has it, else 64-bit words.

/// False beyond the end.
bool get_bit(std::string_view bytes, uint64_t offset);

/// Returns the old bit. `offset` is within `bytes`.
bool set_bit(std::span<char> bytes, uint64_t offset, bool value);

/// Bits that are 1.
uint64_t count_bits(std::string_view bytes);
/// The same among bits first..last, both included and within `bytes`; none when last < first.
uint64_t count_bits(std::string_view bytes, uint64_t first, uint64_t last);

/// The first bit of `value` among bits first..last, both included and within `bytes`.
std::optional<uint64_t> find_bit(std::string_view bytes, bool value, uint64_t first, uint64_t last);

enum class BitOperation : uint8_t { kAnd, kOr, kXor, kNot };

/// Writes the combination of `sources` (at least one; kNot: exactly one) to `out`, which is as long as the longest of
/// them and overlaps none. A shorter source counts as followed by zeros.
void combine_bits(BitOperation operation, std::span<std::string_view const> sources, std::span<char> out);

}  // namespace holdfast
