#pragma once

#include "command/command_row.h"

namespace holdfast {

/// WAIT and WAITAOF.
CommandRows wait_commands();

}  // namespace holdfast
