#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "command/busy_scripts.h"
#include "command/command_table.h"
#include "command/services.h"
#include "command/session.h"

namespace holdfast {

class Task;
class WaitRequest;
struct WorkerContext;

/// Who calls a command, as MONITOR shows it.
enum class CalledBy : uint8_t { kClient, kScript };

/// The one way a command is executed: of a client, inside EXEC, replayed from the AOF. It checks in the order of
/// Redis's dispatcher, takes the lock set, runs the handler in a Txn, commits and counts.
///
/// Stateless; one for all workers. A call works for a session on the thread that owns it.
class Gate {
 public:
  enum class Outcome : uint8_t {
    kDone,     ///< the reply is written
    kParked,   ///< waits for locks; after the session's waiter was woken: `resume` with the same arguments
    kHeld,     ///< not begun (CLIENT PAUSE, log or snapshot congested): call `execute` again in about a millisecond
    kRunning,  ///< session.running has work to do in slices
    kBlocked,  ///< waits for keys; when session.blocked is over, which wakes the session's waiter: `finish_blocked`
  };

  explicit Gate(Services& services);

  Outcome execute(Session& session, Args args, Reply& reply);
  /// A command of the AOF: as execute, for a trusted session and while nobody else uses the key space, so it never waits.
  void replay(Session& session, Args args, Reply& reply);
  /// Goes on with session.parked.
  Outcome resume(Session& session, Args args, Reply& reply);
  /// Writes the reply of session.blocked, which is over. kDone or kRunning.
  Outcome finish_blocked(Session& session, Reply& reply);
  /// One command inside `txn`, which holds what it needs: of an EXEC, or called by a script. Not for scripts.
  void run_nested(Session& session, Command const& command, Args args, Reply& reply, Txn& txn, CalledBy by);

 private:
  /// Everything before the lock set. True: go on with `command`.
  bool admit(Session& session, Args args, Reply& reply, Command const*& command);
  /// Login and rights of a session that may not do everything. True: go on.
  bool admit_user(Session& session, Command const& command, Reply& reply);
  bool admit_access(Session& session, Command const& command, Args args, Reply& reply);
  /// The same for a command of an EXEC that runs: the user may have changed since it was queued.
  bool admit_queued(Session& session, Command const& command, Args args, Reply& reply);
  /// Makes room when maxmemory is exceeded. True: there is none, and the command may need some.
  bool refused_for_memory(Session& session, Command const& command, uint32_t flags);
  /// A script of this worker is suspended, and the command cannot be executed meanwhile.
  bool must_not_overtake(Session& session, Command const& command) const;
  bool must_hold(Session& session, Command const& command) const;
  bool held_by_pause(Session& session, Command const& command) const;
  /// The command, or one queued for this EXEC, has one of the flags.
  bool writes(Session& session, Command const& command, uint32_t flags) const;
  Outcome dispatch(Session& session, Command const& command, Args args, Reply& reply);
  Outcome begin_task(Session& session, Command const& command, Args args, std::unique_ptr<Task> task);
  Outcome run_locked(Session& session, Command const& command, Args args, Reply& reply, LockSet& locks);
  Outcome run_data(Session& session, Command const& command, Args args, Reply& reply, LockSet& locks);
  /// The handler has found nothing. True: the session waits for keys from now on.
  bool begin_wait(Session& session, Command const& command, Txn& txn, std::unique_ptr<WaitRequest> request, Reply& reply);
  /// The locks are held by a busy script: gives up and replies so.
  bool refused_as_busy(Session& session, Command const& command, Reply& reply, LockSet& locks);
  void refuse_as_busy(Session& session, Command const& command, Reply& reply, LockSet& locks, BusyScript::Kind kind);
  void queue(Session& session, Command const& command, Args args, Reply& reply);
  void build_exec_locks(Session& session, LockSet& locks);
  void run_exec(Session& session, Args args, Reply& reply, LockSet& locks);
  /// Into the worker's lock set, which is empty.
  void add_script_locks(Session& session, Command const& command, Args args, ScriptReach reach);
  /// Runs session.script_run, and takes it back when it needs more than it may get.
  Outcome run_script(Session& session, Command const& command, Args args, Reply& reply, LockSet& held);
  std::optional<ScriptReach> run_script_in(Session& session, Command const& command, Args args, Reply& reply, Txn& txn,
                                           LockSet& locks, ScriptRun& script);
  void run_queued_script(Session& session, Command const& command, Args args, Reply& reply, Txn& txn, LockSet& locks);
  void reject(Session& session, Command const* command, Reply& reply, std::string_view error);
  /// Of the AOF, or of the link to the primary.
  void prepare_trusted(Session& session, Txn& txn);
  /// Counts the keys of one command in HotKeys::kSampledOneOf; their partitions are locked.
  void sample_keys(Session& session, Command const& command, Args args);
  /// Shows the executed command to MONITOR, under its locks.
  void observe(Session& session, Command const& command, Args args, CalledBy by = CalledBy::kClient);
  /// Of a session that tracks.
  void remember_read(Session& session, Command const& command, Args args, Txn& txn);
  void count(Session& session, Command const& command, Args args, Reply& reply, size_t errors_before);

  Services& services_;
  Command const* exec_;
  Command const* multi_;
  Command const* discard_;
  Command const* watch_;
  Command const* quit_;
  Command const* reset_;
  Command const* ping_;
};

/// Remembers that the replies of `session` depend on the log up to `offset`.
inline void note_offset(Session& session, uint64_t offset) {
  if (offset > session.needed_offset) session.needed_offset = offset;
}

}  // namespace holdfast
