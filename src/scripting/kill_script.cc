#include "scripting/kill_script.h"

#include "command/server_state.h"

namespace holdfast::scripting {

void kill_script(Session& session, BusyScript::Kind kind, Reply& reply) {
  std::shared_ptr<BusyScript> const script = session.services().state.busy_scripts.oldest();
  if (!script) return reply.error("-NOTBUSY No scripts in execution right now.");
  if (script->kind != kind) return reply.error(busy_error(script->kind));
  if (script->kill()) return reply.ok();
  reply.error(
      "-UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script "
      "termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.");
}

}  // namespace holdfast::scripting
