#pragma once

#include "command/command_row.h"

namespace holdfast {

/// DEL, UNLINK, EXISTS, TOUCH, TYPE, RENAME, RENAMENX, COPY, MOVE.
CommandRows key_commands();

}  // namespace holdfast
