#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "command/client_card.h"
#include "command/push_message.h"
#include "command/script_run.h"
#include "command/services.h"
#include "command/subscriptions.h"
#include "command/tracking_state.h"
#include "keyspace/lock_set.h"
#include "keyspace/watch_table.h"

namespace holdfast {

class BlockedClient;
class BusyScript;
struct Command;
class TaskRunner;
struct WorkerContext;

/// A command queued by MULTI: its own copy of the arguments.
struct QueuedCommand {
  Command const* command;
  std::vector<std::string> argv;
};

/// MULTI state of a connection.
struct Transaction {
  bool open = false;
  bool broken = false;  ///< a command was refused while queueing
  std::vector<QueuedCommand> queue;
  size_t queue_bytes = 0;
};

/// One key of WATCH.
struct WatchedKey {
  int db;
  std::string key;
};

/// The protocol state of one connection: what its commands see and change. Owned by the worker of the connection; other
/// threads see only its ClientCard.
class Session {
 public:
  Session(Services& services, std::shared_ptr<ClientCard> card);
  virtual ~Session();
  Session(Session const&) = delete;
  Session& operator=(Session const&) = delete;

  Services& services() { return services_; }
  ClientCard& card() { return *card_; }
  std::shared_ptr<ClientCard> const& shared_card() { return card_; }
  /// Of the worker that owns this session.
  virtual WorkerContext& worker() = 0;
  /// Woken when a lock that this session waits for is free, or its waiting for keys is over; always the same object.
  virtual std::shared_ptr<Waiter> const& waiter() = 0;
  /// True for the loader of the AOF: nothing is refused, paused or expired.
  virtual bool trusted() const { return false; }
  /// True for the loader of the AOF: nobody else uses the key space, or all partitions are locked for it.
  virtual bool owns_keyspace() const { return false; }

  int db() const { return db_; }
  void select(int db) {
    db_ = db;
    card_->db.store(db, std::memory_order_relaxed);
  }

  /// False while the connection must first AUTH.
  bool authenticated() const { return authenticated_; }
  /// A password is configured.
  bool password_needed() const;
  void set_authenticated(bool yes) { authenticated_ = yes; }

  int protocol() const { return protocol_; }
  void set_protocol(int protocol) {
    protocol_ = protocol;
    card_->protocol.store(protocol, std::memory_order_relaxed);
  }

  /// The connection is closed as soon as its replies are sent (QUIT, protocol errors, CLIENT KILL of itself).
  void close_after_reply() { close_after_reply_ = true; }
  bool closing() const { return close_after_reply_; }

  enum class ReplyMode : uint8_t { kOn, kOff, kSkipNext, kSkip };
  ReplyMode reply_mode = ReplyMode::kOn;

  Transaction transaction;
  std::vector<WatchedKey> watched;
  WatchFlag watch_flag;  ///< set when a watched key changed; null when nothing is watched
  bool touch_keys = true;  ///< CLIENT NO-TOUCH OFF

  /// Forgets the WATCHed keys / the queue and the WATCHed keys.
  void unwatch();
  void end_transaction();

  /// What this connection listens to; null: nothing.
  std::unique_ptr<Subscriptions> subscriptions;
  bool subscribed() const { return subscriptions != nullptr; }
  /// CLIENT TRACKING; null: off.
  std::unique_ptr<TrackingState> tracking;
  /// Sees every command (MONITOR).
  bool monitors = false;
  /// What other parts have noted of this session must be taken back when it ends (see Observers).
  bool observed = false;
  /// Writes the messages that have come for connections of this worker, to this one and to others. Only between replies.
  virtual void deliver_pushes() {}

  /// Called by this session's script, which runs for long, between two of its instructions: lets the other connections of its
  /// worker be served.
  virtual void serve_others(BusyScript const&) {}

  /// What the gate keeps of a command that waits for locks; see Gate.
  struct Parked {
    Command const* command = nullptr;
    LockSet locks;
  };
  std::unique_ptr<Parked> parked;
  /// The script that is about to run or waits for locks.
  std::unique_ptr<ScriptRun> script_run;
  /// The long command that runs in slices; see TaskRunner.
  std::unique_ptr<TaskRunner> running;

  /// The command that waits for keys; see Gate.
  std::shared_ptr<BlockedClient> blocked;
  /// Stops waiting for keys; the command is never answered (the connection is closed).
  void stop_waiting();

  /// No room could be made when the present command was let in: its scripts must not call what takes memory.
  bool out_of_memory = false;
  /// True while the gate runs this session's EXEC.
  bool executing_transaction = false;
  /// Log offset that the replies written so far depend on (appendfsync always).
  uint64_t needed_offset = 0;

  /// Back to the state of a new connection (RESET), but for the connection itself.
  void reset();

 private:
  void forget_observers();

  Services& services_;
  std::shared_ptr<ClientCard> card_;
  int db_ = 0;
  int protocol_ = 2;
  bool authenticated_ = false;
  bool close_after_reply_ = false;
};

}  // namespace holdfast
