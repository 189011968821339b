#pragma once

#include "command/command_row.h"

namespace holdfast {

/// KEYS, SCAN, RANDOMKEY: what walks the key space without naming keys.
CommandRows scan_commands();

}  // namespace holdfast
