#include "server/server.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <ctime>

#include "acl/users_file.h"
#include "admin/families.h"
#include "admin/info.h"
#include "base/random.h"
#include "base/thread_scope.h"
#include "command/access_catalog.h"
#include "command/client_line.h"
#include "commands/families.h"
#include "config/accident_warnings.h"
#include "config/inert_directives.h"
#include "health/health_command.h"
#include "health/report_text.h"
#include "pubsub/monitor_command.h"
#include "pubsub/subscribe.h"
#include "replication/commands.h"
#include "scripting/families.h"
#include "server/internal_session.h"
#include "server/cpu_list.h"
#include "server/last_run.h"
#include "server/process.h"
#include "server/replayer.h"
#include "server/tls_settings.h"
#include "snapshot/aof_location.h"

namespace holdfast {
namespace {

using config::Directive;

constexpr int64_t kServerCronMilliseconds = 100;
/// Descriptors that the server itself needs besides those of clients.
constexpr uint64_t kReservedDescriptors = 32;
constexpr int64_t kShutdownPollMicroseconds = 1000;

/// Unix ms. Later than it was by what the clock was set forward since: then a look at some zeros more is all there is to it.
int64_t machine_up_since_ms(Clock const& clock) {
  timespec up{};
  clock_gettime(CLOCK_BOOTTIME, &up);
  return clock.unix_ms() - int64_t{up.tv_sec} * 1000 - up.tv_nsec / 1'000'000;
}

int usable_workers(config::Config const& config) {
  int64_t threads = config.integer(Directive::kThreads);
  return threads > 0 ? static_cast<int>(threads) : config::read_machine_facts().usable_cpus;
}

log::FsyncPolicy fsync_policy(config::Config const& config) {
  switch (config.choice<config::AppendFsync>(Directive::kAppendfsync)) {
    case config::AppendFsync::kAlways: return log::FsyncPolicy::kAlways;
    case config::AppendFsync::kNo: return log::FsyncPolicy::kNo;
    case config::AppendFsync::kEverySecond: break;
  }
  return log::FsyncPolicy::kEverysec;
}

Keyspace::Options keyspace_options(config::Config const& config, int workers) {
  return {.partitions = static_cast<uint32_t>(config.integer(Directive::kPartitions)),
          .databases = static_cast<int>(config.integer(Directive::kDatabases)),
          // The link to a primary has a thread of its own.
          .concurrent = workers > 1 || config.replica_of()};
}

}  // namespace

std::vector<CommandRows> Server::families() {
  std::vector<CommandRows> all = command_families();
  all.push_back(subscribe_commands());
  all.push_back(monitor_command());
  all.push_back(health_commands());
  all.push_back(replication::replication_commands());
  for (CommandRows rows : scripting::families()) all.push_back(rows);
  for (CommandRows rows : admin_families()) all.push_back(rows);
  return all;
}

Server::Server(config::Config& config, Logger& logger, Supervisor& supervisor, std::string executable)
    : config_(config),
      logger_(logger),
      supervisor_(supervisor),
      executable_(std::move(executable)),
      run_id_(system_random_hex(40)),
      worker_count_(usable_workers(config)),
      start_ms_(clock_.unix_ms()),
      keyspace_(keyspace_options(config, worker_count_), lazy_free_),
      aof_directory_(disk_, logger, snapshot::aof_location(config), config.flag(Directive::kAofDisableAutoGc)),
      log_(aof_directory_, clock_,
           log::LogOptions{.policy = fsync_policy(config), .annotate = config.flag(Directive::kAofTimestampEnabled),
                           .appends_in_turns = true, .latency = &latency_}),
      scripting_(clock_, logger),
      persistence_({clock_, logger, config, keyspace_, log_, disk_, &latency_, &scripting_.functions()}),
      commands_(families()),
      users_(access_catalog(commands_)),
      statistics_(commands_.size()),
      slow_log_(config),
      audience_({worker_count_, clock_, config, keyspace_, clients_}),
      services_{clock_, logger, tick_scale_, config, keyspace_, commands_, clients_, statistics_, pause_, guards_, slow_log_, latency_,
                state_, users_, access_log_, disk_, persistence_, log_, *this, &scripting_, &audience_, &audience_.pubsub, &audience_.tracking,
                &audience_.monitors, &health_, &replication_, &tls_},
      data_lock_(disk_, logger),
      health_(services_, disk_),
      gate_(services_),
      replication_(services_, gate_, statistics_.add_worker()),
      acceptor_(services_, workers_) {
  for (int i = 0; i < worker_count_; i++) {
    WorkerStatistics& statistics = statistics_.add_worker();
    statistics.name = "worker-" + std::to_string(i);
    workers_.push_back(std::make_unique<Worker>(i, services_, gate_, statistics, audience_.office.inbox(i)));
  }
}

Server::~Server() = default;

bool Server::rename_commands() {
  for (config::ConfigLine const& line : config_.rename_lines()) {
    char const* problem = nullptr;
    switch (commands_.rename(line.words[0], line.words[1])) {
      case CommandTable::Renamed::kOk: break;
      case CommandTable::Renamed::kNoSuchCommand: problem = "No such command in rename-command"; break;
      case CommandTable::Renamed::kTargetExists: problem = "Target command name already exists"; break;
    }
    if (!problem) continue;
    std::fputs(config::fatal_config_text(&line, problem).c_str(), stderr);
    return false;
  }
  return true;
}

void Server::apply_channel_default() {
  users_.set_all_channels_by_default(config_.choice<config::AclPubsub>(Directive::kAclPubsubDefault) ==
                                     config::AclPubsub::kAllChannels);
}

bool Server::load_users() {
  apply_channel_default();
  if (std::string const password = config_.text(Directive::kRequirepass); !password.empty()) {
    users_.set_default_password(password);
  }
  for (config::ConfigLine const& line : config_.user_lines()) {
    std::string const& name = line.words[0];
    if (acl::has_blank_or_zero(name)) {
      logger_.warning("Spaces not allowed in ACL usernames");
      logger_.warning("Critical error while loading ACLs. Exiting.");
      return false;
    }
    std::vector<std::string_view> const rules(line.words.begin() + 1, line.words.end());
    auto const wrong = users_.declare(name, rules);
    if (!wrong) continue;
    if (wrong->error == acl::RuleError::kSyntax) {
      std::string const text = "Error in user declaration '" + name + "': " + std::string(acl::text_of(wrong->error));
      std::fputs(config::fatal_config_text(&line, text).c_str(), stderr);
      return false;
    }
    logger_.warning("Error loading ACL rule '%s' for the user named '%s': %s", wrong->rule.c_str(), name.c_str(),
                    std::string(acl::text_of(wrong->error)).c_str());
    logger_.warning("Critical error while loading ACLs. Exiting.");
    return false;
  }
  std::string const file = config_.text(Directive::kAclfile);
  if (file.empty()) return true;
  if (Status loaded = acl::load_users(disk_, file, users_); !loaded) {
    logger_.warning("Aborting Redis startup because of ACL errors: %s", loaded.error().message.c_str());
    return false;
  }
  return true;
}

void Server::wake_workers() {
  for (auto const& worker : workers_) worker->post([] {});
}

void Server::connect_parts() {
  keyspace_.attach_log(&log_);
  keyspace_.attach_listener(&audience_);
  clients_.close_connection = [this](ClientCard& card) {
    if (card.primary) return replication_.cut_link();
    Worker* worker = workers_[static_cast<size_t>(card.worker)].get();
    worker->post([worker, id = card.id] { worker->close_connection(id); });
  };
  state_.memory_limit.wake = [this] {
    for (auto const& each : workers_) each->post([worker = each.get()] { worker->help_evict(); });
  };
  state_.client_limit.look = [this] { workers_[0]->post([this] { evict_clients(); }); };
  audience_.office.wake = [this](int index) {
    Worker* worker = workers_[static_cast<size_t>(index)].get();
    worker->post([worker] { worker->deliver_pushes(); });
  };
  users_.on_change = [this] {
    for (auto const& each : workers_) each->post([worker = each.get()] { worker->users_changed(); });
  };
  auto tell_workers = [this] {
    for (auto const& each : workers_) {
      Worker* worker = each.get();
      if (worker->take_log_wait()) worker->post([worker] { worker->log_advanced(); });
    }
  };
  log_.on_durable([tell_workers](uint64_t) { tell_workers(); });
  log_.on_written([this, tell_workers](uint64_t) {
    if (log_.policy() != log::FsyncPolicy::kAlways) tell_workers();
  });
  persistence_.set_hooks({.work = [this] { wake_workers(); }, .relief = [this] { wake_workers(); },
                          .make_replay = [this] { return make_replay(); },
                          .restored = [this](snapshot::StreamIdentity const& saved) { replication_.restore(saved); },
                          .identity = [this] { return replication_.identity(); },
                          .stream_ended = [this] { replication_.stream_ended(); },
                          .log_begins = [this] { replication_.forget_history(); },
                          .cut_ended = [this] { replication_.note_history(); }});
  connect_replication();
}

void Server::connect_replication() {
  replication_.replicas().wake_connection = [this](ClientCard& card) {
    Worker* worker = workers_[static_cast<size_t>(card.worker)].get();
    worker->post([worker, id = card.id] { worker->flush_connection(id); });
  };
  replication_.role_changed = [this] {
    workers_[0]->post([this] {
      apply_memory_limit();
      if (Status applied = apply_oom_score(); !applied) logger_.warning("%s", applied.error().message.c_str());
    });
  };
  replication_.share_keyspace = [this](std::function<void()> then) {
    workers_[0]->post([this, then] { share_keyspace(then); });
  };
  log_.on_written([this](uint64_t) { replication_.replicas().log_advanced(); });
}

/// On worker 0. A script that is in the middle of its run there counts on being alone.
void Server::share_keyspace(std::function<void()> const& then) {
  if (workers_[0]->context().suspended) {
    workers_[0]->loop().after_us(kShutdownPollMicroseconds, [this, then] { share_keyspace(then); });
    return;
  }
  keyspace_.make_concurrent();
  then();
}

void Server::apply_keyspace_settings() {
  Keyspace::Access& access = keyspace_.access();
  auto policy = config_.choice<config::MaxmemoryPolicy>(Directive::kMaxmemoryPolicy);
  access.lfu.store(policy == config::MaxmemoryPolicy::kAllKeysLfu || policy == config::MaxmemoryPolicy::kVolatileLfu,
                   std::memory_order_relaxed);
  bool evicts_by_access = access.lfu.load() || policy == config::MaxmemoryPolicy::kAllKeysLru ||
                          policy == config::MaxmemoryPolicy::kVolatileLru;
  keyspace_.integers_shared.store(config_.memory(Directive::kMaxmemory) == 0 || !evicts_by_access,
                                  std::memory_order_relaxed);
  access.lfu_log_factor.store(static_cast<uint32_t>(config_.integer(Directive::kLfuLogFactor)), std::memory_order_relaxed);
  access.lfu_decay_minutes.store(static_cast<uint32_t>(config_.integer(Directive::kLfuDecayTime)),
                                 std::memory_order_relaxed);
  access.clock.store(static_cast<uint32_t>(clock_.unix_ms() / 1000), std::memory_order_relaxed);
  keyspace_.string_bytes_max.store(config_.memory(Directive::kProtoMaxBulkLen), std::memory_order_relaxed);
  keyspace_.logs_expiry_as_unlink.store(config_.flag(Directive::kLazyfreeLazyExpire), std::memory_order_relaxed);
  keyspace_.logs_user_del_as_unlink.store(config_.flag(Directive::kLazyfreeLazyUserDel), std::memory_order_relaxed);
  apply_value_limits();
  apply_memory_limit();
}

void Server::apply_memory_limit() {
  keyspace_.eviction().policy.store(config_.choice<config::MaxmemoryPolicy>(Directive::kMaxmemoryPolicy), std::memory_order_relaxed);
  keyspace_.eviction().samples.store(static_cast<uint32_t>(config_.integer(Directive::kMaxmemorySamples)),
                                     std::memory_order_relaxed);
  keyspace_.logs_eviction_as_unlink.store(config_.flag(Directive::kLazyfreeLazyEviction), std::memory_order_relaxed);
  MemoryLimit& limit = state_.memory_limit;
  // What a replica evicted its primary would not know of.
  bool const left_to_primary = replication_.is_replica() && config_.flag(Directive::kReplicaIgnoreMaxmemory);
  limit.configure(keyspace_, {.bytes = left_to_primary ? 0 : config_.memory(Directive::kMaxmemory),
                              .tenacity = config_.integer(Directive::kMaxmemoryEvictionTenacity)});
  limit.correct(keyspace_, state_.memory.measure(keyspace_, clients_, log_));
}

void Server::maxmemory_changed() {
  MemoryLimit& limit = state_.memory_limit;
  if (!limit.exceeded(keyspace_)) return;
  logger_.warning(
      "WARNING: the new maxmemory value set via CONFIG SET (%lu) is smaller than the current memory usage (%lu). This will "
      "result in key eviction and/or the inability to accept new write commands depending on the maxmemory-policy.",
      static_cast<unsigned long>(limit.bytes()), static_cast<unsigned long>(limit.used(keyspace_)));
  limit.ask_for_help();
}

void Server::evict_clients() {
  ClientMemoryLimit& limit = state_.client_limit;
  limit.begin_look();
  if (limit.bytes() == 0) return;
  for (auto const& card : clients_to_evict(clients_.list(), limit.bytes())) {
    if (card->killed.exchange(true, std::memory_order_relaxed)) continue;
    std::string line = client_line(*card, commands_, clock_.unix_ms());
    line.pop_back();
    logger_.notice("Evicting client: %s", line.c_str());
    limit.count_evicted();
    clients_.close_connection(*card);
  }
}

void Server::apply_value_limits() {
  ValueLimits& limits = keyspace_.limits;
  auto const number = [&](std::atomic<uint64_t>& limit, Directive directive) {
    limit.store(static_cast<uint64_t>(config_.integer(directive)), std::memory_order_relaxed);
  };
  auto const bytes = [&](std::atomic<uint64_t>& limit, Directive directive) {
    limit.store(config_.memory(directive), std::memory_order_relaxed);
  };
  number(limits.hash_max_listpack_entries, Directive::kHashMaxListpackEntries);
  bytes(limits.hash_max_listpack_value, Directive::kHashMaxListpackValue);
  limits.list_max_listpack_size.store(config_.integer(Directive::kListMaxListpackSize), std::memory_order_relaxed);
  number(limits.set_max_intset_entries, Directive::kSetMaxIntsetEntries);
  number(limits.set_max_listpack_entries, Directive::kSetMaxListpackEntries);
  bytes(limits.set_max_listpack_value, Directive::kSetMaxListpackValue);
  number(limits.zset_max_listpack_entries, Directive::kZsetMaxListpackEntries);
  bytes(limits.zset_max_listpack_value, Directive::kZsetMaxListpackValue);
  bytes(limits.stream_node_max_bytes, Directive::kStreamNodeMaxBytes);
  number(limits.stream_node_max_entries, Directive::kStreamNodeMaxEntries);
  bytes(limits.hll_sparse_max_bytes, Directive::kHllSparseMaxBytes);
}

void Server::connect_config() {
  config_.on_change({Directive::kMaxmemory, Directive::kMaxmemoryPolicy, Directive::kLfuLogFactor, Directive::kLfuDecayTime,
                     Directive::kMaxmemorySamples, Directive::kMaxmemoryEvictionTenacity, Directive::kLazyfreeLazyEviction,
                     Directive::kReplicaIgnoreMaxmemory,
                     Directive::kProtoMaxBulkLen, Directive::kLazyfreeLazyExpire, Directive::kLazyfreeLazyUserDel,
                     Directive::kHashMaxListpackEntries, Directive::kHashMaxListpackValue,
                     Directive::kListMaxListpackSize, Directive::kSetMaxIntsetEntries, Directive::kSetMaxListpackEntries,
                     Directive::kSetMaxListpackValue, Directive::kZsetMaxListpackEntries, Directive::kZsetMaxListpackValue,
                     Directive::kStreamNodeMaxBytes, Directive::kStreamNodeMaxEntries, Directive::kHllSparseMaxBytes},
                    [this]() -> Status {
                      apply_keyspace_settings();
                      return {};
                    });
  config_.on_change({Directive::kMaxmemory}, [this]() -> Status {
    maxmemory_changed();
    return {};
  });
  auto const set_client_limit = [this]() -> Status {
    state_.client_limit.set_bytes(config_.client_memory_limit());
    state_.client_limit.ask_to_look();
    return {};
  };
  static_cast<void>(set_client_limit());
  config_.on_change({Directive::kMaxmemory, Directive::kMaxmemoryClients}, set_client_limit);
  auto const set_keyspace_events = [this]() -> Status {
    audience_.events.set_mask(config_.keyspace_events());
    return {};
  };
  static_cast<void>(set_keyspace_events());
  config_.on_change({Directive::kNotifyKeyspaceEvents}, set_keyspace_events);
  auto const set_latency_threshold = [this]() -> Status {
    latency_.set_threshold_ms(config_.integer(Directive::kLatencyMonitorThreshold));
    return {};
  };
  static_cast<void>(set_latency_threshold());
  config_.on_change({Directive::kLatencyMonitorThreshold}, set_latency_threshold);
  config_.on_change({Directive::kDir, Directive::kDbfilename, Directive::kSave, Directive::kAppendonly},
                    [this]() -> Status { return data_lock_.hold(config_); });
  config_.on_change({Directive::kReplicaReadOnly, Directive::kReplicaServeStaleData, Directive::kMinReplicasToWrite,
                     Directive::kMinReplicasMaxLag},
                    [this]() -> Status {
                      replication_.review();
                      return {};
                    });
  config_.on_change({Directive::kRequirepass}, [this]() -> Status {
    users_.set_default_password(config_.text(Directive::kRequirepass));
    return {};
  });
  config_.on_change({Directive::kAclPubsubDefault}, [this]() -> Status {
    apply_channel_default();
    return {};
  });
  config_.on_change({Directive::kAppendfsync}, [this]() -> Status {
    log_.set_policy(fsync_policy(config_));
    return {};
  });
  config_.on_change({Directive::kAofTimestampEnabled}, [this]() -> Status {
    log_.set_annotate(config_.flag(Directive::kAofTimestampEnabled));
    return {};
  });
  config_.on_change({Directive::kAppendonly}, [this]() -> Status {
    if (persistence_.set_append_only(config_.flag(Directive::kAppendonly))) return {};
    return fail("Unable to turn on AOF. Check server logs.");
  });
  config_.on_change({Directive::kOomScoreAdj, Directive::kOomScoreAdjValues}, [this]() -> Status {
    config::OomScoreValues const values = config_.oom_score_values();
    if (!std::is_sorted(values.begin(), values.end())) {
      logger_.warning(
          "The oom-score-adj-values configuration may not work for non-privileged processes! Please consult the "
          "documentation.");
    }
    Status applied = apply_oom_score();
    if (applied) return {};
    logger_.warning("%s", applied.error().message.c_str());
    return fail("Failed to set current oom_score_adj. Check server logs.");
  });
  config_.on_change({Directive::kLoglevel}, [this]() -> Status {
    logger_.set_level(config_.choice<LogLevel>(Directive::kLoglevel));
    return {};
  });
  config_.on_change({Directive::kReplBacklogSize}, [this]() -> Status {
    // As in Redis, CONFIG SET raises what a file may say.
    constexpr int64_t kBacklogBytesMin = 16384;
    if (config_.memory(Directive::kReplBacklogSize) < kBacklogBytesMin) {
      config_.override_number(Directive::kReplBacklogSize, kBacklogBytesMin);
    }
    return {};
  });
  connect_ports();
  config_.on_change({Directive::kMaxclients}, [this]() -> Status {
    auto wanted = static_cast<uint64_t>(config_.integer(Directive::kMaxclients));
    rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted + kReservedDescriptors && !raise_file_limit()) {
      return fail("The operating system is not able to handle the specified number of clients, try with " +
                  std::to_string(limit.rlim_cur - kReservedDescriptors));
    }
    return {};
  });
}

