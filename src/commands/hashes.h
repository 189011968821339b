#pragma once

#include "command/command_row.h"

namespace holdfast {

/// HSET, HMSET, HSETNX, HDEL, HINCRBY, HINCRBYFLOAT.
CommandRows hash_write_commands();
/// HGET, HMGET, HGETALL, HKEYS, HVALS, HLEN, HSTRLEN, HEXISTS.
CommandRows hash_read_commands();
/// HRANDFIELD, HSCAN.
CommandRows hash_walk_commands();
/// HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT, HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME, HPERSIST.
CommandRows hash_expire_commands();
/// HGETEX, HSETEX, HGETDEL.
CommandRows hash_getex_commands();

}  // namespace holdfast
