#pragma once

#include <cstdint>
#include <string>

#include "command/client_card.h"
#include "command/command_table.h"

namespace holdfast {

/// The line of CLIENT LIST and CLIENT INFO about one connection, "\n" included. The fields, in their order, are those of
/// Redis 7.2. `now_ms`: Unix ms. Any thread.
std::string client_line(ClientCard& card, CommandTable const& commands, int64_t now_ms);

}  // namespace holdfast
