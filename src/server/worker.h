#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "command/gate.h"
#include "command/worker_context.h"
#include "keyspace/defrag_cycle.h"
#include "keyspace/expiry_cycle.h"
#include "net/event_loop.h"
#include "pubsub/inbox.h"
#include "resp/request_parser.h"
#include "server/connection.h"

namespace holdfast {

struct CrashScene;

/// One worker: an event loop and the connections it owns. Everything here is used on the worker's thread only, but for
/// `post`, `assigned` and what is said otherwise.
///
/// A turn of the loop: sockets that are ready are read and their commands executed; connections that wait for their next
/// share go on; one slice of each long command, of the running cut, and of the expiry; then all replies are sent at once.
class Worker {
 public:
  /// Shares of one turn for work that is not a client's command.
  static constexpr int64_t kCutSliceMicroseconds = 50;
  static constexpr int64_t kExpirySliceMicroseconds = 200;
  /// While much expires, the expiry gets a slice this often: at most a quarter of the worker's time.
  static constexpr int64_t kExpiryPauseMicroseconds = 800;
  /// While eviction is behind, up to half of the worker's time.
  static constexpr int64_t kEvictionSliceMicroseconds = 200;
  static constexpr int64_t kEvictionPauseMicroseconds = 200;
  /// Shares of defragmentation; the pauses between them follow from its effort.
  static constexpr int64_t kDefragSliceMicroseconds = 100;
  /// No step of a TLS handshake is begun in a turn that has spent this much on them.
  static constexpr int64_t kHandshakesMicroseconds = 200;
  /// Who has not finished its TLS handshake by then is closed.
  static constexpr int64_t kHandshakeMillisecondsMax = 10'000;

  Worker(int index, Services& services, Gate& gate, WorkerStatistics& statistics, Inbox& inbox);
  ~Worker();
  Worker(Worker const&) = delete;
  Worker& operator=(Worker const&) = delete;

  /// Runs until `stop`, on the calling thread.
  void run();
  /// Any thread.
  void stop();
  template <class Function>
  void post(Function&& function) {
    loop_.mailbox().post(std::forward<Function>(function));
  }
  /// Connections given to this worker and not closed yet; a connection on its way counts. Added to by the acceptor,
  /// subtracted from by the worker.
  std::atomic<int64_t> assigned{0};

  int index() const { return index_; }
  EventLoop& loop() { return loop_; }
  WorkerContext& context() { return *context_; }
  /// Where that one is found, whichever it is at the moment.
  WorkerContext* const* present_context() const { return &context_; }
  Gate& gate() { return gate_; }

  /// The thread that runs it, as the kernel knows it; 0 before.
  pid_t thread_id() const { return thread_id_.load(std::memory_order_relaxed); }
  /// What is being executed. In the handler of a signal, on the worker's own thread.
  void describe(CrashScene& scene) const;

  /// Notes, as long as it lives, that the worker executes what a connection has sent.
  class Executing {
   public:
    /// `command` is the place in the batch; kNoCommand: what `running` of the connection does.
    static constexpr uint32_t kNoCommand = UINT32_MAX;
    Executing(Worker& worker, Connection& connection, uint32_t command)
        : worker_(worker), connection_before_(worker.connection_.load(std::memory_order_relaxed)),
          batch_before_(worker.executed_batch_.load(std::memory_order_relaxed)),
          command_before_(worker.command_.load(std::memory_order_relaxed)) {
      note(&connection, &worker.batch(), command);
    }
    ~Executing() { note(connection_before_, batch_before_, command_before_); }
    Executing(Executing const&) = delete;
    Executing& operator=(Executing const&) = delete;
    void next(uint32_t command) { worker_.command_.store(command, std::memory_order_relaxed); }

   private:
    void note(Connection* connection, CommandBatch const* batch, uint32_t command) {
      worker_.connection_.store(connection, std::memory_order_relaxed);
      worker_.executed_batch_.store(batch, std::memory_order_relaxed);
      next(command);
    }

    Worker& worker_;
    Connection* connection_before_;
    CommandBatch const* batch_before_;
    uint32_t command_before_;
  };

  /// A new client.
  void adopt(UniqueFd fd, std::shared_ptr<ClientCard> card, std::shared_ptr<TlsContext const> tls = nullptr);
  /// Closes the connection with this id if it is still here (CLIENT KILL).
  /// Tells all connections.
  void users_changed();
  void close_connection(uint64_t id);
  /// Sends what there is for the connection with this id, if it is still here.
  void flush_connection(uint64_t id);
  /// Hands what is in the inbox to its receivers.
  void deliver_pushes();
  /// maxmemory is exceeded, and who wants to write cannot make room fast enough.
  void help_evict();
  /// The log is durable up to a new offset: replies that waited may go.
  void log_advanced();

  // ---- for the connections

