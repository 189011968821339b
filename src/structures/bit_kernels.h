#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "structures/bit_ops.h"

namespace holdfast {

// The inner loops of bit_ops, each in two forms: for AVX2, chosen at run time, and for any processor.

/// Bits that are 1.
uint64_t count_ones(std::string_view bytes);

/// A number of leading bytes that all equal `byte`, a multiple of 32: the caller looks at what is left.
size_t skip_equal_bytes(std::string_view bytes, uint8_t byte);

/// out[i] = sources[0][i] op sources[1][i] op ...; each source has at least out.size() bytes.
void combine_runs(BitOperation operation, std::span<char const* const> sources, std::span<char> out);

/// The portable forms, for comparison in tests.
uint64_t count_ones_portable(std::string_view bytes);
size_t skip_equal_bytes_portable(std::string_view bytes, uint8_t byte);
void combine_runs_portable(BitOperation operation, std::span<char const* const> sources, std::span<char> out);

}  // namespace holdfast
