#pragma once

#include "command/command_row.h"

namespace holdfast {

/// OBJECT: how a value is kept.
CommandRows object_commands();
/// MEMORY USAGE alone; its container "memory" and the other subcommands speak of the server.
CommandRows memory_usage_command();

}  // namespace holdfast
