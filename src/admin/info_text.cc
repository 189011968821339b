#include "admin/info_text.h"

#include <cstdio>

namespace holdfast {

void InfoText::number(std::string_view name, double value, int digits, std::string_view unit) {
  char text[64];
  int const length = std::snprintf(text, sizeof text, "%.*f", digits, value);
  field(name, std::string(text, static_cast<size_t>(length)).append(unit));
}

std::string info_name(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    if (c == '#' || c == ':' || c == '\n' || c == '\r') c = '_';
  }
  return text;
}

}  // namespace holdfast
