#include "command/access.h"
#include "command/errors.h"
#include "command/gate.h"
#include "command/worker_context.h"

// The gate's part of users and their rights.

namespace holdfast {

bool Gate::admit_user(Session& session, Command const& command, Reply& reply) {
  if (!session.follow_user()) {
    session.close_after_reply();  // without a reply
    return false;
  }
  if (session.authenticated() || command.has(kNoAuth)) return true;
  reject(session, &command, reply, errors::kNoAuth);
  return false;
}

bool Gate::admit_access(Session& session, Command const& command, Args args, Reply& reply) {
  session.card().last_command.store(command.id, std::memory_order_relaxed);  // the log of what was refused tells the client with it
  auto const context = session.transaction.open ? acl::Context::kMulti : acl::Context::kTopLevel;
  auto const denial = check_access(session, command, args, context);
  if (denial) reject(session, &command, reply, denied_text(*denial, command));
  return !denial;
}

bool Gate::admit_queued(Session& session, Command const& command, Args args, Reply& reply) {
  auto const denial = check_access(session, command, args, acl::Context::kMulti);
  if (!denial) return true;
  reply.error(denied_in_exec_text(*denial));
  session.worker().statistics.count_error(reply.last_error_code());
  return false;
}

}  // namespace holdfast
