#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "admin/info_sections.h"
#include "base/hash.h"
#include "command/redis_version.h"
#include "command/server_state.h"
#include "command/statistics.h"
#include "config/config.h"
#include "keyspace/keyspace.h"
#include "pubsub/tracking.h"

// Who this server is, who is connected, what it costs, what it holds: server, clients, cpu, modules, cluster, keyspace.

namespace holdfast {
namespace {

using config::Directive;

constexpr int64_t kDayMs = 24 * 60 * 60 * 1000;

std::string system_text() {
  struct utsname name {};
  uname(&name);
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

std::string compiler_version() {
#if defined(__GNUC__) && !defined(__clang__)
  return to_text(__GNUC__) + "." + to_text(__GNUC_MINOR__) + "." + to_text(__GNUC_PATCHLEVEL__);
#else
  return "0.0.0";
#endif
}

/// 16 hex digits that differ between versions and compilers.
std::string build_id() {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(KeyHasher(0)(HOLDFAST_VERSION " " __VERSION__)));
  return text;
}

std::string_view name_of(config::Supervised supervisor) {
  if (supervisor == config::Supervised::kSystemd) return "systemd";
  return supervisor == config::Supervised::kUpstart ? "upstart" : "no";
}

/// As Redis 7.2 shows where it listens.
void add_listeners(config::Config const& config, InfoText& text) {
  int listeners = 0;
  int64_t const port = config.integer(Directive::kPort);
  if (port != 0) {
    std::string line = "name=tcp";
    for (std::string const& address : config.bind_addresses()) line += ",bind=" + address;
    text.field("listener" + to_text(listeners++), line + ",port=" + to_text(port));
  }
  std::string const path = config.text(Directive::kUnixsocket);
  if (!path.empty()) text.field("listener" + to_text(listeners++), "name=unix,bind=" + path);
}

void cpu_pair(InfoText& text, int who, std::string const& suffix) {
  struct rusage usage {};
  getrusage(who, &usage);
  auto seconds = [](timeval const& time) {
    char digits[48];
    std::snprintf(digits, sizeof digits, "%lld.%06lld", static_cast<long long>(time.tv_sec),
                  static_cast<long long>(time.tv_usec));
    return std::string(digits);
  };
  text.field("used_cpu_sys" + suffix, seconds(usage.ru_stime));
  text.field("used_cpu_user" + suffix, seconds(usage.ru_utime));
}

}  // namespace

void info_server(Session& session, InfoText& text) {
  Services& services = session.services();
  int64_t const now_us = services.clock.unix_us();
  int64_t const uptime_ms = now_us / 1000 - services.control.start_ms();
  text.section("Server");
  text.field("redis_version", kRedisVersion);
  text.field("redis_git_sha1", "00000000");
  text.field("redis_git_dirty", "0");
  text.field("redis_build_id", build_id());
  text.field("redis_mode", "standalone");
  text.field("os", system_text());
  text.field("arch_bits", sizeof(void*) * 8);
  text.field("monotonic_clock", "POSIX clock_gettime");
  text.field("multiplexing_api", "epoll");
  text.field("atomicvar_api", "c11-builtin");
  text.field("gcc_version", compiler_version());
  text.field("process_id", getpid());
  text.field("process_supervised", name_of(services.state.supervised));
  text.field("run_id", services.control.run_id());
  int64_t const plain_port = services.config.integer(Directive::kPort);
  text.field("tcp_port", plain_port ? plain_port : services.config.integer(Directive::kTlsPort));
  text.field("server_time_usec", now_us);
  text.field("uptime_in_seconds", uptime_ms / 1000);
  text.field("uptime_in_days", uptime_ms / kDayMs);
  text.field("hz", services.config.integer(Directive::kHz));
  text.field("configured_hz", services.config.integer(Directive::kHz));
  text.field("lru_clock", now_us / 1'000'000 & 0xFFFFFF);
  text.field("executable", services.control.executable());
  text.field("config_file", services.config.config_file());
  text.field("io_threads_active", services.control.worker_count() > 1 ? 1 : 0);
  if (int64_t const deadline_ms = services.state.shutdown.deadline_ms(); deadline_ms > 0) {
    text.field("shutdown_in_milliseconds", std::max<int64_t>(deadline_ms - services.clock.unix_ms(), 0));
  }
  add_listeners(services.config, text);
  text.field("holdfast_version", HOLDFAST_VERSION);
  text.field("threads", services.control.worker_count());
  text.field("partitions", services.keyspace.partition_count());
}

namespace {

/// Keys that clients wait for, and whether for one of them the deletion of the key ends the waiting.
using WaitedFor = std::map<std::pair<int, std::string>, bool>;

void count_waited_for(ClientCard& card, WaitedFor& keys) {
  if (!card.blocked.load(std::memory_order_relaxed)) return;
  std::shared_ptr<Unblockable> const waiting = card.unblockable();
  if (!waiting) return;
  for (Unblockable::Key const& key : waiting->keys()) {
    bool& deletion_ends = keys[{key.db, std::string(key.name)}];
    deletion_ends = deletion_ends || key.deletion_ends;
  }
}

}  // namespace

void info_clients(Session& session, InfoText& text) {
  constexpr auto kOrder = std::memory_order_relaxed;
  Services& services = session.services();
  uint64_t input_max = 0;
  uint64_t output_max = 0;
  int blocked = 0;
  int subscribed = 0;
  int wait_ends = 0;
  WaitedFor waited_for;
  auto const cards = services.clients.list();
  for (auto const& card : cards) {
    input_max = std::max(input_max, card->input_bytes.load(kOrder) + card->input_free_bytes.load(kOrder));
    output_max = std::max(output_max, card->output_bytes.load(kOrder));
    blocked += card->blocked.load(kOrder) ? 1 : 0;
    subscribed += card->subscribed() ? 1 : 0;
    wait_ends += card->wait_ends.load(kOrder) ? 1 : 0;
    count_waited_for(*card, waited_for);
  }
  auto const deletion_ends = std::ranges::count_if(waited_for, [](auto const& key) { return key.second; });
  text.section("Clients");
  text.field("connected_clients", cards.size());
  text.zero({"cluster_connections"});
  text.field("maxclients", services.config.integer(Directive::kMaxclients));
  text.field("client_recent_max_input_buffer", input_max);
  text.field("client_recent_max_output_buffer", output_max);
  text.field("blocked_clients", blocked);
  text.field("tracking_clients", services.tracking->clients());
  text.field("clients_in_timeout_table", wait_ends);
  text.field("total_blocking_keys", waited_for.size());
  text.field("total_blocking_keys_on_nokey", deletion_ends);
  text.field("pubsub_clients", subscribed);
  text.field("maxclients_reserved", services.config.integer(Directive::kMaxclientsReserved));
}

void info_cpu(Session&, InfoText& text) {
  text.section("CPU");
  cpu_pair(text, RUSAGE_SELF, "");
  cpu_pair(text, RUSAGE_CHILDREN, "_children");
  // There is no main thread here: the worker that answers.
  cpu_pair(text, RUSAGE_THREAD, "_main_thread");
}

void info_modules(Session&, InfoText& text) { text.section("Modules"); }

void info_cluster(Session&, InfoText& text) {
  text.section("Cluster");
  text.zero({"cluster_enabled"});
}

namespace {

/// Mean time to live of the keys that expire, ms.
int64_t mean_ttl_ms(Keyspace const& keyspace, int db, int64_t now_ms) {
  double sum_ms = 0;
  uint64_t keys = 0;
  for (uint32_t i = 0; i < keyspace.partition_count(); i++) {
    auto const& counters = keyspace.partition(i).counters[static_cast<size_t>(db)];
    uint64_t const count = counters.expiring_keys.get();
    uint64_t const expiries = counters.expiry_sum_ms.get();
    // Read without the lock: a pair that does not belong together is left out.
    if (count == 0 || count != counters.expiring_keys.get()) continue;
    // The difference is small enough for 64 bits, though the sum may not be.
    auto const left_ms = static_cast<int64_t>(expiries - count * static_cast<uint64_t>(now_ms));
    sum_ms += static_cast<double>(std::max<int64_t>(0, left_ms));
    keys += count;
  }
  return keys == 0 ? 0 : static_cast<int64_t>(sum_ms / static_cast<double>(keys));
}

}  // namespace

void info_keyspace(Session& session, InfoText& text) {
  Services& services = session.services();
  Keyspace const& keyspace = services.keyspace;
  int64_t const now_ms = services.clock.unix_ms();
  text.section("Keyspace");
  for (int db = 0; db < keyspace.databases(); db++) {
    uint64_t const keys = keyspace.keys(db);
    if (keys == 0) continue;
    text.field("db" + to_text(db), "keys=" + to_text_unsigned(keys) +
                                       ",expires=" + to_text_unsigned(keyspace.expiring_keys(db)) +
                                       ",avg_ttl=" + to_text(mean_ttl_ms(keyspace, db, now_ms)));
  }
}

}  // namespace holdfast
