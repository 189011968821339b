#include "commands/families.h"

#include "commands/bitmaps.h"
#include "commands/connection.h"
#include "commands/databases.h"
#include "commands/dump.h"
#include "commands/expire.h"
#include "commands/geo.h"
#include "commands/hashes.h"
#include "commands/hyperloglog.h"
#include "commands/keys.h"
#include "commands/lcs.h"
#include "commands/lists.h"
#include "commands/object.h"
#include "commands/scan.h"
#include "commands/sort.h"
#include "commands/sets.h"
#include "commands/sorted_sets.h"
#include "commands/streams.h"
#include "commands/strings.h"
#include "commands/transaction.h"

namespace holdfast {

std::vector<CommandRows> command_families() {
  return {
      connection_commands(),
      transaction_commands(),
      string_commands(),
      counter_commands(),
      string_range_commands(),
      lcs_commands(),
      key_commands(),
      expire_commands(),
      scan_commands(),
      database_commands(),
      object_commands(),
      memory_usage_command(),
      dump_commands(),
      bitmap_commands(),
      bit_field_commands(),
      hyperloglog_commands(),
      hash_write_commands(),
      hash_read_commands(),
      hash_walk_commands(),
      hash_expire_commands(),
      hash_getex_commands(),
      list_commands(),
      list_pop_commands(),
      list_wait_commands(),
      list_search_commands(),
      sort_commands(),
      set_commands(),
      set_random_commands(),
      set_scan_commands(),
      set_algebra_commands(),
      zset_write_commands(),
      zset_read_commands(),
      zset_range_commands(),
      zset_pop_commands(),
      zset_combine_commands(),
      zset_walk_commands(),
      geo_point_commands(),
      geo_search_commands(),
      stream_commands(),
      stream_range_commands(),
      stream_read_commands(),
      stream_group_commands(),
      stream_pending_commands(),
      stream_claim_commands(),
      stream_info_commands(),
  };
}

}  // namespace holdfast
