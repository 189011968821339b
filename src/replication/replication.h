#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/mutex.h"
#include "command/gate.h"
#include "command/services.h"
#include "command/statistics.h"
#include "config/special_values.h"
#include "net/unique_fd.h"
#include "replication/history.h"
#include "replication/history_file.h"
#include "replication/primary_link.h"
#include "replication/proof.h"
#include "replication/replicas.h"
#include "snapshot/persistence.h"

namespace holdfast::replication {

using config::ReplicaOf;

/// The role of this server and everything that goes with it. One thread of its own changes the role, always in a global
/// transaction, and follows the primary while there is one; so what it does is in one order. Commands only say what is wanted.
///
/// Any thread, but for what says otherwise.
class Replication {
 public:
  /// `statistics` counts the commands of the primary.
  Replication(Services& services, Gate& gate, WorkerStatistics& statistics);
  ~Replication();

  Replicas& replicas() { return replicas_; }
  Proofs& proofs() { return proofs_; }

  // ---- the start and the end of the server

  /// Says to worker 0 that from now on another thread works on the keys, and calls the function there once that is so. Set before
  /// `begin`. Not called where there are several workers anyway.
  std::function<void(std::function<void()>)> share_keyspace;
  /// Told on the thread of the role after each change of it. Set before `begin`.
  std::function<void()> role_changed = [] {};
  /// The AOF on the disk belongs to a history that is known. From `prepare` on.
  bool resumes() const { return saved_history_.has_value(); }
  /// What was loaded belongs to a history: the log goes on there, in a backlog. At the end of the load, while nobody writes.
  void restore(snapshot::StreamIdentity const& saved);
  /// Before the workers start: the role of the configuration is in force, and nobody writes to a replica.
  void prepare();
  /// The data are loaded: begins to follow the configured primary.
  void begin();
  /// Before the log and the persistence end.
  void stop();

  // ---- the role

  /// REPLICAOF host port / NO ONE. Returns the number of the change, which `settled` tells the end of.
  uint64_t follow(ReplicaOf const& primary) EXCLUDES(mutex_);
  uint64_t lead() EXCLUDES(mutex_);
  bool settled(uint64_t change) const EXCLUDES(mutex_);
  /// Whose replica this is, or shall be.
  std::optional<ReplicaOf> primary() const EXCLUDES(mutex_);
  bool is_replica() const { return replica_.load(std::memory_order_relaxed); }
  LinkFigures const& link() const { return link_; }
  bool link_up() const { return link_.state.load(std::memory_order_relaxed) == LinkState::kConnected; }

  History history() const EXCLUDES(mutex_);
  /// The present place, for snapshots; nothing when the log is not written. In a global transaction.
  std::optional<snapshot::StreamIdentity> identity() const EXCLUDES(mutex_);
  /// DEBUG CHANGE-REPL-ID.
  void change_id() EXCLUDES(mutex_);
  /// Nobody can go on from what he has of the stream: it goes on unwritten. In a global transaction.
  void stream_ended() EXCLUDES(mutex_);
  /// The files of the AOF are about to be replaced by others.
  void forget_history() EXCLUDES(history_file_mutex_);
  /// If the AOF is on and replicas may come back, notes which history it belongs to.
  void note_history() EXCLUDES(history_file_mutex_, mutex_);

  // ---- the other commands

  /// What a PSYNC asks for.
  struct Wish {
    std::string_view id;
    int64_t offset = 0;
  };
  struct Answer {
    bool accepted = false;
    std::string line;  ///< an error with its code; or what the replica is told before the stream, if anything
  };
  /// PSYNC, or SYNC (no wish), on the worker of the connection.
  Answer synchronize(std::shared_ptr<ReplicaFeed> const& feed, std::optional<Wish> const& wish);
  /// PSYNC ... FAILOVER: the error if this replica must not take the primary's place (`lead`), or empty.
  std::string check_take_over(std::string_view id) const;

  enum class FailoverState : uint8_t { kNone, kWaitForSync, kInProgress };
  FailoverState failover_state() const { return failover_state_.load(std::memory_order_relaxed); }
  struct FailoverOrder {
    std::optional<ReplicaOf> target;
    int64_t timeout_ms = 0;
    bool force = false;
  };
  /// Starts a failover: the error, or empty.
  std::string start_failover(FailoverOrder const& order);
  /// False: there is none.
  bool abort_failover();

  // ---- driven by the server

  /// About ten times a second, on worker 0.
  void tick();
  /// What the role forbids has changed: a directive, the link.
  void review();
  /// CLIENT KILL of the link: it is made again.
  void cut_link();

 private:
  struct Wanted {
    std::optional<ReplicaOf> primary;
    uint64_t change = 0;
    bool failover = false;  ///< the old primary hands over
  };

  class HistoryChange;

  uint64_t want(std::optional<ReplicaOf> primary, bool failover) EXCLUDES(mutex_);
  void run();
  void settle(Wanted const& wanted);
  void set_following(bool following);
  void become_replica();
  void become_primary();
  void in_global_transaction(std::function<void()> const& work);
  void end_waits();
  void touch_watched_keys();
  Status continue_with(std::string const& id);
  void ensure_backlog();
  bool stopping() const EXCLUDES(mutex_);
  void tick_failover(int64_t now_ms);
  void end_failover(std::string_view why);
  std::shared_ptr<ReplicaFeed> find_replica(ReplicaOf const& at) const;
  void tend_backlog(int64_t now_us);
  PrimaryLink::Owner link_owner();
  std::string fresh_id() const;

  Services& services_;
  Replicas replicas_;
  Proofs proofs_;
  LinkFigures link_;
  Applier applier_;
  PrimaryLink* current_link_ = nullptr;  // of the thread
  UniqueFd interrupt_;                   // an eventfd: the link shall end

  std::atomic<bool> replica_{false};
  std::atomic<FailoverState> failover_state_{FailoverState::kNone};

  mutable Mutex mutex_;
  std::condition_variable changed_;
  History history_ GUARDED_BY(mutex_);
  Wanted wanted_ GUARDED_BY(mutex_);
  uint64_t settled_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool shared_ GUARDED_BY(mutex_) = false;
  FailoverOrder failover_ GUARDED_BY(mutex_);
  int64_t failover_until_ms_ GUARDED_BY(mutex_) = 0;
  Mutex review_mutex_;

  /// Taken before `mutex_`, and held during I/O.
  Mutex history_file_mutex_;
  HistoryFile history_file_ GUARDED_BY(history_file_mutex_);
  std::optional<History> noted_ GUARDED_BY(history_file_mutex_);  // what the file says
  int changing_ GUARDED_BY(history_file_mutex_) = 0;              // the history is about to change
  std::optional<History> saved_history_;                          // of the thread that starts the server, then of the load

  // Of worker 0.
  int64_t next_second_us_ = 0;
  int64_t pinged_us_ = 0;  // the replicas, or there were none
  int64_t alone_since_us_ = -1;
  std::thread thread_;
};

}  // namespace holdfast::replication
