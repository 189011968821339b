#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/latency_monitor.h"
#include "base/logger.h"
#include "base/ticks.h"

namespace holdfast {

namespace config {
class Config;
}
namespace log {
class Log;
}
namespace snapshot {
class Persistence;
}
namespace scripting {
class Scripting;
}
namespace replication {
class Replication;
}
namespace acl {
class AccessLog;
class Users;
}  // namespace acl
namespace health {
class Monitor;
}
class ClientRegistry;
class CommandTable;
class Disk;
class Keyspace;
class Observers;
class Pause;
class PubSub;
class SlowLog;
struct ServerState;
class Statistics;
class Tracking;
class TlsContexts;
class Monitors;
class WriteGuards;

/// What commands may ask of the process, besides what the other services offer. Implemented by the server.
class ServerControl {
 public:
  virtual ~ServerControl() = default;
  virtual int worker_count() const = 0;
  /// Unix ms of the start, and the 40 hex digits of this run.
  virtual int64_t start_ms() const = 0;
  virtual std::string const& run_id() const = 0;
  /// Absolute path of the executable; of the configuration file or "".
  virtual std::string const& executable() const = 0;
  /// False after DEBUG SET-ACTIVE-EXPIRE 0.
  virtual bool active_expiry() const = 0;
  virtual void set_active_expiry(bool on) = 0;
  /// Ends the process in an orderly way from the outside of any command: what SHUTDOWN does after it has saved.
  virtual void exit_soon(int code) = 0;
};

/// Everything the handlers of sessions may use, given to them through Session. All members are safe from any thread.
struct Services {
  Clock const& clock;
  Logger& logger;
  TickScale const& tick_scale;
  config::Config& config;
  Keyspace& keyspace;
  CommandTable const& commands;
  ClientRegistry& clients;
  Statistics& statistics;
  Pause& pause;
  WriteGuards& guards;
  SlowLog& slow_log;
  LatencyMonitor& latency;
  ServerState& state;
  acl::Users& users;
  acl::AccessLog& access_log;
  Disk& disk;
  snapshot::Persistence& persistence;
  log::Log& log;
  ServerControl& control;
  /// Null where there are no scripts (tests of single folders).
  scripting::Scripting* scripting = nullptr;
  /// Null where nobody can listen: tests of commands that have nothing to do with it.
  Observers* observers = nullptr;
  PubSub* pubsub = nullptr;
  Tracking* tracking = nullptr;
  Monitors* monitors = nullptr;
  /// Null in tests of single folders.
  health::Monitor* health = nullptr;
  replication::Replication* replication = nullptr;
  TlsContexts* tls = nullptr;
};

}  // namespace holdfast
