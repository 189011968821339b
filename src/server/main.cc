#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/logger.h"
#include "base/thread_scope.h"
#include "config/accident_warnings.h"
#include "config/config.h"
#include "config/inert_directives.h"
#include "net/tls_memory.h"
#include "server/cpu_list.h"
#include "server/process.h"
#include "server/server.h"
#include "server/supervisor.h"

namespace holdfast {
namespace {

using config::Directive;

constexpr char const* kUsage =
    "Usage: holdfast-server [/path/to/redis.conf] [options] [-]\n"
    "       holdfast-server - (read the configuration from standard input)\n"
    "       holdfast-server --check-config [/path/to/redis.conf] [options]\n"
    "       holdfast-server -v or --version\n"
    "       holdfast-server -h or --help\n"
    "\n"
    "Every directive of redis.conf may be given as an option.\n"
    "\n"
    "Examples:\n"
    "       holdfast-server (run the server with default configuration)\n"
    "       echo 'maxmemory 128mb' | holdfast-server -\n"
    "       holdfast-server /etc/redis/6379.conf\n"
    "       holdfast-server --port 7777 --threads 2\n"
    "       holdfast-server /etc/myredis.conf --loglevel verbose -\n";

void print_version() {
  std::printf("Holdfast server v=%s redis_version=7.2.4 malloc=libc bits=64\n", HOLDFAST_VERSION);
}

/// What a start would refuse, and what has hurt people. Opens nothing that a server may have open.
int check_config(config::Config& config, Logger& logger) {
  if (chdir(config.text(Directive::kDir).c_str()) == 0) {  // names of files may be relative
    Supervisor nobody(config::Supervised::kNo, logger);
    if (!Server(config, logger, nobody, "").check_configuration()) return 1;
  } else {
    std::printf("WARNING: Can't chdir to '%s': %s\n", config.text(Directive::kDir).c_str(), std::strerror(errno));
  }
  std::vector<std::string> warnings = config::accident_warnings(config, config::read_machine_facts());
  for (std::string& inert : config::inert_directives(config)) warnings.push_back(std::move(inert));
  for (std::string const& warning : warnings) std::printf("WARNING: %s\n", warning.c_str());
  std::printf("dir: %s\n", config.text(Directive::kDir).c_str());
  std::printf("Configuration is valid, %zu warning(s).\n", warnings.size());
  return 0;
}

bool set_up_log(config::Config const& config, Logger& logger) {
  logger.set_level(config.choice<LogLevel>(Directive::kLoglevel));
  if (Status opened = logger.set_file(config.text(Directive::kLogfile)); !opened) {
    std::fprintf(stderr, "Can't open the log file: %s\n", opened.error().message.c_str());
    return false;
  }
  if (config.flag(Directive::kSyslogEnabled)) {
    logger.enable_syslog(config.text(Directive::kSyslogIdent),
                         static_cast<int>(config.integer(Directive::kSyslogFacility)));
  }
  return true;
}

int run(int argc, char** argv) {
  ThreadScope const scope(nullptr);
  std::vector<std::string> arguments(argv, argv + argc);
  bool only_check = false;
  if (arguments.size() > 1 && arguments[1] == "--check-config") {
    only_check = true;
    arguments.erase(arguments.begin() + 1);
  }
  if (arguments.size() == 2 && (arguments[1] == "-v" || arguments[1] == "--version")) {
    print_version();
    return 0;
  }
  if (arguments.size() == 2 && (arguments[1] == "-h" || arguments[1] == "--help")) {
    std::fputs(kUsage, stderr);
    return 1;
  }

  SystemClock clock;
  Logger logger(clock);
  config::Config config;
  if (Status loaded = config.apply_arguments(arguments); !loaded) {
    if (loaded.error().errnum != 0) {
      logger.warning("%s", loaded.error().message.c_str());
    } else {
      std::fputs(loaded.error().message.c_str(), stderr);
    }
    return 1;
  }
  if (only_check) return check_config(config, logger);

  std::string executable = executable_path();
  if (chdir(config.text(Directive::kDir).c_str()) != 0) {
    std::fprintf(stderr, "Can't chdir to '%s': %s\n", config.text(Directive::kDir).c_str(), std::strerror(errno));
    return 1;
  }
  if (!set_up_log(config, logger)) return 1;
  Supervisor supervisor(config.choice<config::Supervised>(Directive::kSupervised), logger);
  if (config.flag(Directive::kDaemonize) && !supervisor.any()) daemonize();
  SignalReceiver::block_signals();
  logger.warning("oO0OoO0OoO0Oo Holdfast is starting oO0OoO0OoO0Oo");
  logger.warning("Holdfast version=%s, Redis version=7.2.4, bits=64, pid=%d, just started", HOLDFAST_VERSION, getpid());
  if (arguments.size() > 1) {
    logger.warning("Configuration loaded");
  } else {
    logger.warning(
        "Warning: no config file specified, using the default config. In order to specify a config file use %s "
        "/path/to/redis.conf",
        argv[0]);
  }
  logger.set_role('M');
  // Threads that the parts start run where this one does; workers go their own way when they begin.
  run_on_cpus(config.text(Directive::kBioCpulist));
  Server server(config, logger, supervisor, executable);
  return server.run();
}

}  // namespace
}  // namespace holdfast

int main(int argc, char** argv) {
  CHECK(holdfast::count_tls_memory());
  std::setlocale(LC_COLLATE, "");  // the order of SORT ... ALPHA
  return holdfast::run(argc, argv);
}
