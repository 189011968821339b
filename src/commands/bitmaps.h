#pragma once

#include "command/command_row.h"

namespace holdfast {

/// SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP.
CommandRows bitmap_commands();
/// BITFIELD, BITFIELD_RO.
CommandRows bit_field_commands();

}  // namespace holdfast
