#pragma once

#include "command/command_row.h"

namespace holdfast {

/// SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE.
CommandRows saving_commands();

}  // namespace holdfast
