#pragma once

#include "command/busy_scripts.h"
#include "command/session.h"
#include "resp/reply.h"

namespace holdfast::scripting {

/// SCRIPT KILL and FUNCTION KILL.
void kill_script(Session& session, BusyScript::Kind kind, Reply& reply);

}  // namespace holdfast::scripting
