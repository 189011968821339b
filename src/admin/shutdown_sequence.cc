#include "admin/shutdown_sequence.h"

#include <limits>

#include "command/pause.h"
#include "command/server_state.h"
#include "config/config.h"
#include "log/log.h"
#include "snapshot/persistence.h"

namespace holdfast {

ShutdownSequence::~ShutdownSequence() {
  if (stage_ == Stage::kAskSave || stage_ == Stage::kSave) give_up();
}

ShutdownSequence::Progress ShutdownSequence::step() {
  switch (stage_) {
    case Stage::kBegin: return begin();
    case Stage::kFollow: return follow();
    case Stage::kAskSave: return ask_save();
    case Stage::kSave: return wait_for_save();
    case Stage::kOver: break;
  }
  return Progress::kFailed;
}

ShutdownSequence::Progress ShutdownSequence::begin() {
  ShutdownState& state = services_.state.shutdown;
  failures_seen_ = state.failures();
  if (!state.begin()) {
    stage_ = Stage::kFollow;
    return Progress::kWait;
  }
  stage_ = Stage::kAskSave;
  services_.logger.warning("User requested shutdown...");
  if (services_.log.state() == log::LogState::kWaitBase && !options_.force) {
    return fail("Writing initial AOF, can't exit.");
  }
  // What is acknowledged from here on would be in no file.
  services_.pause.start(Pause::Purpose::kShutdown, Pause::Mode::kWrite, services_.clock.unix_ms(),
                        std::numeric_limits<int64_t>::max());
  services_.persistence.cancel();
  bool const loading = services_.persistence.loading();
  bool const wanted = options_.save || (!options_.no_save && !services_.config.save_points().empty());
  if (loading || !wanted) return exit();
  services_.logger.notice("Saving the final RDB snapshot before exiting.");
  return ask_save();
}

ShutdownSequence::Progress ShutdownSequence::follow() {
  if (services_.state.shutdown.failures() == failures_seen_) return Progress::kWait;
  stage_ = Stage::kOver;
  return Progress::kFailed;
}

ShutdownSequence::Progress ShutdownSequence::ask_save() {
  if (services_.state.shutdown.aborted()) return fail("Shutdown manually aborted.");
  ticket_ = services_.persistence.foreground_save();
  if (ticket_) stage_ = Stage::kSave;
  return Progress::kWait;
}

ShutdownSequence::Progress ShutdownSequence::wait_for_save() {
  if (services_.state.shutdown.aborted()) {
    services_.persistence.cancel();
    return fail("Shutdown manually aborted.");
  }
  std::optional<Status> const result = services_.persistence.save_result(*ticket_);
  if (!result) return Progress::kWait;
  if (!*result && !options_.force) return fail("Error trying to save the DB, can't exit.");
  if (*result && ++rounds_ < kRoundsMax && services_.persistence.info().changes_since_save > 0) {
    stage_ = Stage::kAskSave;
    return ask_save();
  }
  return exit();
}

ShutdownSequence::Progress ShutdownSequence::exit() {
  if (!services_.state.shutdown.commit()) return fail("Shutdown manually aborted.");
  stage_ = Stage::kOver;
  services_.control.exit_soon(0);
  return Progress::kExits;
}

ShutdownSequence::Progress ShutdownSequence::fail(char const* line) {
  services_.logger.warning("%s", line);
  services_.logger.warning("Errors trying to shut down the server. Check the logs for more information.");
  give_up();
  return Progress::kFailed;
}

void ShutdownSequence::give_up() {
  stage_ = Stage::kOver;
  services_.pause.stop(Pause::Purpose::kShutdown);
  services_.state.shutdown.fail();
}

}  // namespace holdfast
