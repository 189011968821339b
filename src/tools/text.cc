#include "tools/text.h"

#include <ctime>

#include "base/args.h"
#include "base/number.h"

namespace holdfast::tools {

std::string printable(std::string_view bytes, size_t bytes_max) {
  std::string const quoted = quote(bytes.substr(0, bytes_max));
  std::string out = quoted.substr(1, quoted.size() - 2);
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

void append_info(std::string& out, std::string_view text) { out.append("[info] ").append(text).append("\n"); }

}  // namespace holdfast::tools
