#pragma once

#include "command/command_row.h"

namespace holdfast {

/// LCS.
CommandRows lcs_commands();

}  // namespace holdfast
