#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast {

using Sha1Digest = std::array<uint8_t, 20>;

Sha1Digest sha1(std::string_view bytes);
/// 40 lower case hex digits (script names).
std::string sha1_hex(std::string_view bytes);
/// 64 lower case hex digits (stored passwords).
std::string sha256_hex(std::string_view bytes);

/// Equality whose time depends on the lengths only, never on where the first difference is.
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace holdfast
