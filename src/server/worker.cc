#include "server/worker.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "command/client_card.h"
#include "command/observers.h"
#include "command/server_state.h"
#include "command/task_runner.h"
#include "config/config.h"
#include "keyspace/keyspace.h"
#include "log/log.h"
#include "net/socket.h"
#include "server/crash_report.h"
#include "server/push_delay.h"
#include "snapshot/persistence.h"

namespace holdfast {
namespace {

using config::Directive;

constexpr int64_t kDelayMicroseconds = 1000;
constexpr int64_t kWorkerCronMilliseconds = 100;
constexpr int64_t kWarningIntervalMs = 60'000;

}  // namespace

/// Asks a worker to go on with one of its connections, if that is still there.
class Worker::ConnectionWaiter final : public Waiter {
 public:
  ConnectionWaiter(Worker& worker, uint64_t id) : worker_(worker), id_(id) {}
  void wake() override {
    worker_.post([&worker = worker_, id = id_] {
      auto found = worker.connections_.find(id);
      if (found != worker.connections_.end()) found->second->wake();
    });
  }

 private:
  Worker& worker_;
  uint64_t id_;
};

Worker::Worker(int index, Services& services, Gate& gate, WorkerStatistics& statistics, Inbox& inbox)
    : index_(index),
      services_(services),
      gate_(gate),
      inbox_(inbox),
      loop_(services.clock),
      own_desk_(statistics),
      expiry_(services.keyspace, static_cast<uint32_t>(index), static_cast<uint32_t>(services.control.worker_count())),
      defrag_(services.keyspace, static_cast<uint32_t>(index), static_cast<uint32_t>(services.control.worker_count())) {
  own_desk_.context.scratch.worker = index;
  loop_.set_before_sleep([this] { end_turn(); });
  loop_.every(kWorkerCronMilliseconds, [this] { cron(); });
}

Worker::~Worker() = default;

void Worker::run() {
  thread_id_.store(static_cast<pid_t>(syscall(SYS_gettid)), std::memory_order_relaxed);
  loop_.run();
}

void Worker::describe(CrashScene& scene) const {
  scene.worker = index_;
  Connection* const connection = connection_.load(std::memory_order_relaxed);
  if (!connection) return;
  ClientCard const& card = connection->card();
  scene.client = card.id;
  scene.client_address = card.address;
  scene.db = connection->db();
  uint32_t const place = command_.load(std::memory_order_relaxed);
  if (place == Executing::kNoCommand) {
    if (!connection->running) return;
    scene.command = connection->running->command().full_name;
    scene.arguments = connection->running->argument_count();
    return;
  }
  CommandBatch const& batch = *executed_batch_.load(std::memory_order_relaxed);
  if (place >= batch.size()) return;
  CommandView const view = batch[place];
  scene.arguments = view.argc;
  uint16_t const id = card.last_command.load(std::memory_order_relaxed);
  if (id >= services_.commands.size()) return;
  Command const& command = services_.commands.by_id(id);
  scene.command = command.full_name;
  if (command.first_key <= 0 || static_cast<size_t>(command.first_key) >= view.argc) return;
  scene.key_index = static_cast<size_t>(command.first_key);
  scene.key = view[scene.key_index];
}

void Worker::stop() {
  post([this] { loop_.stop(); });
}

void Worker::adopt(UniqueFd fd, std::shared_ptr<ClientCard> card, std::shared_ptr<TlsContext const> tls) {
  uint64_t id = card->id;
  context().now_ms = services_.clock.unix_ms();
  bool killed = card->killed.load(std::memory_order_relaxed);  // CLIENT KILL was quicker than the way here
  if (tls) handshaking_.push_back({id, context().now_ms + kHandshakeMillisecondsMax});
  auto connection = std::make_unique<Connection>(*this, services_, std::move(fd), std::move(card), std::move(tls));
  connections_.emplace(id, std::move(connection));
  context().statistics.connections_received.add(1);
  if (killed) close_connection(id);
}

void Worker::close_connection(uint64_t id) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  found->second->close_after_reply();  // nothing more is executed
  found->second->doom();
}

