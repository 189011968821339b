#include "admin/shutdown_sequence.h"

#include <limits>

#include "command/pause.h"
#include "command/server_state.h"
#include "config/config.h"
#include "log/log.h"
#include "replication/replication.h"
#include "snapshot/persistence.h"

namespace holdfast {

using config::Directive;

ShutdownSequence::~ShutdownSequence() {
  if (stage_ == Stage::kReplicas || stage_ == Stage::kAskSave || stage_ == Stage::kSave) give_up();
}

ShutdownSequence::Progress ShutdownSequence::step() {
  switch (stage_) {
    case Stage::kBegin: return begin();
    case Stage::kFollow: return follow();
    case Stage::kReplicas: return wait_for_replicas();
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
  stage_ = Stage::kReplicas;
  services_.state.tell_supervisor("STOPPING=1");
  services_.logger.warning("User requested shutdown...");
  if (services_.log.state() == log::LogState::kWaitBase && !options_.force) {
    return fail("Writing initial AOF, can't exit.");
  }
  // What is acknowledged from here on would be in no file.
  services_.pause.start(Pause::Purpose::kShutdown, Pause::Mode::kWrite, services_.clock.unix_ms(),
                        std::numeric_limits<int64_t>::max());
  wanted_offset_ = services_.log.appended_offset();
  int64_t const patience_ms = services_.config.integer(Directive::kShutdownTimeout) * 1000;
  if (!options_.now && patience_ms > 0 && replicas_lag()) {
    services_.logger.notice("Waiting for replicas before shutting down.");
    services_.state.shutdown.set_deadline_ms(services_.clock.unix_ms() + patience_ms);
    return Progress::kWait;
  }
  return begin_save();
}

/// Of writes too that were past the gate when it closed.
bool ShutdownSequence::replicas_lag() {
  replication::Replicas& replicas = services_.replication->replicas();
  auto const count = static_cast<int64_t>(replicas.count());
  if (count == 0) return false;
  uint64_t const now = services_.log.appended_offset();
  bool const lag = replicas.acknowledged(now == asked_offset_ ? wanted_offset_ : now) < count;
  if (lag && now != asked_offset_) {
    wanted_offset_ = now;
    replicas.ask_for_acknowledgements();
    services_.log.end_turn();
    asked_offset_ = services_.log.appended_offset();
  }
  return lag;
}

ShutdownSequence::Progress ShutdownSequence::wait_for_replicas() {
  ShutdownState& state = services_.state.shutdown;
  if (state.aborted()) return fail("Shutdown manually aborted.");
  if (replicas_lag() && services_.clock.unix_ms() < state.deadline_ms()) return Progress::kWait;
  return begin_save();
}

void ShutdownSequence::report_replicas() const {
  size_t in_sync = 0;
  auto const feeds = services_.replication->replicas().list();
  for (auto const& feed : feeds) {
    uint64_t const there = feed->acknowledged();
    if (there >= wanted_offset_) {
      in_sync++;
      continue;
    }
    int64_t const silent_s = (services_.clock.monotonic_us() - feed->heard_us()) / 1'000'000;
    services_.logger.warning("Lagging replica %s:%d reported offset %llu behind master, lag=%lld, state=%s.", feed->ip().c_str(),
                             feed->port(), static_cast<unsigned long long>(wanted_offset_ - there), static_cast<long long>(silent_s),
                             std::string(replication::state_text(feed->state())).c_str());
  }
  if (!feeds.empty()) services_.logger.notice("%zu of %zu replicas are in sync when shutting down.", in_sync, feeds.size());
}

ShutdownSequence::Progress ShutdownSequence::begin_save() {
  stage_ = Stage::kAskSave;
  report_replicas();
  services_.persistence.cancel();
  bool const loading = services_.persistence.loading();
  bool const wanted = options_.save || (!options_.no_save && !services_.config.save_points().empty());
  if (loading || !wanted) return exit();
  services_.logger.notice("Saving the final RDB snapshot before exiting.");
  services_.state.tell_supervisor("STATUS=Saving the final RDB snapshot\n");
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
  if (!*result && !options_.force) {
    services_.state.tell_supervisor("STATUS=Error trying to save the DB, can't exit.\n");
    return fail("Error trying to save the DB, can't exit.");
  }
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
