#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

/// Canonical decimal only: "0" or [-][1-9][0-9]* within int64; no '+', blanks, leading zeros or "-0".
std::optional<int64_t> parse_int64(std::string_view text);

/// Parts of a stream ID: canonical and not negative, else what strtoull takes whole in base 10 (blanks, '+', leading
/// zeros). Empty or overflowing text is refused.
std::optional<uint64_t> parse_uint64_lenient(std::string_view text);

/// SCAN cursor: what strtoul takes whole in base 10 without leading blanks; so "" is 0 and "-1" wraps. Like there, a
/// NUL byte ends the text.
std::optional<uint64_t> parse_scan_cursor(std::string_view text);

inline constexpr size_t kInt64TextBytesMax = 20;

/// Writes the decimal text to `out` (room for kInt64TextBytesMax bytes, no NUL) and returns its length.
size_t format_int64(char* out, int64_t value);
/// The same for unsigned values (up to 20 digits).
size_t format_uint64(char* out, uint64_t value);
std::string to_text(int64_t value);
std::string to_text_unsigned(uint64_t value);

/// Whole text as strtod takes it: decimal, exponent, hex floats, inf, infinity, signs. Refused: empty, leading blank,
/// trailing bytes, nan, overflow, underflow to zero.
std::optional<double> parse_double(std::string_view text);

inline constexpr size_t kDoubleTextBytesMax = 32;

/// Text of a score or RESP3 double: nan, inf, -inf, "-0" for negative zero, plain integers up to 2^62, else the
/// shortest digits that read back as `value`. Writes at most kDoubleTextBytesMax bytes, no NUL; returns the length.
size_t format_double(char* out, double value);
std::string format_double(double value);
/// The same without the plain-integer shortcut (score text inside DEBUG DIGEST).
size_t format_double_shortest(char* out, double value);

/// Operand of INCRBYFLOAT and HINCRBYFLOAT: as parse_double in x87 precision; texts of 5120 bytes and more are refused.
std::optional<long double> parse_long_double(std::string_view text);

/// 17 fraction digits without trailing zeros: results of INCRBYFLOAT, coordinates of GEOPOS. `value` is not nan.
std::string format_long_double_human(long double value);

/// Digits and an optional unit of any case: b, k = 1000, kb = 1024, m, mb, g, gb. No digits mean 0 (as in Redis);
/// results beyond uint64 are refused.
std::optional<uint64_t> parse_memory(std::string_view text);

/// As in INFO: "512B", "1.05M"; units up to P, powers of 1024.
std::string format_memory_human(uint64_t bytes);

/// As in a rewritten configuration file: "3gb", "100mb", "7kb" when divisible, else plain digits.
std::string format_memory_config(uint64_t bytes);

}  // namespace holdfast
