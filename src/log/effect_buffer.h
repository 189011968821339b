#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::log {

// Effects are written as RESP arrays of bulk strings, the form of AOF files and of the replication stream:
// *<n>\r\n then n times $<len>\r\n<bytes>\r\n.

/// Appends `*<argument_count>\r\n`. Follow it with that many append_bulk calls.
void append_array_header(std::string& out, size_t argument_count);
/// Appends `$<len>\r\n<bytes>\r\n`.
void append_bulk(std::string& out, std::string_view bytes);
/// Appends the decimal text of `number` as a bulk string.
void append_bulk(std::string& out, int64_t number);

/// Appends one whole command. Precondition: at least one argument.
void append_command(std::string& out, std::span<std::string_view const> arguments);
void append_command(std::string& out, std::initializer_list<std::string_view> arguments);

/// Appends `SELECT <db>`.
void append_select(std::string& out, int db);

inline constexpr std::string_view kMultiCommand = "*1\r\n$5\r\nMULTI\r\n";
inline constexpr std::string_view kExecCommand = "*1\r\n$4\r\nEXEC\r\n";

}  // namespace holdfast::log
