#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "command/args.h"
#include "config/config.h"

namespace holdfast {

struct ClientCard;
struct Command;

/// A command that took long, as SLOWLOG GET shows it.
struct SlowCommand {
  uint64_t id = 0;  ///< from 0, never reused in this run
  int64_t unix_s = 0;
  int64_t microseconds = 0;  ///< of its execution
  /// From the turn of the loop in which its bytes were read to its end, but for the execution; and what of it was for locks.
  int64_t waited_us = 0;
  int64_t lock_wait_us = 0;
  /// Cut to the limits of SlowLog, secrets replaced.
  std::vector<std::string> arguments;
  std::string client_address;
  std::string client_name;
};

/// The commands that took longer than slowlog-log-slower-than, the latest ones. Safe from any thread; its mutex is a leaf,
/// and no text is copied or freed under it but by `latest`.
class SlowLog {
 public:
  /// Arguments kept of one command, the note about the missing ones included.
  static constexpr size_t kArgumentsMax = 32;
  /// Bytes kept of one argument; a note about the missing ones follows.
  static constexpr size_t kArgumentBytesMax = 128;

  /// Threshold and length are read from `config` at every use.
  explicit SlowLog(config::Config const& config) : config_(config) {}

  /// slowlog-log-slower-than (us): 0 takes all commands, a negative one takes none.
  bool is_slow(uint64_t nanoseconds) const {
    int64_t const threshold_us = config_.integer(config::Directive::kSlowlogLogSlowerThan);
    return threshold_us >= 0 && nanoseconds >= static_cast<uint64_t>(threshold_us) * 1000;
  }

  /// Adds a command that was slow; the oldest ones go when there are more than slowlog-max-len.
  struct Waits {
    int64_t waited_us = 0;
    int64_t lock_wait_us = 0;
  };
  void record(ClientCard& client, Command const& command, Args args, int64_t now_ms, uint64_t nanoseconds, Waits waits)
      EXCLUDES(mutex_);
  /// The latest `count` commands, the last one first.
  std::vector<SlowCommand> latest(size_t count) const EXCLUDES(mutex_);
  size_t size() const EXCLUDES(mutex_);
  /// Forgets all; ids go on.
  void clear() EXCLUDES(mutex_);

 private:
  config::Config const& config_;
  mutable Mutex mutex_;
  std::deque<SlowCommand> commands_ GUARDED_BY(mutex_);  // the latest in front
  uint64_t next_id_ GUARDED_BY(mutex_) = 0;
};

/// What is kept of the arguments: the limits of SlowLog, and "(redacted)" in place of secrets.
/// `full_name` is the command's own, "config|set".
std::vector<std::string> slow_command_arguments(std::string_view full_name, Args args);

}  // namespace holdfast
