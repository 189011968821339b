#include "config/accident_warnings.h"

#include <algorithm>

#include "base/number.h"

namespace holdfast::config {
namespace {

// Part of the machine's memory that maxmemory should leave: buffers, overhead of the allocator, the kernel.
constexpr uint64_t kMemoryReserveDivisor = 10;

bool is_loopback(std::string_view address) {
  if (address.starts_with('-')) address.remove_prefix(1);
  return address.starts_with("127.") || address == "::1" || address == "localhost";
}

class Warnings {
 public:
  Warnings(Config const& config, MachineFacts const& machine) : config_(config), machine_(machine) {}

  std::vector<std::string> collect() {
    data_directory();
    durability();
    memory();
    access();
    replication();
    return std::move(texts_);
  }

 private:
  void add(std::string text) { texts_.push_back(std::move(text)); }
  bool flag(Directive directive) const { return config_.flag(directive); }

  void data_directory() {
    std::string const dir = config_.text(Directive::kDir);
    if (!config_.dir_was_written()) {
      add("dir is not set: data files are looked for and written in the working directory, now '" + dir +
          "'. Set dir to an absolute path.");
    } else if (config_.dir_was_relative()) {
      add("dir is a relative path: started from another directory the server would not find its data. It is '" + dir +
          "' now; write it so.");
    }
  }

  void durability() {
    bool const appendonly = flag(Directive::kAppendonly);
    if (!appendonly && config_.save_points().empty()) {
      add("persistence is off (save \"\" and appendonly no): a restart loses all data.");
    }
    if (appendonly && config_.choice<AppendFsync>(Directive::kAppendfsync) == AppendFsync::kNo) {
      add("appendfsync is no: a crash of the machine loses writes of up to 30 seconds or more.");
    }
    if (appendonly && flag(Directive::kNoAppendfsyncOnRewrite)) {
      add("no-appendfsync-on-rewrite is yes: appendfsync does not hold while the AOF is rewritten.");
    }
    if (!config_.save_points().empty() && !flag(Directive::kStopWritesOnBgsaveError)) {
      add("stop-writes-on-bgsave-error is no: writes go on while snapshots fail, unnoticed by clients.");
    }
  }

  void memory() {
    uint64_t const limit = config_.memory(Directive::kMaxmemory);
    uint64_t const machine = machine_.memory_bytes;
    if (limit == 0 || machine == 0 || limit <= machine - machine / kMemoryReserveDivisor) return;
    add("maxmemory (" + format_memory_human(limit) + ") leaves less than a tenth of the memory of this machine (" +
        format_memory_human(machine) + "): the kernel may end the server before the limit is reached.");
  }

  void access() {
    bool const password = !config_.text(Directive::kRequirepass).empty();
    bool const aclfile = !config_.text(Directive::kAclfile).empty();
    if (password && aclfile) {
      add("requirepass and aclfile are both set: the ACL file decides, and requirepass has no effect if the file "
          "names the user default.");
    }
    bool const open_address =
        std::ranges::any_of(config_.bind_addresses(), [](std::string const& address) { return !is_loopback(address); });
    if (open_address && !password && !aclfile && config_.user_lines().empty() && !flag(Directive::kProtectedMode) &&
        !config_.sentinel_mode()) {
      add("protected-mode is no, there is no password, and the server listens beyond this machine: anyone who reaches "
          "it may read, change and delete everything.");
    }
    if (config_.choice<LocalAction>(Directive::kEnableDebugCommand) == LocalAction::kYes) {
      add("enable-debug-command is yes: any client that may run DEBUG can stop the server.");
    }
    if (config_.choice<LocalAction>(Directive::kEnableProtectedConfigs) == LocalAction::kYes) {
      add("enable-protected-configs is yes: any client that may run CONFIG can choose where files are written.");
    }
  }

  void replication() {
    if (!flag(Directive::kReplicaReadOnly)) {
      add("replica-read-only is no: writes to a replica are lost at its next synchronization.");
    }
    bool const replica = config_.replica_of().has_value();
    if (!replica && !flag(Directive::kAppendonly) && config_.save_points().empty() &&
        config_.integer(Directive::kMinReplicasToWrite) > 0) {
      add("this primary keeps nothing on disk but has replicas: after a restart it comes back empty and empties them.");
    }
  }

  Config const& config_;
  MachineFacts const& machine_;
  std::vector<std::string> texts_;
};

}  // namespace

std::vector<std::string> accident_warnings(Config const& config, MachineFacts const& machine) {
  return Warnings(config, machine).collect();
}

}  // namespace holdfast::config