void Server::connect_ports() {
  constexpr char const* kNoPort = "Unable to listen on this port. Check server logs.";
  config_.on_change({Directive::kPort}, [this]() -> Status {
    if (!acceptor_.reopen(Acceptor::Port::kPlain)) return fail(kNoPort);
    return {};
  });
  config_.on_change({Directive::kBind}, [this]() -> Status {
    if (acceptor_.reopen(Acceptor::Port::kPlain) && acceptor_.reopen(Acceptor::Port::kTls)) return {};
    return fail("Failed to bind to specified addresses.");
  });
  config_.on_change({Directive::kTlsPort}, [this]() -> Status {
    if (Status loaded = load_tls(); !loaded) return loaded;
    if (!acceptor_.reopen(Acceptor::Port::kTls)) return fail(kNoPort);
    return {};
  });
  config_.on_change({Directive::kTlsReplication, Directive::kTlsCluster, Directive::kTlsCertFile, Directive::kTlsKeyFile,
                     Directive::kTlsKeyFilePass, Directive::kTlsClientCertFile, Directive::kTlsClientKeyFile,
                     Directive::kTlsClientKeyFilePass, Directive::kTlsDhParamsFile, Directive::kTlsCaCertFile,
                     Directive::kTlsCaCertDir, Directive::kTlsProtocols, Directive::kTlsCiphers, Directive::kTlsCiphersuites,
                     Directive::kTlsPreferServerCiphers, Directive::kTlsSessionCaching, Directive::kTlsSessionCacheSize,
                     Directive::kTlsSessionCacheTimeout},
                    [this]() -> Status { return load_tls(); });
}

