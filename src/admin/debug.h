#pragma once

#include "command/command_row.h"

namespace holdfast {

/// DEBUG.
CommandRows debug_commands();

}  // namespace holdfast
