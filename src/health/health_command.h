#pragma once

#include "command/command_row.h"

namespace holdfast {

CommandRows health_commands();

}  // namespace holdfast