Status Server::load_tls() {
  if (!uses_tls(config_)) return {};
  Status const loaded = tls_.renew(tls_settings(config_));
  if (loaded) return {};
  logger_.warning("%s", loaded.error().message.c_str());
  return fail("Unable to update TLS configuration. Check server logs.");
}

Status Server::apply_oom_score() {
  return oom_score_.apply(config_.choice<config::OomScoreAdj>(Directive::kOomScoreAdj), config_.oom_score_values(),
                          replication_.is_replica());
}

void Server::report_to_supervisor() {
  if (!supervisor_.any()) return;
  int64_t const now_ms = clock_.monotonic_us() / 1000;
  if (persistence_.loading()) {
    snapshot::PersistenceInfo const info = persistence_.info();
    uint64_t const percent = info.loading_total_bytes == 0 ? 0 : info.loading_loaded_bytes * 100 / info.loading_total_bytes;
    supervisor_.extend(now_ms, "Redis is loading... " + std::to_string(percent) + " %, " + std::to_string(info.loaded_keys) + " keys");
  } else if (state_.shutdown.running()) {
    supervisor_.extend(now_ms, "Saving the final RDB snapshot");
  } else if (!ready_) {
    return;
  } else if (!replication_.is_replica()) {
    supervisor_.tell_status("Ready to accept connections");
  } else if (replication_.link_up()) {
    supervisor_.tell_status("MASTER <-> REPLICA sync: Finished with success. Ready to accept connections in read-write mode.");
  } else {
    supervisor_.tell_status("Ready to accept connections in read-only mode. Waiting for MASTER <-> REPLICA sync");
  }
}

