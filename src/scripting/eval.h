#pragma once

#include "command/command_row.h"

namespace holdfast::scripting {

/// EVAL, EVALSHA, EVAL_RO, EVALSHA_RO.
CommandRows eval_commands();

}  // namespace holdfast::scripting
