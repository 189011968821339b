#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "acl/access_log.h"
#include "acl/users.h"
#include "admin/shutdown_sequence.h"
#include "base/clock.h"
#include "base/latency_monitor.h"
#include "base/logger.h"
#include "base/ticks.h"
#include "command/client_card.h"
#include "command/command_table.h"
#include "command/gate.h"
#include "command/pause.h"
#include "command/server_state.h"
#include "command/services.h"
#include "command/slowlog.h"
#include "command/statistics.h"
#include "command/write_guards.h"
#include "config/config.h"
#include "disk/real_disk.h"
#include "health/http_endpoint.h"
#include "health/monitor.h"
#include "keyspace/keyspace.h"
#include "log/aof_directory.h"
#include "log/log.h"
#include "memory/lazy_free.h"
#include "net/tls_context.h"
#include "pubsub/audience.h"
#include "replication/replication.h"
#include "scripting/scripting.h"
#include "server/acceptor.h"
#include "server/crash_report.h"
#include "server/data_lock.h"
#include "server/oom_score.h"
#include "server/signals.h"
#include "server/supervisor.h"
#include "server/worker.h"
#include "snapshot/persistence.h"

namespace holdfast {

/// The composition root: makes all parts, connects them, runs them. The only place that knows everything.
class Server final : public ServerControl {
 public:
  /// `config` is loaded; `executable` is an absolute path. The others outlive the server.
  Server(config::Config& config, Logger& logger, Supervisor& supervisor, std::string executable);
  ~Server() override;
  Server(Server const&) = delete;
  Server& operator=(Server const&) = delete;

  /// Runs until SHUTDOWN or a signal. Returns the exit code.
  int run();
  /// Whether a start would take renamed commands, users, the ACL file and certificates; why not is in the log. Instead of `run`.
  bool check_configuration() { return rename_commands() && load_users() && load_tls(); }

  int worker_count() const override { return worker_count_; }
  int64_t start_ms() const override { return start_ms_; }
  std::string const& run_id() const override { return run_id_; }
  std::string const& executable() const override { return executable_; }
  bool active_expiry() const override { return active_expiry_.load(std::memory_order_relaxed); }
  void set_active_expiry(bool on) override { active_expiry_.store(on, std::memory_order_relaxed); }
  void exit_soon(int code) override;

 private:
  static std::vector<CommandRows> families();
  bool rename_commands();
  /// requirepass, then the users of the configuration or of the ACL file. False: it was said why the server cannot start.
  bool load_users();
  void apply_channel_default();
  void connect_parts();
  void connect_config();
  void prepare_crash_report();
  Status apply_oom_score();
  void report_to_supervisor();
  void connect_replication();
  void connect_ports();
  void share_keyspace(std::function<void()> const& then);
  void apply_keyspace_settings();
  void apply_value_limits();
  void apply_memory_limit();
  void maxmemory_changed();
  /// Any thread.
  void evict_clients();
  void regulate_defragmentation(MemoryFigures const& memory);
  bool raise_file_limit();
  snapshot::ReplayCommand make_replay();
  void load();
  void loaded();
  void cron();
  Status open_admin_port();
  /// Reads certificates and keys if something is to use them. What went wrong is in the log.
  Status load_tls();
  void begin_shutdown(int signal);
  void step_shutdown();
  void wake_workers();

  config::Config& config_;
  Logger& logger_;
  Supervisor& supervisor_;
  std::string executable_;
  std::string run_id_;
  int worker_count_;
  SystemClock clock_;
  LatencyMonitor latency_{clock_};
  TickScale tick_scale_;
  int64_t start_ms_;
  RealDisk disk_;
  LazyFree lazy_free_;
  Keyspace keyspace_;
  log::AofDirectory aof_directory_;
  log::Log log_;
  scripting::Scripting scripting_;
  snapshot::Persistence persistence_;
  CommandTable commands_;
  acl::Users users_;
  acl::AccessLog access_log_;
  ClientRegistry clients_;
  Statistics statistics_;
  Pause pause_{keyspace_};
  WriteGuards guards_;
  SlowLog slow_log_;
  ServerState state_;
  TlsContexts tls_;
  Audience audience_;
  Services services_;
  DataLock data_lock_;
  health::Monitor health_;
  health::HttpEndpoint admin_;
  Gate gate_;
  replication::Replication replication_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Acceptor acceptor_;
  OomScore oom_score_;
  std::unique_ptr<CrashReport> crash_report_;
  std::unique_ptr<SignalReceiver> signals_;
  std::unique_ptr<ShutdownSequence> shutdown_;  ///< asked for by a signal
  std::thread loader_;
  std::vector<std::thread> threads_;
  std::atomic<bool> active_expiry_{true};
  bool ready_ = false;  ///< on worker 0: what there was to load is loaded
  std::atomic<int> exit_code_{0};
  std::atomic<bool> exiting_{false};
};

}  // namespace holdfast
