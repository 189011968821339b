#pragma once

#include "command/command_row.h"

namespace holdfast::scripting {

/// FCALL, FCALL_RO.
CommandRows fcall_commands();

}  // namespace holdfast::scripting
