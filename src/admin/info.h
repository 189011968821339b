#pragma once

#include <span>
#include <string_view>

#include "command/command_row.h"
#include "command/session.h"

namespace holdfast {

/// The text of INFO with these sections, or the default ones when there are none. Unknown ones are left out.
std::string info_text(Session& session, std::span<std::string_view const> sections);

/// INFO.
CommandRows info_commands();

}  // namespace holdfast
