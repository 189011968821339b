#pragma once

#include <string>
#include <string_view>

namespace holdfast {

/// ASCII only, independent of the locale; other bytes are returned as they are.
constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr char ascii_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; }

/// The blanks of C's isspace in the C locale: space, \t \n \v \f \r.
constexpr bool ascii_isspace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Printable ASCII, 0x20..0x7E.
constexpr bool ascii_isprint(char c) { return c >= 0x20 && c <= 0x7E; }

/// Equality that ignores the case of ASCII letters.
constexpr bool iequals(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  }
  return true;
}

std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);

/// Without the bytes of `blanks` at both ends.
std::string_view trim(std::string_view text, std::string_view blanks = " \t\r\n");

/// Up to the first zero byte: what an error text shows of an argument.
constexpr std::string_view until_zero_byte(std::string_view text) { return text.substr(0, text.find('\0')); }

/// Two lower case hex digits per byte.
std::string to_hex(std::string_view bytes);

/// Value of one hex digit of either case, or -1.
constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char const lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace holdfast
