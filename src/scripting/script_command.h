#pragma once

#include "command/command_row.h"

namespace holdfast::scripting {

/// SCRIPT and its subcommands.
CommandRows script_commands();

}  // namespace holdfast::scripting
