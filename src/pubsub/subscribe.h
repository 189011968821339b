#pragma once

#include "command/command_row.h"

namespace holdfast {

/// SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE and their opposites, PUBLISH, SPUBLISH.
CommandRows subscribe_commands();

}  // namespace holdfast
