#pragma once

#include "command/command_row.h"

namespace holdfast::scripting {

/// FUNCTION and its subcommands that read.
CommandRows function_commands();
/// FUNCTION LOAD, DELETE, FLUSH, RESTORE.
CommandRows function_change_commands();

}  // namespace holdfast::scripting
