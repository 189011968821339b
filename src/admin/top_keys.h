#pragma once

#include "command/command_row.h"

namespace holdfast {

/// TOPKEYS HOT and TOPKEYS BIG: the keys that are used most and those that take most, known without a scan.
CommandRows top_keys_commands();

}  // namespace holdfast
