#pragma once

#include "command/command_table.h"
#include "resp/reply.h"

namespace holdfast {

/// The element of COMMAND and COMMAND INFO about one command, its subcommands included.
void reply_command_info(Command const& command, Reply& reply);

}  // namespace holdfast
