#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "acl/users.h"
#include "command/client_card.h"
#include "command/push_message.h"
#include "command/script_run.h"
#include "command/services.h"
#include "command/subscriptions.h"
#include "command/tracking_state.h"
#include "keyspace/lock_set.h"
#include "keyspace/watch_table.h"

namespace holdfast {

namespace replication {
class ReplicaFeed;
}
class BlockedClient;
class OutputSource;
class BusyScript;
struct Command;
struct StreamPiece;
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
  /// Who speaks: a client; the primary, to which nothing is refused; or what loads the AOF, which is not paused or expired
  /// either, and which nobody else shares the key space with, or for which all partitions are locked.
  enum class Peer : uint8_t { kClient, kPrimary, kLoader };

  Session(Services& services, std::shared_ptr<ClientCard> card, WorkerContext& worker, Peer peer = Peer::kClient)
      : Session(services, std::move(card), peer, nullptr, &worker) {}
  /// Of a client whose worker changes what its executions use.
  Session(Services& services, std::shared_ptr<ClientCard> card, WorkerContext* const* worker)
      : Session(services, std::move(card), Peer::kClient, worker, nullptr) {}
  virtual ~Session();
  Session(Session const&) = delete;
  Session& operator=(Session const&) = delete;

  Services& services() { return services_; }
  ClientCard& card() { return *card_; }
  std::shared_ptr<ClientCard> const& shared_card() { return card_; }
  /// Of the worker that owns this session.
  WorkerContext& worker() { return **worker_; }
  /// Woken when a lock that this session waits for is free, or its waiting for keys is over; always the same object.
  virtual std::shared_ptr<Waiter> const& waiter() = 0;
  bool trusted() const { return peer_ != Peer::kClient; }
  bool owns_keyspace() const { return peer_ == Peer::kLoader; }

  /// Of the link to the primary: what is executed at the moment.
  virtual StreamPiece* stream_piece() { return nullptr; }

  int db() const { return db_; }
  void select(int db) {
    db_ = db;
    card_->db.store(db, std::memory_order_relaxed);
  }

  /// Whose rights this session has: those of `default` until it logs in. Null: the server's own, nothing is forbidden. This is
  /// the version that the session has seen; see follow_user.
  std::shared_ptr<acl::User const> const& user() const { return user_; }
  /// Did log in, or needed not when it began.
  bool logged_in() const { return logged_in_; }
  /// False while the connection must first AUTH.
  bool authenticated() const { return logged_in_ || !services_.users.login_needed(); }
  /// What every command asks first. False: the slow way, which begins with follow_user.
  bool unrestricted() const { return unrestricted_at_ == services_.users.generation_hint(); }
  /// Takes the present version of the user. False: the connection must be closed, because the user is gone or may no longer
  /// listen to what it listens to.
  [[nodiscard]] bool follow_user();
  /// AUTH. False: wrong, and nothing is changed.
  [[nodiscard]] bool log_in(std::string_view name, std::string_view password);
  /// As a new connection: as `default`, logged in if that needs no password.
  void begin_as_default();
  /// For sessions of the server itself.
  void act_for_server();

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
  /// What REPLCONF has said of a replica that has not asked for data yet; null: nothing.
  std::shared_ptr<replication::ReplicaFeed> introduced;
  /// What is sent beside replies: the stream of writes, to a replica. Null for all others.
  std::shared_ptr<OutputSource> source;
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
    int64_t since_us = 0;  ///< monotonic: when it began to wait
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

  /// When the bytes of the present command were read: the beginning of that turn of the loop (monotonic us); 0: unknown.
  int64_t received_us = 0;
  /// How long the present command has waited for locks of partitions, parked.
  int64_t lock_wait_us = 0;

  /// No room could be made when the present command was let in: its scripts must not call what takes memory.
  bool out_of_memory = false;
  /// True while the gate runs this session's EXEC.
  bool executing_transaction = false;
  /// Log offset that the replies written so far depend on (appendfsync always).
  uint64_t needed_offset = 0;

  /// Back to the state of a new connection (RESET), but for the connection itself.
  void reset();

 private:
  Session(Services& services, std::shared_ptr<ClientCard> card, Peer peer, WorkerContext* const* worker, WorkerContext* own_worker);
  void forget_observers();
  void become(std::shared_ptr<acl::User const> user, uint64_t generation);
  bool may_listen_on() const;

  Services& services_;
  std::shared_ptr<ClientCard> card_;
  WorkerContext* own_worker_;  // of a session that stays with its worker
  WorkerContext* const* worker_;
  Peer peer_;
  int db_ = 0;
  int protocol_ = 2;
  std::shared_ptr<acl::User const> user_;
  bool logged_in_ = false;
  uint64_t seen_generation_ = 0;  ///< of the users, when user_ was taken
  /// seen_generation_ if nothing is forbidden to the user, else 0, which is no generation.
  uint64_t unrestricted_at_ = 0;
  bool close_after_reply_ = false;
};

}  // namespace holdfast
