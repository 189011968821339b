#include "config/value_checks.h"

#include <locale.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "base/number.h"

namespace holdfast::config {
namespace {

constexpr size_t kHostnameBytesMax = 255;
constexpr size_t kHumanNodenameBytesMax = 255;

constexpr std::array<std::string_view, 7> kTitleVariables = {"title",    "listen-addr", "server-mode", "port",
                                                             "tls-port", "unixsocket",  "config-file"};

bool is_path(std::string_view text) { return text.find('/') != std::string_view::npos; }

constexpr bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

Status check_dbfilename(std::string_view text) {
  if (is_path(text)) return fail("dbfilename can't be a path, just a filename");
  return {};
}

Status check_appendfilename(std::string_view text) {
  if (text.empty()) return fail("appendfilename can't be empty");
  if (is_path(text)) return fail("appendfilename can't be a path, just a filename");
  return {};
}

Status check_appenddirname(std::string_view text) {
  if (text.empty()) return fail("appenddirname can't be empty");
  if (is_path(text)) return fail("appenddirname can't be a path, just a dirname");
  return {};
}

Status check_hostname(std::string_view text) {
  if (text.size() > kHostnameBytesMax) return fail("Hostnames must be less than 256 characters");
  if (!std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; })) {
    return fail("Hostnames may only contain alphanumeric characters, hyphens or dots");
  }
  return {};
}

Status check_human_nodename(std::string_view text) {
  if (text.size() > kHumanNodenameBytesMax) return fail("Node names must be less than 256 characters");
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F && c != ',' && c != '='; })) {
    return fail("Announced human node name contained invalid character");
  }
  return {};
}

Status check_title_template(std::string_view text) {
  auto const invalid = [] { return fail("template format is invalid or contains unknown variables"); };
  if (text.find_first_not_of(' ') == std::string_view::npos) return invalid();
  size_t at = 0;
  while ((at = text.find('{', at)) != std::string_view::npos) {
    ++at;
    if (at < text.size() && text[at] == '{') {
      ++at;
      continue;
    }
    size_t const end = text.find('}', at);
    if (end == std::string_view::npos) return invalid();
    if (std::ranges::find(kTitleVariables, text.substr(at, end - at)) == kTitleVariables.end()) return invalid();
    at = end + 1;
  }
  return {};
}

Status check_locale(std::string_view text) {
  // "" is the environment's locale, whatever that is worth.
  if (text.empty()) return {};
  locale_t const locale = newlocale(LC_COLLATE_MASK, std::string(text).c_str(), locale_t{});
  if (locale == locale_t{}) return fail("Invalid locale name");
  freelocale(locale);
  return {};
}

Status check_power_of_two(std::string_view text) {
  auto const value = parse_int64(text);
  if (value && *value > 0 && !std::has_single_bit(static_cast<uint64_t>(*value))) {
    return fail("argument must be a power of two");
  }
  return {};
}

}  // namespace holdfast::config
