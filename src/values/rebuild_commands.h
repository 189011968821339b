#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/number.h"

namespace holdfast {

/// Elements in one command of an AOF without preamble, at most.
inline constexpr uint64_t kRebuildElementsMax = 64;

// A command in RESP, for TypeOps::write_commands: the number of words, then the words.

inline void append_command_head(std::string& out, uint64_t words) { (out += '*').append(to_text_unsigned(words)) += "\r\n"; }

inline void append_command_word(std::string& out, std::string_view word) {
  (out += '$').append(to_text_unsigned(word.size())).append("\r\n").append(word) += "\r\n";
}

}  // namespace holdfast