void Worker::flush_connection(uint64_t id) {
  auto found = connections_.find(id);
  if (found != connections_.end()) schedule_flush(*found->second);
}

void Worker::users_changed() {
  std::vector<Connection*> all;
  for (auto const& [id, connection] : connections_) all.push_back(connection.get());
  for (Connection* connection : all) connection->users_changed();
}

void Worker::serve_others(Connection& connection, BusyScript const& script) {
  if (suspended_) return;
  if (!second_desk_) {
    second_desk_ = std::make_unique<Desk>(own_desk_.context.statistics);
    second_desk_->context.scratch.worker = index_;
  }
  suspended_ = &connection;
  sit_down_at(*second_desk_);
  desk_->context.suspended = &script;
  loop_.run_once(0);
  desk_->context.suspended = nullptr;
  sit_down_at(own_desk_);
  suspended_ = nullptr;
  time_of_turn_us_ = -1;  // the time of the other desk was set
}

std::shared_ptr<Waiter> Worker::make_waiter(uint64_t connection_id) {
  return std::make_shared<ConnectionWaiter>(*this, connection_id);
}

void Worker::schedule_flush(Connection& connection) {
  if (connection.flush_scheduled) return;
  connection.flush_scheduled = true;
  to_flush_.push_back(&connection);
}

void Worker::schedule_push(Connection& connection) {
  if (connection.push_scheduled) return;
  connection.push_scheduled = true;
  if (to_push_.empty()) first_push_us_ = loop_.turn_began_us();
  to_push_.push_back(&connection);
}

void Worker::schedule_read(Connection& connection) {
  if (connection.read_scheduled) return;
  connection.read_scheduled = true;
  to_read_.push_back(connection.id());
}

bool Worker::may_shake_hands() {
  if (handshakes_us_ >= kHandshakesMicroseconds) return false;
  handshake_began_us_ = services_.clock.monotonic_us();
  return true;
}

void Worker::shook_hands() { handshakes_us_ += services_.clock.monotonic_us() - handshake_began_us_; }

void Worker::end_late_handshakes() {
  while (!handshaking_.empty() && handshaking_.front().until_ms <= context().now_ms) {
    auto const found = connections_.find(handshaking_.front().id);
    handshaking_.pop_front();
    if (found == connections_.end() || found->second->wait() != Connection::Wait::kHandshake) continue;
    services_.logger.verbose("Closing client that has not finished its TLS handshake");
    found->second->doom();
  }
}

bool Worker::log_allows(Connection& connection) {
  log::Log& log = services_.log;
  uint64_t const offset = connection.needed_offset;
  auto safe = [&] {
    return log.policy() == log::FsyncPolicy::kAlways ? log.durable_offset() >= offset : log.write_up_to(offset);
  };
  if (safe()) return true;
  // Announced before the second look, so that whoever gets there meanwhile tells us.
  waits_for_log_.exchange(true, std::memory_order_acq_rel);
  if (safe()) return true;
  waiting_for_log_.push_back(connection.id());
  return false;
}

void Worker::deliver_pushes() {
  if (inbox_.empty()) return;
  refresh_time();
  inbox_.drain([this](Inbox::Delivery const& delivery) {
    for (uint64_t id : *delivery.receivers) {
      auto found = connections_.find(id);
      if (found == connections_.end()) continue;
      delivery.message ? found->second->receive(delivery.message) : found->second->close_for_output();
    }
  });
}

void Worker::log_advanced() {
  std::vector<uint64_t> ids = std::exchange(waiting_for_log_, {});
  for (uint64_t id : ids) {
    auto found = connections_.find(id);
    if (found != connections_.end()) schedule_flush(*found->second);
  }
}

