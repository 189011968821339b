#pragma once

#include "command/command_row.h"

namespace holdfast {

/// ZADD, ZINCRBY, ZREM, ZREMRANGEBY...
CommandRows zset_write_commands();
/// ZCARD, ZCOUNT, ZLEXCOUNT, ZSCORE, ZMSCORE, ZRANK, ZREVRANK.
CommandRows zset_read_commands();
/// ZRANGE and its older forms, ZRANGESTORE.
CommandRows zset_range_commands();
/// ZPOPMIN, ZPOPMAX, ZMPOP, BZPOPMIN, BZPOPMAX, BZMPOP.
CommandRows zset_pop_commands();
/// ZUNION, ZINTER, ZDIFF, their STORE forms, ZINTERCARD.
CommandRows zset_combine_commands();
/// ZRANDMEMBER, ZSCAN.
CommandRows zset_walk_commands();

}  // namespace holdfast
