#pragma once

#include "command/command_row.h"

namespace holdfast {

/// MONITOR.
CommandRows monitor_command();

}  // namespace holdfast
