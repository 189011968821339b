#pragma once

#include "command/command_row.h"

namespace holdfast {

/// SLOWLOG and its subcommands.
CommandRows slowlog_commands();

}  // namespace holdfast
