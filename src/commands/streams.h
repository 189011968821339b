#pragma once

#include "command/command_row.h"

namespace holdfast {

/// XADD, XLEN, XDEL, XTRIM, XSETID.
CommandRows stream_commands();
/// XRANGE, XREVRANGE.
CommandRows stream_range_commands();
/// XREAD, XREADGROUP.
CommandRows stream_read_commands();
/// XGROUP.
CommandRows stream_group_commands();
/// XACK, XPENDING.
CommandRows stream_pending_commands();
/// XCLAIM, XAUTOCLAIM.
CommandRows stream_claim_commands();
/// XINFO.
CommandRows stream_info_commands();

}  // namespace holdfast
