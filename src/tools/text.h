#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::tools {

/// Texts of files are shown up to this many bytes.
inline constexpr size_t kShownBytesMax = 256;

/// Bytes of a file as redis-cli shows them, without the quotes: printable ASCII, `\n` and its like, `\xHH`. What is
/// longer than `bytes_max` ends in "...".
std::string printable(std::string_view bytes, size_t bytes_max = kShownBytesMax);

/// "2026-11-21 19:07:29 UTC"; "" for times that no calendar has.
std::string utc_text(int64_t unix_seconds);

/// "1 key", "2 keys".
std::string counted(uint64_t count, std::string_view noun);

/// A line of a report: "[info] <text>".
void append_info(std::string& out, std::string_view text);

}  // namespace holdfast::tools