void Server::prepare_crash_report() {
  CrashReport::Sources sources;
  sources.log_file = config_.text(Directive::kLogfile);
  sources.scene = [this](CrashScene& scene) {
    auto const thread = static_cast<pid_t>(syscall(SYS_gettid));
    for (auto const& worker : workers_) {
      if (worker->thread_id() == thread) worker->describe(scene);
    }
  };
  sources.info = [this] {
    WorkerStatistics statistics(commands_.size());
    WorkerContext context(statistics);
    InternalSession session(services_, context);
    constexpr std::string_view kAll[] = {"everything"};
    return info_text(session, kAll);
  };
  sources.client_list = [this] {
    std::string lines;
    for (auto const& card : clients_.list()) lines += client_line(*card, commands_, clock_.unix_ms());
    return lines;
  };
  crash_report_ = std::make_unique<CrashReport>(logger_, std::move(sources));
  auto const set_enabled = [this]() -> Status {
    crash_report_->set_enabled(config_.flag(Directive::kCrashLogEnabled));
    return {};
  };
  static_cast<void>(set_enabled());
  config_.on_change({Directive::kCrashLogEnabled}, set_enabled);
}

bool Server::raise_file_limit() {
  auto const reserved = static_cast<rlim_t>(config_.integer(Directive::kMaxclientsReserved));
  rlim_t wanted = static_cast<rlim_t>(config_.integer(Directive::kMaxclients)) + kReservedDescriptors;
  rlimit limit;
  // The reserve is welcome, but it is no reason to admit fewer of the others.
  rlim_t const wished = wanted + reserved;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wished) return true;
  rlim_t before = limit.rlim_cur;
  rlimit raised{wished, std::max(wished, limit.rlim_max)};
  if (setrlimit(RLIMIT_NOFILE, &raised) != 0) {
    raised = {std::min(wished, limit.rlim_max), limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
  }
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted && before < wanted) {
    logger_.notice("Increased maximum number of open files to %lu (it was originally set to %lu).",
                   static_cast<unsigned long>(wanted), static_cast<unsigned long>(before));
  }
  return limit.rlim_cur >= wanted;
}

