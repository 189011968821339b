#pragma once

#include "command/command_table.h"
#include "resp/reply.h"

namespace holdfast {

/// The map of COMMAND DOCS about one command: what its row says, its arguments and its subcommands.
void reply_command_docs(Command const& command, Reply& reply);

}  // namespace holdfast
