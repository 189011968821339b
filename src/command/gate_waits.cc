#include "base/ticks.h"
#include "command/blocked_client.h"
#include "command/count_call.h"
#include "command/errors.h"
#include "command/gate.h"
#include "command/rest_of_reply.h"
#include "command/task_runner.h"
#include "command/worker_context.h"

// The gate's part of commands that wait for keys.

namespace holdfast {

bool Gate::begin_wait(Session& session, Command const& command, Txn& txn, std::unique_ptr<WaitRequest> request,
                      Reply& reply) {
  if (session.trusted()) {
    reply_nothing(*request, reply);
    return false;
  }
  WorkerContext& worker = session.worker();
  uint64_t const now = ticks();
  bool const ends = request->timeout_ms > 0;
  session.blocked = std::make_shared<BlockedClient>(session, command, std::move(request), now - worker.command_ticks);
  worker.command_ticks = now;
  worker.statistics.commands_processed.add(1);
  session.card().set_unblockable(session.blocked);
  session.card().wait_ends.store(ends, std::memory_order_relaxed);
  txn.enlist(session.blocked, session.blocked->request());
  return true;
}

Gate::Outcome Gate::finish_blocked(Session& session, Reply& reply) {
  std::shared_ptr<BlockedClient> const blocked = session.blocked;
  session.stop_waiting();
  bool failed = false;
  std::string_view error_code;
  switch (blocked->state()) {
    case BlockedClient::State::kServed:
      note_offset(session, blocked->offset());
      reply.buffer().append_all(blocked->output());
      failed = blocked->failed();
      error_code = blocked->error_code();
      break;
    case BlockedClient::State::kUnblockedWithError:
      reply.error(errors::kUnblocked);
      failed = true;
      error_code = reply.last_error_code();
      break;
    case BlockedClient::State::kRoleChanged:
      reply.error(errors::kRoleChanged);
      failed = true;
      error_code = reply.last_error_code();
      session.close_after_reply();
      break;
    default: reply.null_array();
  }
  std::vector<std::string> const& words = blocked->request().command();
  std::vector<std::string_view> const views(words.begin(), words.end());
  if (std::unique_ptr<ReplySource> rest = blocked->take_rest()) {
    session.running = std::make_unique<TaskRunner>(session, blocked->command(), Args(views),
                                                   std::make_unique<RestOfReply>(std::move(rest)));
    return Outcome::kRunning;
  }
  count_call(session, blocked->command(), Args(views), services_.tick_scale.nanoseconds(blocked->spent_ticks()), failed,
             error_code, "command-unblocking");
  return Outcome::kDone;
}

}  // namespace holdfast
