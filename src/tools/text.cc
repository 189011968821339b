#include "tools/text.h"

#include <ctime>

#include "base/number.h"
#include "base/strings.h"

namespace holdfast::tools {

std::string printable(std::string_view bytes, size_t bytes_max) {
  std::string out;
  for (char const c : bytes.substr(0, bytes_max)) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\a':
        out += "\\a";
        break;
      case '\b':
        out += "\\b";
        break;
      default:
        if (ascii_isprint(c)) {
          out += c;
        } else {
          out += "\\x" + to_hex({&c, 1});
        }
    }
  }
  if (bytes.size() > bytes_max) out += "...";
  return out;
}

std::string utc_text(int64_t unix_seconds) {
  std::time_t const seconds = unix_seconds;
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return {};
  char text[64];
  size_t const size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text, size};
}

std::string counted(uint64_t count, std::string_view noun) {
  std::string out = to_text_unsigned(count);
  out += ' ';
  out += noun;
  if (count != 1) out += 's';
  return out;
}

}  // namespace holdfast::tools
