#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command/busy_scripts.h"
#include "command/command_table.h"
#include "command/script_run.h"
#include "command/services.h"
#include "keyspace/lock_set.h"
#include "keyspace/txn.h"

namespace holdfast {

class Gate;
class Session;

/// How a running script executes commands: the checks of redis.call, then the gate's way into the one Txn of the script.
///
/// A command whose keys are not locked is run when more locks may be taken (see LockSet::may_extend). Otherwise the script
/// cannot go on: `call` answers kRepeat, now and for ever, and the gate takes everything back and runs the script again.
class NestedCalls {
 public:
  enum class Outcome : uint8_t {
    kDone,     ///< the reply is written
    kRefused,  ///< nothing was done; `refusal()` says why
    kRepeat,   ///< the script must end at once, to be run again
    kKilled,   ///< the script must end at once, somebody has killed it
  };

  /// From the beginning to the end of one run. The session's database is put back at the end.
  NestedCalls(Gate& gate, Session& session, Txn& txn, LockSet& locks);
  ~NestedCalls();
  NestedCalls(NestedCalls const&) = delete;
  NestedCalls& operator=(NestedCalls const&) = delete;

  Outcome call(Args args, Reply& reply);
  /// "ERR ...", of the last refused call.
  std::string const& refusal() const { return refusal_; }
  /// What the run has to be repeated with; none: it may be committed.
  std::optional<ScriptReach> repeat_with() const { return repeat_with_; }

  /// Set by the script's flags before it begins.
  void set_read_only(bool yes) { read_only_ = yes; }
  void set_allow_oom(bool yes) { allow_oom_ = yes; }
  /// redis.set_repl: whether what follows is logged.
  void set_logging(bool yes) { logging_ = yes; }
  /// Called while locks are waited for; false: no longer, the script must end.
  void set_while_waiting(std::function<bool()> go_on) { while_waiting_ = std::move(go_on); }
  /// Called from time to time: a script that lasts leaves the partitions of its keys to others, and keeps its keys (LockSet::open).
  void let_others_in();
  /// Takes them back. Called when the script has come to its end, while `set_while_waiting` still holds.
  void take_back();
  /// The process exits in the middle of the script.
  void log_nothing() { txn_.log_nothing(); }
  /// The script has become busy: asked before each command that writes. Null: no longer.
  void set_busy(BusyScript* busy) {
    busy_ = busy;
    if (busy_) busy_->set_held(locks_);
  }
  /// A command that writes has been executed.
  bool wrote() const { return wrote_; }
  /// The memory limit was exceeded when the script began.
  bool out_of_memory() const { return out_of_memory_; }
  Session& session() { return session_; }

 private:
  Command const* admit(Args args);
  Command const* refuse(std::string_view text);
  /// Holds the locks that the command needs. kRefused: they are not to be had in this run.
  LockSet::Further hold_keys(Command const& command, Args args);
  LockSet::Further enter_keys(Command const& command, Args args);
  void tell_busy();

  Gate& gate_;
  Session& session_;
  Services& services_;
  Txn& txn_;
  LockSet& locks_;
  int db_before_;
  bool executing_before_;
  bool read_only_ = false;
  bool allow_oom_ = false;
  bool logging_ = true;
  bool wrote_ = false;
  bool out_of_memory_;
  std::optional<ScriptReach> repeat_with_;
  std::string refusal_;
  std::function<bool()> while_waiting_ = [] { return true; };
  BusyScript* busy_ = nullptr;
  uint64_t began_;  // ticks
  uint32_t calls_ = 0;
  std::vector<uint64_t> entered_keys_;  // hashes, of the present call
};

}  // namespace holdfast