  CommandBatch& batch() { return desk_->batch; }
  std::array<CommandHint, kBatchCommandsMax>& hints() { return desk_->hints; }
  std::span<char> read_scratch() { return desk_->input; }
  /// A turn of the loop in the middle of `script`, which `connection` executes. That connection is left alone meanwhile.
  void serve_others(Connection& connection, BusyScript const& script);
  /// The connection is in the middle of a script.
  bool suspended(Connection const& connection) const { return suspended_ == &connection; }
  std::shared_ptr<Waiter> make_waiter(uint64_t connection_id);
  void schedule_flush(Connection& connection);
  /// As `schedule_flush`, for what others have published: sent when `pushes_wait` says so no more.
  void schedule_push(Connection& connection);
  /// Has it read in the next turn although its socket may have nothing.
  void schedule_read(Connection& connection);
  /// Asked before and told after a step of a TLS handshake.
  bool may_shake_hands();
  void shook_hands();
  /// The connection has entered a state, or stays in it for another round.
  void wait_changed(Connection& connection);
  /// Sets the frozen time of this turn, once a turn.
  void refresh_time();
  /// True when what the replies of the connection depend on is as safe as `appendfsync` promises: on disk, or in the file.
  /// False: the connection is flushed again when it may be.
  bool log_allows(Connection& connection);
  /// Any thread, after the log has advanced: true when replies have come to wait since it was asked last; `log_advanced` is
  /// then to be posted. Both sides exchange the flag, so that either the worker sees the offset or the asker sees the flag.
  bool take_log_wait() { return waits_for_log_.exchange(false, std::memory_order_acq_rel); }
  /// The connection has more output than its class may have for some time: it is looked at again in the cron.
  void watch_output(Connection& connection) { over_soft_limit_.push_back(connection.id()); }
  /// Removes and destroys the connection at the end of the turn.
  void bury(Connection& connection);
  /// "Possible SECURITY ATTACK detected", at most once a minute.
  void warn_cross_protocol();

 private:
  class ConnectionWaiter;

  /// A connection that was in its TLS handshake when it came.
  struct Handshaking {
    uint64_t id;
    int64_t until_ms;
  };

  /// What executions use.
  struct Desk {
    explicit Desk(WorkerStatistics& statistics) : context(statistics) {}
    WorkerContext context;
    CommandBatch batch;
    std::array<CommandHint, kBatchCommandsMax> hints;
    std::vector<char> input = std::vector<char>(Connection::kReadBytes);
  };

  /// No data may be looked at: a script is in the middle of changing them, and nothing is locked (one worker).
  bool data_unlocked() const { return suspended_ && !services_.keyspace.concurrent(); }
  void sit_down_at(Desk& desk) {
    desk_ = &desk;
    context_ = &desk.context;
  }
  void end_turn();
  void flush_all();
  void run_pending();
  void start_delay();
  void go_on(uint64_t id);
  void drop_dead();
  void end_late_handshakes();
  void cron();
  void run_expiry();
  void run_eviction();
  void defrag_cron();
  void run_defrag();
  /// Those who wait for what a busy script holds are told so.
  void look_at_parked();
  void set_busy(bool busy);

  int index_;
  Services& services_;
  Gate& gate_;
  Inbox& inbox_;
  EventLoop loop_;
  Desk own_desk_;
  std::unique_ptr<Desk> second_desk_;  // while own_desk_ is used by a script
  Desk* desk_ = &own_desk_;
  WorkerContext* context_ = &own_desk_.context;  // of desk_
  Connection* suspended_ = nullptr;
  std::atomic<pid_t> thread_id_{0};
  // What Executing notes; null: nothing. Written and read on the worker's thread, but read in handlers of signals.
  std::atomic<Connection*> connection_{nullptr};
  std::atomic<CommandBatch const*> executed_batch_{nullptr};
  std::atomic<uint32_t> command_{Executing::kNoCommand};
  ExpiryCycle expiry_;
  DefragCycle defrag_;
  std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> to_flush_;
  std::vector<Connection*> to_push_;
  int64_t first_push_us_ = 0;  // of to_push_
  std::vector<uint64_t> to_read_;
  std::deque<Handshaking> handshaking_;  // in the order of their deadlines
  int64_t handshake_began_us_ = 0;
  int64_t handshakes_us_ = 0;  // spent in this turn
  std::vector<uint64_t> waiting_for_log_;
  std::atomic<bool> waits_for_log_{false};
  std::vector<uint64_t> pending_;  // in the states again and running
  std::vector<uint64_t> delayed_;  // held, or running and waiting: looked at every millisecond
  std::vector<uint64_t> dead_;
  std::vector<uint64_t> over_soft_limit_;
  bool delay_timer_ = false;
  bool expiry_timer_ = false;
  bool eviction_timer_ = false;
  bool defrag_timer_ = false;
  bool busy_ = false;
  int64_t time_of_turn_us_ = -1;
  int64_t next_warning_ms_ = 0;
};

}  // namespace holdfast
