#pragma once

#include "command/command_row.h"

namespace holdfast {

/// DBSIZE, FLUSHDB, FLUSHALL, SWAPDB: whole databases.
CommandRows database_commands();

}  // namespace holdfast
