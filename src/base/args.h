#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace holdfast {

/// Cuts a line in arguments: inline requests, configuration files, the AOF manifest, node tables.
///
/// Blanks separate. "..." knows the escapes \n \r \t \b \a \xHH and \<any>; '...' only \'. A quote inside a word opens
/// a quoted part of the same word; after a closing quote a blank or the end must follow. A NUL byte ends the line.
/// Fails on unbalanced quotes (the message is for the caller to choose).
Result<std::vector<std::string>> split_args(std::string_view line);

/// The text in double quotes with \\ \" \n \r \t \a \b and \xhh for other bytes that are not printable ASCII;
/// split_args gives it back.
std::string quote(std::string_view text);

/// quote() that appends.
void append_quoted(std::string& out, std::string_view text);

}  // namespace holdfast
