#pragma once

#include "command/command_row.h"

namespace holdfast {

/// LATENCY and its subcommands.
CommandRows latency_commands();

}  // namespace holdfast
