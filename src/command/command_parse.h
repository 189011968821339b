#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "command/command_table.h"

namespace holdfast {

/// The parts of a CommandRow's texts. All CHECK on a malformed row: rows are ours, and every start parses all of them.

/// The ACL categories, in the order of ACL CAT and COMMAND INFO.
extern std::array<std::string_view, 21> const kCategories;

uint32_t parse_command_flags(std::string_view words);
std::vector<KeySpec> parse_key_specs(std::string_view text);
/// The row's categories and those that follow from the flags, in COMMAND INFO's order.
std::vector<std::string> command_categories(std::string_view words, uint32_t flags);

/// Splits at `separator`, trims, drops empty pieces.
std::vector<std::string_view> split_list(std::string_view text, char separator);

}  // namespace holdfast
