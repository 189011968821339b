#pragma once

#include "command/args.h"
#include "command/session.h"
#include "resp/reply.h"

namespace holdfast {

/// COMMAND GETKEYS and GETKEYSANDFLAGS: the keys in the command that begins at argument 2.
void cmd_command_getkeys(Session& session, Args args, Reply& reply);
void cmd_command_getkeysandflags(Session& session, Args args, Reply& reply);

}  // namespace holdfast
