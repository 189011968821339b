#pragma once

#include "command/command_row.h"

namespace holdfast {

/// COMMAND and its subcommands.
CommandRows command_commands();

}  // namespace holdfast
