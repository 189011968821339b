#pragma once

#include "command/command_row.h"

namespace holdfast {

/// DUMP, RESTORE, RESTORE-ASKING.
CommandRows dump_commands();

}  // namespace holdfast
