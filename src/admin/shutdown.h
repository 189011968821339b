#pragma once

#include "command/command_row.h"

namespace holdfast {

/// SHUTDOWN.
CommandRows shutdown_commands();

}  // namespace holdfast
