#include "log/effect_buffer.h"

#include "base/check.h"
#include "base/number.h"

namespace holdfast::log {
namespace {

/// Mark, digits, CR LF.
constexpr size_t kHeaderBytesMax = 1 + kInt64TextBytesMax + 2;

/// Writes `<mark><number>\r\n` at `out` and returns the end.
char* write_header(char* out, char mark, uint64_t number) {
  *out++ = mark;
  if (number < 10) {
    *out++ = static_cast<char>('0' + number);
  } else {
    out += format_uint64(out, number);
  }
  *out++ = '\r';
  *out++ = '\n';
  return out;
}

}  // namespace

void append_array_header(std::string& out, size_t argument_count) {
  char header[kHeaderBytesMax];
  out.append(header, static_cast<size_t>(write_header(header, '*', argument_count) - header));
}

void append_bulk(std::string& out, std::string_view bytes) {
  char header[kHeaderBytesMax];
  out.append(header, static_cast<size_t>(write_header(header, '$', bytes.size()) - header));
  out.append(bytes);
  out.append("\r\n", 2);
}

void append_bulk(std::string& out, int64_t number) {
  char digits[kInt64TextBytesMax];
  append_bulk(out, std::string_view(digits, format_int64(digits, number)));
}

void append_command(std::string& out, std::span<std::string_view const> arguments) {
  DCHECK(!arguments.empty());
  append_array_header(out, arguments.size());
  for (std::string_view argument : arguments) append_bulk(out, argument);
}

void append_command(std::string& out, std::initializer_list<std::string_view> arguments) {
  append_command(out, std::span(arguments.begin(), arguments.size()));
}

void append_select(std::string& out, int db) {
  append_array_header(out, 2);
  append_bulk(out, std::string_view("SELECT"));
  append_bulk(out, int64_t{db});
}

}  // namespace holdfast::log
