#pragma once

#include "command/command_row.h"

namespace holdfast {

/// MEMORY and its subcommands, but for MEMORY USAGE, which is about keys.
CommandRows memory_commands();

}  // namespace holdfast
