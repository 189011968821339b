// The floating point half of base/number.h.
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "base/number.h"
#include "base/strings.h"

namespace holdfast {
namespace {

// strtod and strtold share their rules of refusal.
template <class Float, class Parse>
std::optional<Float> parse_float(std::string const& text, Parse parse) {
  if (text.empty() || ascii_isspace(text[0])) return std::nullopt;
  errno = 0;
  char* end = nullptr;
  Float const value = parse(text.c_str(), &end);
  if (end != text.data() + text.size() || std::isnan(value)) return std::nullopt;
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return std::nullopt;
  return value;
}

char* put(char* at, std::string_view text) {
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

char* put_zeros(char* at, int count) {
  std::memset(at, '0', static_cast<size_t>(count));
  return at + count;
}

// value = digits * 10^exponent.
struct Decimal {
  char digits[20];
  int count = 0;
  int exponent = 0;

  std::string_view text() const { return {digits, static_cast<size_t>(count)}; }
};

// Shortest digits that read back as `magnitude`, a positive finite number.
Decimal shortest_digits(double magnitude) {
  char buffer[kDoubleTextBytesMax];
  auto const [end, error] = std::to_chars(buffer, buffer + sizeof buffer, magnitude, std::chars_format::scientific);
  CHECK(error == std::errc{});
  Decimal decimal;
  char const* at = buffer;
  for (; *at != 'e'; ++at) {
    if (*at != '.') decimal.digits[decimal.count++] = *at;
  }
  ++at;  // 'e'
  if (*at == '+') ++at;
  std::from_chars(at, end, decimal.exponent);
  decimal.exponent -= decimal.count - 1;
  return decimal;
}

// The layout of "fpconv": plain while that is not much longer than the digits, else scientific.
char* put_decimal(char* at, Decimal const& decimal) {
  int const n = decimal.count;
  int const k = decimal.exponent;
  int const scientific = k + n - 1;
  std::string_view const digits = decimal.text();
  if (k >= 0 && std::abs(scientific) < n + 7) return put_zeros(put(at, digits), k);
  if (k < 0 && (k > -7 || std::abs(scientific) < 4)) {
    int const before_point = n + k;
    if (before_point <= 0) return put(put_zeros(put(at, "0."), -before_point), digits);
    at = put(at, digits.substr(0, static_cast<size_t>(before_point)));
    return put(put(at, "."), digits.substr(static_cast<size_t>(before_point)));
  }
  at = put(at, digits.substr(0, 1));
  if (n > 1) at = put(put(at, "."), digits.substr(1));
  at = put(at, scientific < 0 ? "e-" : "e+");
  return at + format_int64(at, std::abs(scientific));
}

// Texts that have no digits; returns 0 when `value` has some.
size_t format_special(char* out, double value) {
  std::string_view text;
  if (std::isnan(value)) {
    text = "nan";
  } else if (std::isinf(value)) {
    text = value > 0 ? "inf" : "-inf";
  } else if (value == 0) {
    text = std::signbit(value) ? "-0" : "0";
  }
  return static_cast<size_t>(put(out, text) - out);
}

}  // namespace

std::optional<double> parse_double(std::string_view text) {
  double value;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size() && std::isfinite(value)) return value;
  // What is left is rare: hex, '+', infinities, numbers out of range, and errors.
  return parse_float<double>(std::string(text), [](char const* at, char** stop) { return std::strtod(at, stop); });
}

size_t format_double_shortest(char* out, double value) {
  if (size_t const length = format_special(out, value)) return length;
  char* at = out;
  if (value < 0) *at++ = '-';
  return static_cast<size_t>(put_decimal(at, shortest_digits(std::fabs(value))) - out);
}

size_t format_double(char* out, double value) {
  constexpr double kPlainIntegerMax = 0x1p62;
  if (value != 0 && std::fabs(value) <= kPlainIntegerMax && value == std::trunc(value)) {
    return format_int64(out, static_cast<int64_t>(value));
  }
  return format_double_shortest(out, value);
}

std::string format_double(double value) {
  char buffer[kDoubleTextBytesMax];
  return std::string(buffer, format_double(buffer, value));
}

std::optional<long double> parse_long_double(std::string_view text) {
  constexpr size_t kTextBytesMax = 5119;
  if (text.size() > kTextBytesMax) return std::nullopt;
  return parse_float<long double>(std::string(text), [](char const* at, char** end) { return std::strtold(at, end); });
}

std::string format_long_double_human(long double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  // The largest long double has 4933 digits before the point.
  char buffer[4933 + 1 + 1 + 17 + 1];
  int const written = std::snprintf(buffer, sizeof buffer, "%.17Lf", value);
  std::string_view text(buffer, static_cast<size_t>(written));
  text = text.substr(0, text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.remove_suffix(1);
  return text == "-0" ? "0" : std::string(text);
}

}  // namespace holdfast