void Worker::wait_changed(Connection& connection) {
  using Wait = Connection::Wait;
  Wait now = connection.wait();
  if (now == Wait::kAgain || now == Wait::kRunning) {
    pending_.push_back(connection.id());
  } else if (now == Wait::kHeld || now == Wait::kRunningWait) {
    delayed_.push_back(connection.id());
    start_delay();
  }
}

void Worker::start_delay() {
  if (delay_timer_) return;
  delay_timer_ = true;
  loop_.after_us(kDelayMicroseconds, [this] {
    delay_timer_ = false;
    for (uint64_t id : std::exchange(delayed_, {})) go_on(id);
  });
}

void Worker::go_on(uint64_t id) {
  using Wait = Connection::Wait;
  auto found = connections_.find(id);
  if (found == connections_.end() || found->second->doomed()) return;
  Connection& connection = *found->second;
  Wait before = connection.wait();
  if (before == Wait::kAgain && connection.output_full()) {
    pending_.push_back(id);
  } else if (before == Wait::kAgain || before == Wait::kHeld || before == Wait::kParked) {
    connection.proceed();  // which announces the next wait, even if it is the same
  } else if (before == Wait::kRunning || before == Wait::kRunningWait) {
    if (data_unlocked() && !connection.running->command().has(kAllowBusy)) return wait_changed(connection);
    connection.run_slice();
    if (connection.wait() == before && !connection.doomed() && connection.running) wait_changed(connection);
  }
}

void Worker::run_pending() {
  for (uint64_t id : std::exchange(pending_, {})) go_on(id);
  if (to_read_.empty()) return;
  for (uint64_t id : std::exchange(to_read_, {})) {
    auto const found = connections_.find(id);
    if (found != connections_.end()) found->second->read_more();
  }
}

void Worker::end_turn() {
  run_pending();
  bool cut_more = !data_unlocked() && services_.persistence.busy() && services_.persistence.slice(index_, kCutSliceMicroseconds);
  services_.observers->end_turn(index_);
  deliver_pushes();
  flush_all();
  services_.log.end_turn();
  drop_dead();
  bool blocked_only = !pending_.empty() && std::all_of(pending_.begin(), pending_.end(), [this](uint64_t id) {
    auto found = connections_.find(id);
    return found == connections_.end() || (found->second->wait() == Connection::Wait::kAgain && found->second->output_full());
  });
  handshakes_us_ = 0;
  set_busy((!pending_.empty() && !blocked_only) || !to_flush_.empty() || !to_push_.empty() || !to_read_.empty() ||
           cut_more);
  context().statistics.loop_turns.add(1);
  int64_t const turn_us = services_.clock.monotonic_us() - loop_.turn_began_us();
  context().statistics.loop_microseconds.add(static_cast<uint64_t>(std::max<int64_t>(turn_us, 0)));
  context().statistics.turns.record(static_cast<uint64_t>(std::max<int64_t>(turn_us, 0)) * 1000);
}

void Worker::flush_all() {
  // Flushing may let a connection go on, whose replies are then sent in the next turn.
  for (Connection* connection : std::exchange(to_flush_, {})) connection->flush();
  if (to_push_.empty()) return;
  if (pushes_wait(to_push_.size(), loop_.ready() > 0, services_.clock.monotonic_us() - first_push_us_)) return;
  for (Connection* connection : std::exchange(to_push_, {})) {
    connection->push_scheduled = false;
    if (connection->unsent() > 0) connection->flush();
  }
}

void Worker::refresh_time() {
  if (loop_.turn_began_us() == time_of_turn_us_) return;
  time_of_turn_us_ = loop_.turn_began_us();
  context().now_ms = services_.clock.unix_ms();
}

void Worker::set_busy(bool busy) {
  if (busy == busy_) return;
  busy_ = busy;
  busy ? loop_.begin_busy() : loop_.end_busy();
}

void Worker::bury(Connection& connection) { dead_.push_back(connection.id()); }

