#pragma once

#include "command/command_row.h"
#include "command/session.h"

namespace holdfast {

/// ACL.
CommandRows acl_commands();

/// ACL LOG.
void cmd_acl_log(Session& session, Args args, Reply& reply);
/// ACL LOAD, ACL SAVE.
std::unique_ptr<Task> cmd_acl_load(Session& session, Args args, Reply& reply);
std::unique_ptr<Task> cmd_acl_save(Session& session, Args args, Reply& reply);

}  // namespace holdfast
