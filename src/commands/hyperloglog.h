#pragma once

#include "command/command_row.h"

namespace holdfast {

/// PFADD, PFCOUNT, PFMERGE, PFDEBUG, PFSELFTEST.
CommandRows hyperloglog_commands();

}  // namespace holdfast
