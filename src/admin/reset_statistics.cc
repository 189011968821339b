#include "admin/reset_statistics.h"

#include "acl/access_log.h"
#include "command/server_state.h"
#include "command/statistics.h"
#include "keyspace/keyspace.h"
#include "log/log.h"
#include "snapshot/persistence.h"

namespace holdfast {

void reset_statistics(Services& services) {
  services.statistics.reset();
  services.access_log.reset_counts();
  services.state.memory_limit.reset_statistics();
  services.state.client_limit.reset_statistics();
  for (uint32_t i = 0; i < services.keyspace.partition_count(); i++) {
    Partition& partition = services.keyspace.partition(i);
    partition.hits.set(0);
    partition.misses.set(0);
    partition.expired.set(0);
    partition.evicted.set(0);
    partition.expired_fields.set(0);
  }
  services.keyspace.lazy_free().reset_freed();
  services.keyspace.defragmentation().reset_counts();
  services.persistence.reset_figures();
  services.log.reset_delayed_syncs();
}

}  // namespace holdfast
