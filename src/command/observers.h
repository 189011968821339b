#pragma once

#include <atomic>

#include "command/args.h"

namespace holdfast {

struct Command;
class Session;
class Txn;

/// Who is told of sessions and their commands without being asked. Any thread, for sessions of that thread.
class Observers {
 public:
  virtual ~Observers() = default;
  /// The session starts anew (RESET) or ends: it listens to nothing any more.
  virtual void forget(Session& session) = 0;

  /// Somebody wants to see every command (MONITOR).
  std::atomic<bool> monitored{false};
  /// A command was executed; its locks are still held. Called while `monitored`. `by_script`: by a script of the session.
  virtual void executed(Session& session, Command const& command, Args args, bool by_script = false) = 0;

  /// A session that tracks what it reads has executed a command of the kind that reads; its locks are still held.
  virtual void has_read(Session& session, Command const& command, Args args, Txn& txn) = 0;
  /// After each command of a session that is observed, when its reply is written and no lock is held.
  virtual void after_command(Session& session) = 0;
  /// At the end of a turn of a worker, before replies are sent. On its thread.
  virtual void end_turn(int worker) = 0;
};

}  // namespace holdfast
