#include "base/json_writer.h"

#include <cstdio>

#include "base/number.h"
#include "base/strings.h"

namespace holdfast {

void JsonWriter::begin(std::string_view name) {
  if (!first_) out_ += ',';
  first_ = false;
  if (name.empty()) return;
  quoted(name);
  out_ += ':';
}

void JsonWriter::open(std::string_view name, char bracket) {
  begin(name);
  out_ += bracket;
  first_ = true;
}

void JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
}

void JsonWriter::quoted(std::string_view text) {
  out_ += '"';
  for (char const c : text) {
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out_ += "\\u00" + to_hex({&c, 1});
    } else {
      out_ += c;
    }
  }
  out_ += '"';
}

void JsonWriter::text(std::string_view name, std::string_view value) {
  begin(name);
  quoted(value);
}

void JsonWriter::number(std::string_view name, uint64_t value) {
  begin(name);
  out_ += to_text_unsigned(value);
}

void JsonWriter::signed_number(std::string_view name, int64_t value) {
  begin(name);
  out_ += to_text(value);
}

void JsonWriter::decimal(std::string_view name, double value) {
  begin(name);
  char digits[40];
  std::snprintf(digits, sizeof digits, "%.3f", value);
  out_ += digits;
}

void JsonWriter::boolean(std::string_view name, bool value) {
  begin(name);
  out_ += value ? "true" : "false";
}

void JsonWriter::null(std::string_view name) {
  begin(name);
  out_ += "null";
}

}  // namespace holdfast
