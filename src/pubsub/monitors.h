#pragma once

#include <atomic>

#include "base/clock.h"
#include "base/mutex.h"
#include "command/args.h"
#include "pubsub/subscribers.h"

namespace holdfast {

struct Command;
class Session;

/// The connections that see every command (MONITOR). Any thread; a session is used on its own.
class Monitors {
 public:
  /// `active` is true while there is one.
  Monitors(PostOffice& office, Clock const& clock, std::atomic<bool>& active)
      : office_(office), clock_(clock), active_(active) {}

  /// False: it is one already.
  bool add(Session& session) EXCLUDES(mutex_);
  void remove(Session& session) EXCLUDES(mutex_);
  /// Sends the line of an executed command. All monitors see the lines in one order, and those of a key in the order of the
  /// commits, because the locks of the command are still held.
  void show(Session& session, Command const& command, Args args, bool by_script) EXCLUDES(mutex_);

 private:
  PostOffice& office_;
  Clock const& clock_;
  std::atomic<bool>& active_;
  Mutex mutex_;
  Subscribers monitors_ GUARDED_BY(mutex_);
};

}  // namespace holdfast
