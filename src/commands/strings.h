#pragma once

#include "command/command_row.h"

namespace holdfast {

/// SET, GET and their relatives: whole values.
CommandRows string_commands();
/// INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.
CommandRows counter_commands();
/// APPEND, STRLEN, SETRANGE, GETRANGE, SUBSTR.
CommandRows string_range_commands();

}  // namespace holdfast
