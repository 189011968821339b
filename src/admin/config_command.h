#pragma once

#include "command/command_row.h"

namespace holdfast {

/// CONFIG and its subcommands.
CommandRows config_commands();

}  // namespace holdfast
