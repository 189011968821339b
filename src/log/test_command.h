#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "log/effect_buffer.h"

namespace holdfast::log {

/// The bytes of a command in the log.
inline std::string command(std::initializer_list<std::string_view> words) {
  std::string out;
  append_command(out, words);
  return out;
}

}  // namespace holdfast::log
