#pragma once

#include "command/command_row.h"

namespace holdfast {

/// PING, ECHO, AUTH, HELLO, SELECT, RESET, QUIT.
CommandRows connection_commands();

}  // namespace holdfast
