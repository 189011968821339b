#include "base/number.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/strings.h"

namespace holdfast {
namespace {

constexpr std::array<char, 200> make_digit_pairs() {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}

constexpr auto kDigitPairs = make_digit_pairs();

constexpr auto kPowersOfTen = [] {
  std::array<uint64_t, 20> powers{};
  powers[0] = 1;
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

size_t count_digits(uint64_t value) {
  // 1233 / 4096 is just above log10(2).
  size_t const guess = static_cast<size_t>(64 - std::countl_zero(value | 1)) * 1233 >> 12;
  return guess + (value >= kPowersOfTen[guess] || guess == 0 ? 1 : 0);
}

// The value of 1..20 digits, or nothing when it does not fit.
std::optional<uint64_t> parse_digits(std::string_view digits) {
  if (digits.empty() || digits.size() > 20) return std::nullopt;
  uint64_t value = 0;
  for (char const c : digits) {
    auto const digit = static_cast<unsigned char>(c - '0');
    if (digit > 9) return std::nullopt;
    if (digits.size() == 20) {
      uint64_t next;
      if (__builtin_mul_overflow(value, uint64_t{10}, &next) || __builtin_add_overflow(next, uint64_t{digit}, &value)) {
        return std::nullopt;
      }
    } else {
      value = value * 10 + digit;
    }
  }
  return value;
}

std::optional<uint64_t> parse_strtoull(std::string const& text) {
  errno = 0;
  char* end = nullptr;
  uint64_t const value = std::strtoull(text.c_str(), &end, 10);
  if (errno != 0 || end != text.c_str() + std::strlen(text.c_str())) return std::nullopt;
  return value;
}

}  // namespace

std::optional<int64_t> parse_int64(std::string_view text) {
  if (text.empty() || text.size() > kInt64TextBytesMax) return std::nullopt;
  bool const negative = text[0] == '-';
  std::string_view const digits = negative ? text.substr(1) : text;
  if (digits.empty()) return std::nullopt;
  if (digits[0] == '0') return digits.size() == 1 && !negative ? std::optional<int64_t>(0) : std::nullopt;
  auto const magnitude = parse_digits(digits);
  uint64_t const limit = uint64_t{INT64_MAX} + (negative ? 1 : 0);
  if (!magnitude || *magnitude > limit) return std::nullopt;
  return static_cast<int64_t>(negative ? 0 - *magnitude : *magnitude);
}

std::optional<uint64_t> parse_uint64_lenient(std::string_view text) {
  if (auto const canonical = parse_int64(text)) {
    if (*canonical < 0) return std::nullopt;
    return static_cast<uint64_t>(*canonical);
  }
  if (auto const unsigned_digits = parse_digits(text)) return unsigned_digits;
  if (text.empty() || text.find('\0') != std::string_view::npos) return std::nullopt;
  return parse_strtoull(std::string(text));
}

std::optional<uint64_t> parse_scan_cursor(std::string_view text) {
  if (auto const digits = parse_digits(text)) return digits;
  if (!text.empty() && ascii_isspace(text[0])) return std::nullopt;
  return parse_strtoull(std::string(text));
}

size_t format_uint64(char* out, uint64_t value) {
  size_t const length = count_digits(value);
  char* at = out + length;
  while (value >= 100) {
    at -= 2;
    std::memcpy(at, kDigitPairs.data() + 2 * (value % 100), 2);
    value /= 100;
  }
  if (value >= 10) {
    std::memcpy(out, kDigitPairs.data() + 2 * value, 2);
  } else {
    *out = static_cast<char>('0' + value);
  }
  return length;
}

size_t format_int64(char* out, int64_t value) {
  if (value >= 0) return format_uint64(out, static_cast<uint64_t>(value));
  *out = '-';
  return 1 + format_uint64(out + 1, 0 - static_cast<uint64_t>(value));
}

std::string to_text(int64_t value) {
  char buffer[kInt64TextBytesMax];
  return std::string(buffer, format_int64(buffer, value));
}

std::string to_text_unsigned(uint64_t value) {
  char buffer[kInt64TextBytesMax];
  return std::string(buffer, format_uint64(buffer, value));
}

std::optional<uint64_t> parse_memory(std::string_view text) {
  struct Unit {
    std::string_view name;
    uint64_t bytes;
  };
  static constexpr Unit kUnits[] = {{"", 1},          {"b", 1},        {"k", 1000},          {"kb", 1 << 10},
                                    {"m", 1'000'000}, {"mb", 1 << 20}, {"g", 1'000'000'000}, {"gb", 1 << 30}};
  size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  uint64_t value = 0;
  for (char const c : text.substr(0, digits)) {
    if (__builtin_mul_overflow(value, uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<uint64_t>(c - '0'), &value)) {
      return std::nullopt;
    }
  }
  for (Unit const& unit : kUnits) {
    if (!iequals(text.substr(digits), unit.name)) continue;
    if (__builtin_mul_overflow(value, unit.bytes, &value)) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

std::string format_memory_human(uint64_t bytes) {
  if (bytes < 1024) return to_text_unsigned(bytes) + "B";
  static constexpr char kUnits[] = "KMGTP";
  size_t unit = 0;
  auto scaled = static_cast<double>(bytes) / 1024;
  for (uint64_t whole = bytes >> 10; whole >= 1024 && kUnits[unit + 1] != '\0'; whole >>= 10) {
    scaled /= 1024;
    ++unit;
  }
  char buffer[32];
  int const written = std::snprintf(buffer, sizeof buffer, "%.2f%c", scaled, kUnits[unit]);
  return std::string(buffer, static_cast<size_t>(written));
}

std::string format_memory_config(uint64_t bytes) {
  static constexpr std::string_view kUnits[] = {"gb", "mb", "kb"};
  int shift = 30;
  for (std::string_view const unit : kUnits) {
    if (bytes != 0 && bytes % (uint64_t{1} << shift) == 0) return to_text_unsigned(bytes >> shift).append(unit);
    shift -= 10;
  }
  return to_text_unsigned(bytes);
}

}  // namespace holdfast