int Server::run() {
  if (!rename_commands() || !load_users()) return 1;
  connect_parts();
  if (!raise_file_limit()) {
    rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur <= kReservedDescriptors) {
      logger_.warning(
          "Your current 'ulimit -n' of %lu is not enough for the server to start. Please increase your open file limit to at "
          "least %lu. Exiting.",
          static_cast<unsigned long>(limit.rlim_cur), static_cast<unsigned long>(kReservedDescriptors + 1));
      return 1;
    }
    auto asked = config_.integer(Directive::kMaxclients);
    auto possible = static_cast<int64_t>(limit.rlim_cur - kReservedDescriptors);
    logger_.warning("You requested maxclients of %ld requiring at least %ld max file descriptors.",
                    static_cast<long>(asked), static_cast<long>(asked) + static_cast<long>(kReservedDescriptors));
    logger_.warning(
        "Current maximum open files is %lu. maxclients has been reduced to %ld to compensate for low ulimit. If you need "
        "higher maxclients increase 'ulimit -n'.",
        static_cast<unsigned long>(limit.rlim_cur), static_cast<long>(possible));
    config_.override_number(Directive::kMaxclients, possible);
  }
  connect_config();
  prepare_crash_report();
  state_.supervised = supervisor_.kind();
  state_.tell_supervisor = [this](std::string_view message) { supervisor_.tell(message); };
  if (Status applied = apply_oom_score(); !applied) logger_.warning("%s", applied.error().message.c_str());
  apply_keyspace_settings();
  if (!load_tls()) {
    logger_.warning("Failed to configure TLS. Check logs for more info.");
    return 1;
  }
  if (Status opened = acceptor_.open(); !opened) {
    logger_.warning("%s", opened.error().message.c_str());
    return 1;
  }
  if (Status locked = data_lock_.hold(config_); !locked) {
    logger_.warning("Fatal: %s. Two servers on the same files would destroy them: give this one another dir.",
                    locked.error().message.c_str());
    return 1;
  }
  persistence_.expect_load();
  replication_.prepare();
  health_.start();
  if (Status opened = open_admin_port(); !opened) {
    logger_.warning("Fatal: %s", opened.error().message.c_str());
    return 1;
  }
  bool wants_pidfile = config_.flag(Directive::kDaemonize) || !config_.text(Directive::kPidfile).empty();
  std::string pidfile = config_.text(Directive::kPidfile);
  if (wants_pidfile && pidfile.empty()) pidfile = "/var/run/redis.pid";
  if (wants_pidfile) write_pidfile(pidfile, logger_);

  int64_t const plain_port = config_.integer(Directive::kPort);
  logger_.notice("Running mode=standalone, port=%ld.",
                 static_cast<long>(plain_port ? plain_port : config_.integer(Directive::kTlsPort)));
  logger_.notice("Data directory: %s", config_.text(Directive::kDir).c_str());
  for (std::string const& warning : config::accident_warnings(config_, config::read_machine_facts())) {
    logger_.warning("WARNING: %s", warning.c_str());
  }
  for (std::string const& inert : config::inert_directives(config_)) logger_.warning("WARNING: %s", inert.c_str());
  LastRun last_run(disk_, LastRun::default_directory(),
                   config_.config_file().empty() ? "port " + config_.text(Directive::kPort) : config_.config_file());
  std::string data_directory = config_.text(Directive::kDir);
  auto elsewhere = last_run.warning(data_directory, {config_.text(Directive::kDbfilename), config_.text(Directive::kAppenddirname)});
  if (elsewhere) logger_.warning("WARNING: %s", elsewhere->c_str());
  if (config_.flag(Directive::kAppendonly) || !config_.save_points().empty()) last_run.remember(data_directory);
  logger_.warning("Server initialized, %d worker threads, %u partitions", worker_count_, keyspace_.partition_count());
  supervisor_.tell_status("Redis is loading...");

  Worker& first = *workers_[0];
  signals_ = std::make_unique<SignalReceiver>(first.loop(), [this](int signal) { begin_shutdown(signal); });
  first.loop().every(kServerCronMilliseconds, [this] { cron(); });
  acceptor_.start();
  state_.memory.note_startup();
  for (size_t i = 1; i < workers_.size(); i++) {
    threads_.emplace_back([this, worker = workers_[i].get()] {
      ThreadScope const scope(("worker-" + std::to_string(worker->index())).c_str());
      run_on_cpus(config_.text(Directive::kServerCpulist));
      worker->run();
    });
  }
  loader_ = std::thread([this] {
    ThreadScope const scope("loader");
    load();
  });
  run_on_cpus(config_.text(Directive::kServerCpulist));
  first.run();

  for (std::thread& thread : threads_) thread.join();
  admin_.stop();
  health_.stop();
  if (loader_.joinable()) loader_.join();
  replication_.stop();
  persistence_.stop();
  if (Status ended = log_.shutdown(); !ended) {
    logger_.warning("Error closing the AOF: %s", ended.error().message.c_str());
    if (exit_code_ == 0) exit_code_ = 1;
  }
  if (wants_pidfile) {
    logger_.notice("Removing the pid file.");
    unlink(pidfile.c_str());
  }
  acceptor_.close();
  signals_.reset();
  crash_report_.reset();
  logger_.warning("%s is now ready to exit, bye bye...", "Redis");
  workers_.clear();
  return exit_code_;
}

