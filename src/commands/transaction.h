#pragma once

#include "command/command_row.h"

namespace holdfast {

/// MULTI, EXEC, DISCARD, WATCH, UNWATCH. What EXEC does with an open transaction is in the gate.
CommandRows transaction_commands();

}  // namespace holdfast
