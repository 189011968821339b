#include "admin/families.h"

#include "admin/acl_command.h"
#include "admin/client.h"
#include "admin/client_tracking.h"
#include "admin/command.h"
#include "admin/config_command.h"
#include "admin/debug.h"
#include "admin/info.h"
#include "admin/latency_command.h"
#include "admin/memory_command.h"
#include "admin/pubsub_command.h"
#include "admin/replica_proof.h"
#include "admin/saving.h"
#include "admin/server.h"
#include "admin/shutdown.h"
#include "admin/slowlog_command.h"
#include "admin/top_keys.h"
#include "admin/wait.h"

namespace holdfast {

std::vector<CommandRows> admin_families() {
  return {acl_commands(),     config_commands(), info_commands(),    client_commands(),   client_tracking_commands(),
          command_commands(), debug_commands(),  latency_commands(), memory_commands(),   pubsub_commands(),
          replica_proof_commands(), saving_commands(), server_commands(), shutdown_commands(), slowlog_commands(), top_keys_commands(), wait_commands()};
}

}  // namespace holdfast