Status Server::open_admin_port() {
  auto const port = static_cast<uint16_t>(config_.integer(Directive::kAdminPort));
  if (port == 0) return {};
  std::string const address = config_.text(Directive::kAdminBind);
  auto const json = [](bool good, health::Monitor::Seen const& seen) {
    return health::HttpAnswer{good ? 200u : 503u, "application/json", health::to_json(seen)};
  };
  return admin_.start(address, port, [this, json](std::string const& path) -> health::HttpAnswer {
    if (path == "/live") return {200, "text/plain", "alive\n"};
    health::Monitor::Seen const seen = health_.look();
    if (path == "/health") return json(seen.report.level != health::Level::kRed, seen);
    if (path == "/ready") return json(seen.report.ready, seen);
    if (path == "/metrics") return {200, "text/plain; version=0.0.4; charset=utf-8", health::metrics_text(services_, seen)};
    return {404, "text/plain", "There are /health, /ready, /live and /metrics.\n"};
  });
}

snapshot::ReplayCommand Server::make_replay() {
  auto replayer = std::make_shared<Replayer>(services_, gate_);
  return [replayer](std::span<std::string_view const> command) { return replayer->run(command); };
}

void Server::load() {
  snapshot::Persistence::StartLoad start{
      .directory = &aof_directory_, .replay = make_replay(), .inserters = std::max(1, config::read_machine_facts().usable_cpus),
      .resume = replication_.resumes(), .following = replication_.is_replica(), .machine_up_since_ms = machine_up_since_ms(clock_)};
  auto result = persistence_.load_at_start(start);
  if (!result) return exit_soon(1);  // the log says why
  if (!result->found_nothing && !result->from_append_only) {
    logger_.notice("DB loaded from disk: %.3f seconds", static_cast<double>(result->duration_us) / 1e6);
  }
  replication_.begin();
  workers_[0]->post([this] { loaded(); });
}

