#pragma once

#include "command/command_row.h"

namespace holdfast {

/// CLIENT and its subcommands, but for tracking.
CommandRows client_commands();

}  // namespace holdfast
