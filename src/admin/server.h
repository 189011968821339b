#pragma once

#include "command/command_row.h"

namespace holdfast {

/// TIME, ROLE, LOLWUT.
CommandRows server_commands();

}  // namespace holdfast
