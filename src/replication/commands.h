#pragma once

#include "command/command_row.h"

namespace holdfast::replication {

/// REPLICAOF, SLAVEOF, PSYNC, SYNC, REPLCONF, ROLE, FAILOVER.
CommandRows replication_commands();

}  // namespace holdfast::replication
