#pragma once

#include "command/command_row.h"

namespace holdfast {

/// SADD, SREM, SMOVE, SISMEMBER, SMISMEMBER, SCARD, SMEMBERS.
CommandRows set_commands();
/// SPOP, SRANDMEMBER.
CommandRows set_random_commands();
/// SSCAN.
CommandRows set_scan_commands();
/// SINTER, SINTERCARD, SUNION, SDIFF and their STORE forms.
CommandRows set_algebra_commands();

}  // namespace holdfast