void Worker::drop_dead() {
  if (dead_.empty()) return;
  std::vector<uint64_t> ids = std::exchange(dead_, {});
  for (uint64_t id : ids) {
    auto found = connections_.find(id);
    if (found == connections_.end()) continue;
    if (suspended(*found->second)) {
      dead_.push_back(id);
      continue;
    }
    std::erase(to_flush_, found->second.get());
    if (found->second->push_scheduled) std::erase(to_push_, found->second.get());
    services_.clients.remove(id);
    connections_.erase(found);
    assigned--;
  }
}

void Worker::warn_cross_protocol() {
  if (context().now_ms < next_warning_ms_) return;
  next_warning_ms_ = context().now_ms + kWarningIntervalMs;
  services_.logger.warning(
      "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. This is likely "
      "due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis instance. Connection "
      "aborted.");
}

void Worker::cron() {
  context().now_ms = services_.clock.unix_ms();
  int64_t timeout_s = services_.config.integer(Directive::kTimeout);
  if (timeout_s > 0) {
    for (auto& [id, connection] : connections_) {
      int64_t idle_ms = context().now_ms - connection->card().last_interaction_ms.load(std::memory_order_relaxed);
      bool const idle = connection->wait() == Connection::Wait::kReading && !suspended(*connection) && !connection->source;
      if (idle && idle_ms > timeout_s * 1000) {
        services_.logger.verbose("Closing idle client");
        connection->doom();
      }
    }
  }
  end_late_handshakes();
  if (services_.state.busy_scripts.any()) look_at_parked();
  for (uint64_t id : std::exchange(over_soft_limit_, {})) {
    auto found = connections_.find(id);
    if (found != connections_.end()) found->second->recheck_output();
  }
  if (!expiry_timer_) run_expiry();
  if (services_.state.memory_limit.on()) help_evict();
  defrag_cron();
}

void Worker::defrag_cron() {
  if (data_unlocked() || services_.persistence.loading()) return;
  defrag_.survey();
  defrag_.purge_if_asked();
  if (!defrag_timer_ && services_.keyspace.defragmentation().effort() > 0) run_defrag();
}

void Worker::run_defrag() {
  defrag_timer_ = false;
  if (data_unlocked() || services_.persistence.loading()) return;
  int64_t const effort = services_.keyspace.defragmentation().effort();
  if (effort == 0) return;
  LatencyTimer timer(&services_.latency, "active-defrag-cycle");
  if (defrag_.run(kDefragSliceMicroseconds) == DefragCycle::Progress::kNothing) return;
  defrag_timer_ = true;
  loop_.after_us(kDefragSliceMicroseconds * (100 - effort) / effort, [this] { run_defrag(); });
}

void Worker::look_at_parked() {
  for (auto const& [id, connection] : connections_) {
    if (connection->wait() == Connection::Wait::kParked) pending_.push_back(id);
  }
}

void Worker::help_evict() {
  if (!eviction_timer_) run_eviction();
}

void Worker::run_eviction() {
  eviction_timer_ = false;
  if (data_unlocked()) return;
  context().now_ms = services_.clock.unix_ms();
  MemoryLimit& limit = services_.state.memory_limit;
  MemoryLimit::Room const room =
      limit.make_room(services_.keyspace, context(), services_.latency, kEvictionSliceMicroseconds);
  if (room != MemoryLimit::Room::kGoesOn) return limit.end_help();
  eviction_timer_ = true;
  loop_.after_us(kEvictionPauseMicroseconds, [this] { run_eviction(); });
}

void Worker::run_expiry() {
  expiry_timer_ = false;
  if (data_unlocked()) return;
  if (services_.persistence.loading() || !services_.control.active_expiry()) return;
  LatencyTimer timer(&services_.latency, "expire-cycle");
  if (expiry_.run(context().scratch, services_.clock.unix_ms(), kExpirySliceMicroseconds) == ExpiryCycle::Progress::kMore) {
    expiry_timer_ = true;
    loop_.after_us(kExpiryPauseMicroseconds, [this] { run_expiry(); });
  }
}

}  // namespace holdfast
