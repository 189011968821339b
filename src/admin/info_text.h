#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/number.h"

namespace holdfast {

/// The text of INFO as it grows: sections of `field:value` lines, with an empty line between sections.
class InfoText {
 public:
  void section(std::string_view title) {
    if (!text_.empty()) text_ += "\r\n";
    text_.append("# ").append(title).append("\r\n");
  }
  void field(std::string_view name, std::string_view value) {
    text_.append(name).append(":").append(value).append("\r\n");
  }
  template <std::integral T>
  void field(std::string_view name, T value) {
    field(name, std::is_signed_v<T> ? std::string_view(to_text(static_cast<int64_t>(value)))
                                    : std::string_view(to_text_unsigned(static_cast<uint64_t>(value))));
  }
  void zero(std::initializer_list<std::string_view> names) {
    for (std::string_view name : names) field(name, 0);
  }
  /// `digits` after the point.
  void number(std::string_view name, double value, int digits = 2, std::string_view unit = {});
  /// A count of bytes, and the same again for people under `<name>_human`.
  void bytes(std::string_view name, uint64_t value) {
    field(name, value);
    field(std::string(name) + "_human", format_memory_human(value));
  }

  std::string const& text() const { return text_; }

 private:
  std::string text_;
};

/// Bytes that would break a line or a field are shown as '_'.
std::string info_name(std::string_view name);

}  // namespace holdfast
