#pragma once

#include "command/command_row.h"

namespace holdfast {

/// SORT, SORT_RO.
CommandRows sort_commands();

}  // namespace holdfast
