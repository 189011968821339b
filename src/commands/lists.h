#pragma once

#include "command/command_row.h"

namespace holdfast {

/// LPUSH, RPUSH, LPUSHX, RPUSHX, LLEN, LINDEX, LSET, LRANGE, LTRIM.
CommandRows list_commands();
/// LPOP, RPOP, LMPOP, LMOVE, RPOPLPUSH.
CommandRows list_pop_commands();
/// BLPOP, BRPOP, BLMOVE, BRPOPLPUSH, BLMPOP.
CommandRows list_wait_commands();
/// LINSERT, LREM, LPOS.
CommandRows list_search_commands();

}  // namespace holdfast
