#include "admin/saving.h"

#include <optional>

#include "command/errors.h"
#include "command/session.h"
#include "command/task.h"
#include "snapshot/persistence.h"

namespace holdfast {
namespace {

using Request = snapshot::Persistence::Request;

class SaveTask final : public Task {
 public:
  explicit SaveTask(uint64_t ticket) : ticket_(ticket) {}

  Progress step(TaskSlice& slice) override {
    std::optional<Status> const result = slice.session().services().persistence.save_result(ticket_);
    if (!result) return Progress::kWait;
    *result ? slice.reply().ok() : slice.reply().error(result->error().message);
    return Progress::kDone;
  }

 private:
  uint64_t ticket_;
};

std::unique_ptr<Task> cmd_save(Session& session, Args, Reply& reply) {
  auto const ticket = session.services().persistence.foreground_save();
  if (ticket) return std::make_unique<SaveTask>(*ticket);
  reply.error("Background save already in progress");
  return nullptr;
}

void cmd_bgsave(Session& session, Args args, Reply& reply) {
  bool schedule = false;
  if (args.size() > 1) {
    if (args.size() != 2 || !args.is(1, "SCHEDULE")) return reply.error(errors::kSyntax);
    schedule = true;
  }
  // Inside EXEC nothing can begin before the locks are released.
  bool const later = session.executing_transaction;
  switch (session.services().persistence.background_save(schedule || later)) {
    case Request::kStarted: return reply.status(later ? "Background saving scheduled" : "Background saving started");
    case Request::kScheduled: return reply.status("Background saving scheduled");
    case Request::kSaveRunning: return reply.error("Background save already in progress");
    case Request::kRewriteRunning:
      return reply.error(
          "Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a "
          "BGSAVE whenever possible.");
    case Request::kFailed: return reply.error(errors::kLoading);
  }
}

void cmd_bgrewriteaof(Session& session, Args, Reply& reply) {
  bool const later = session.executing_transaction;
  switch (session.services().persistence.background_rewrite()) {
    case Request::kStarted:
      return reply.status(later ? "Background append only file rewriting scheduled"
                                : "Background append only file rewriting started");
    case Request::kScheduled:
    case Request::kSaveRunning: return reply.status("Background append only file rewriting scheduled");
    case Request::kRewriteRunning: return reply.error("Background append only file rewriting already in progress");
    case Request::kFailed:
      return reply.error("Can't execute an AOF background rewriting. Please check the server logs for more information.");
  }
}

void cmd_lastsave(Session& session, Args, Reply& reply) {
  reply.integer(session.services().persistence.info().last_save_s);
}

constexpr CommandRow kSavingRows[] = {
    {.name = "save", .arity = 1, .flags = "admin noscript no_async_loading no_multi", .keys = "", .categories = "",
     .tips = "", .group = "server", .since = "1.0.0", .complexity = "O(N) where N is the number of keys",
     .summary = "Saves the data set to disk and answers when that is done.", .syntax = "", .handler = &cmd_save},
    {.name = "bgsave", .arity = -1, .flags = "admin noscript no_async_loading", .keys = "", .categories = "",
     .tips = "", .group = "server", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Begins to save the data set to disk.", .syntax = "[SCHEDULE@3.2.2]", .handler = &cmd_bgsave,
     .history = "3.2.2: Added the `SCHEDULE` option."},
    {.name = "bgrewriteaof", .arity = 1, .flags = "admin noscript no_async_loading", .keys = "", .categories = "",
     .tips = "", .group = "server", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Begins to make the append only file as small as the data set.", .syntax = "",
     .handler = &cmd_bgrewriteaof},
    {.name = "lastsave", .arity = 1, .flags = "loading stale fast", .keys = "", .categories = "admin dangerous",
     .tips = "nondeterministic_output", .group = "server", .since = "1.0.0", .complexity = "O(1)",
     .summary = "Tells when the data set was last saved, in Unix seconds.", .syntax = "", .handler = &cmd_lastsave},
};

}  // namespace

CommandRows saving_commands() { return kSavingRows; }

}  // namespace holdfast
