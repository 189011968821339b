#include "admin/shutdown.h"

#include "admin/shutdown_sequence.h"
#include "command/errors.h"
#include "command/server_state.h"
#include "command/session.h"
#include "command/task.h"

namespace holdfast {
namespace {

/// The client gets no reply when all goes well. A client that goes away meanwhile takes its request back.
class ShutdownTask final : public Task {
 public:
  ShutdownTask(Services& services, ShutdownOptions options) : sequence_(services, options) {}

  Progress step(TaskSlice& slice) override {
    switch (sequence_.step()) {
      case ShutdownSequence::Progress::kWait: return Progress::kWait;
      case ShutdownSequence::Progress::kFailed:
        slice.reply().error("Errors trying to SHUTDOWN. Check logs.");
        return Progress::kDone;
      case ShutdownSequence::Progress::kExits: slice.session().close_after_reply(); return Progress::kDone;
    }
    return Progress::kDone;
  }

 private:
  ShutdownSequence sequence_;
};

std::unique_ptr<Task> cmd_shutdown(Session& session, Args args, Reply& reply) {
  ShutdownOptions options;
  bool abort = false;
  bool valid = true;
  for (size_t i = 1; i < args.size(); i++) {
    if (args.is(i, "SAVE")) {
      options.save = true;
    } else if (args.is(i, "NOSAVE")) {
      options.no_save = true;
    } else if (args.is(i, "FORCE")) {
      options.force = true;
    } else if (args.is(i, "ABORT")) {
      abort = true;
    } else if (args.is(i, "NOW")) {
      options.now = true;
    } else {
      valid = false;
    }
  }
  if (!valid || (options.save && options.no_save) || (abort && (options.save || options.no_save || options.now || options.force))) {
    reply.error(errors::kSyntax);
    return nullptr;
  }
  if (abort) {
    session.services().state.shutdown.abort() ? reply.ok() : reply.error("No shutdown in progress.");
    return nullptr;
  }
  if (auto const script = session.services().state.busy_scripts.oldest(); script && !options.no_save) {
    reply.error(busy_error(script->kind));
    return nullptr;
  }
  return std::make_unique<ShutdownTask>(session.services(), options);
}

constexpr CommandRow kShutdownRows[] = {
    {.name = "shutdown", .arity = -1, .flags = "admin noscript loading stale no_multi allow_busy", .keys = "",
     .categories = "", .tips = "", .group = "server", .since = "1.0.0",
     .complexity = "O(N) where N is the number of keys, when it saves", .summary = "Saves the data set and ends the server.",
     .syntax = "[save-selector:oneof(NOSAVE | SAVE)] [NOW@7.0.0] [FORCE@7.0.0] [ABORT@7.0.0]", .handler = &cmd_shutdown,
     .history = "7.0.0: Added the `NOW`, `FORCE` and `ABORT` modifiers."},
};

}  // namespace

CommandRows shutdown_commands() { return kShutdownRows; }

}  // namespace holdfast
