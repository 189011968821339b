#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/number.h"
#include "values/type_ops.h"

namespace holdfast {

/// Elements in one command of an AOF without preamble, at most.
inline constexpr uint64_t kRebuildElementsMax = 64;

// A command in RESP, for TypeOps::write_commands: the number of words, then the words.

inline void append_command_head(std::string& out, uint64_t words) { (out += '*').append(to_text_unsigned(words)) += "\r\n"; }

inline void append_command_word(std::string& out, std::string_view word) {
  (out += '$').append(to_text_unsigned(word.size())).append("\r\n").append(word) += "\r\n";
}

/// Writes `count` elements of so many words each, in commands of at most kRebuildElementsMax elements: `append(n)` writes the words
/// of the next n, and perhaps more commands. False as soon as `done` says so.
template <class Append>
bool append_batches(std::string_view command, std::string_view key, uint64_t count, uint64_t words, std::string& out,
                    PieceDone const& done, Append&& append) {
  while (count > 0) {
    uint64_t const batch = std::min(count, kRebuildElementsMax);
    count -= batch;
    append_command_head(out, 2 + words * batch);
    append_command_word(out, command);
    append_command_word(out, key);
    append(batch);
    if (!piece_done(out, done)) return false;
  }
  return true;
}

}  // namespace holdfast
