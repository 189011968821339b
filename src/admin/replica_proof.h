#pragma once

#include "command/command_row.h"

namespace holdfast {

/// REPLICAPROOF: whether the replicas have what their primary has, and where not.
CommandRows replica_proof_commands();

}  // namespace holdfast