void Server::loaded() {
  logger_.notice("Ready to accept connections");
  std::string path = config_.text(Directive::kUnixsocket);
  if (!path.empty()) logger_.notice("The server is now ready to accept connections at %s", path.c_str());
  ready_ = true;
  report_to_supervisor();
  supervisor_.tell("READY=1\n");
}

void Server::cron() {
  int64_t now_ms = clock_.unix_ms();
  keyspace_.access().clock.store(static_cast<uint32_t>(now_ms / 1000), std::memory_order_relaxed);
  statistics_.sample(clock_.monotonic_us());
  persistence_.tick();
  replication_.tick();
  report_to_supervisor();
  log::LogStatus status = log_.status();
  if (log_.active() || guards_.log_failed()) guards_.set_log_error(status.ok() || !log_.active() ? "" : status.text);
  MemoryFigures const memory = state_.memory.measure(keyspace_, clients_, log_);
  state_.memory_limit.correct(keyspace_, memory);
  evict_clients();
  regulate_defragmentation(memory);
}

void Server::regulate_defragmentation(MemoryFigures const& memory) {
  Defragmentation& defragmentation = keyspace_.defragmentation();
  Defragmentation::Settings const settings{
      .on = config_.flag(Directive::kActivedefrag),
      .ignore_bytes = config_.memory(Directive::kActiveDefragIgnoreBytes),
      .threshold_lower = static_cast<uint32_t>(config_.integer(Directive::kActiveDefragThresholdLower)),
      .threshold_upper = static_cast<uint32_t>(config_.integer(Directive::kActiveDefragThresholdUpper)),
      .cycle_min = static_cast<uint32_t>(config_.integer(Directive::kActiveDefragCycleMin)),
      .cycle_max = static_cast<uint32_t>(config_.integer(Directive::kActiveDefragCycleMax)),
      .scan_fields_max = static_cast<uint64_t>(config_.integer(Directive::kActiveDefragMaxScanFields))};
  if (!settings.on && !defragmentation.forced() && defragmentation.effort() == 0) return;
  defragmentation.regulate(settings, measure_fragmentation(keyspace_, memory.total() - memory.keys, resident_memory().anonymous),
                           static_cast<uint32_t>(workers_.size()), clock_.monotonic_us());
}

