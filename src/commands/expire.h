#pragma once

#include "command/command_row.h"

namespace holdfast {

/// EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT, TTL, PTTL, EXPIRETIME, PEXPIRETIME, PERSIST.
CommandRows expire_commands();

}  // namespace holdfast