void Server::exit_soon(int code) {
  exit_code_.store(code);
  exiting_.store(true);
  state_.busy_scripts.end_all();
  for (auto const& worker : workers_) worker->stop();
}

void Server::begin_shutdown(int signal) {
  char const* name = signal == SIGINT ? "SIGINT" : "SIGTERM";
  if (exiting_.load()) return;
  if (persistence_.loading()) {
    logger_.warning("Received shutdown signal during loading, scheduling shutdown.");
    // The loading thread cannot be asked to stop in the middle; nothing has been changed that must be saved.
    std::_Exit(0);
  }
  if (shutdown_) {
    if (signal != SIGINT) return;
    logger_.warning("You insist... exiting now.");
    persistence_.cancel();
    return exit_soon(1);
  }
  logger_.warning("Received %s scheduling shutdown...", name);
  if (size_t const unkillable = state_.busy_scripts.kill_all(); unkillable > 0) {
    logger_.warning("Waiting for the end of %zu scripts that have written", unkillable);
  }
  int64_t const options = config_.integer(signal == SIGINT ? Directive::kShutdownOnSigint : Directive::kShutdownOnSigterm);
  shutdown_ = std::make_unique<ShutdownSequence>(
      services_, ShutdownOptions{.save = (options & config::kShutdownSave) != 0,
                                 .no_save = (options & config::kShutdownNoSave) != 0,
                                 .now = (options & config::kShutdownNow) != 0,
                                 .force = (options & config::kShutdownForce) != 0});
  step_shutdown();
}

void Server::step_shutdown() {
  switch (shutdown_->step()) {
    case ShutdownSequence::Progress::kExits: return;
    case ShutdownSequence::Progress::kWait:
      workers_[0]->loop().after_us(kShutdownPollMicroseconds, [this] { step_shutdown(); });
      return;
    case ShutdownSequence::Progress::kFailed:
      shutdown_.reset();
      logger_.warning("SIGTERM received but errors trying to shut down the server, check the logs for more information");
  }
}

}  // namespace holdfast
