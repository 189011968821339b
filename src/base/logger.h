#pragma once

#include <atomic>
#include <cstdarg>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/thread_annotations.h"

namespace holdfast {

enum class LogLevel : int { kDebug = 0, kVerbose = 1, kNotice = 2, kWarning = 3 };

/// The server's log. A line is `<pid>:<role> <DD Mon YYYY HH:MM:SS.mmm> <mark> <message>` in local time, with the marks
/// `. - * #` for debug, verbose, notice, warning.
///
/// A line is one write(2) to standard output or to the log file, which is opened in append mode and closed for every
/// line so that it may be renamed at any time. All members are safe from any thread. Messages beyond
/// kMessageBytesMax are cut.
class Logger {
 public:
  static constexpr size_t kMessageBytesMax = 4096;

  /// Logs to standard output with level notice and role 'C'. `clock` outlives the logger.
  explicit Logger(Clock const& clock) : clock_(clock) {}
  ~Logger();
  Logger(Logger const&) = delete;
  Logger& operator=(Logger const&) = delete;

  /// "" is standard output. Fails, and changes nothing, when the file cannot be opened for appending.
  Status set_file(std::string const& path);

  /// Sends messages (without the prefix) to syslog as well. `facility` is a LOG_* facility of <syslog.h>. At most one
  /// logger of a process may do so, since syslog has one state.
  void enable_syslog(std::string ident, int facility);

  void set_level(LogLevel level) { level_.store(level, std::memory_order_relaxed); }
  LogLevel level() const { return level_.load(std::memory_order_relaxed); }
  bool enabled(LogLevel level) const { return level >= this->level(); }

  /// 'M' primary, 'S' replica, 'X' sentinel, 'C' before the start is complete.
  void set_role(char role) { role_.store(role, std::memory_order_relaxed); }
  char role() const { return role_.load(std::memory_order_relaxed); }
  /// Seconds that local time was ahead of UTC when the last line was written: for a handler of a signal, which may not ask.
  long utc_offset_s() const { return utc_offset_s_.load(std::memory_order_relaxed); }

  void log(LogLevel level, char const* format, ...) __attribute__((format(printf, 3, 4)));
  void debug(char const* format, ...) __attribute__((format(printf, 2, 3)));
  void verbose(char const* format, ...) __attribute__((format(printf, 2, 3)));
  void notice(char const* format, ...) __attribute__((format(printf, 2, 3)));
  void warning(char const* format, ...) __attribute__((format(printf, 2, 3)));

  /// Writes `text` as it is, without prefix or newline; same threshold.
  void raw(LogLevel level, std::string_view text);

 private:
  void log_arguments(LogLevel level, char const* format, va_list arguments) __attribute__((format(printf, 3, 0)));
  std::string prefix(LogLevel level) const;
  void write(std::string_view text) EXCLUDES(mutex_);

  Clock const& clock_;
  std::atomic<LogLevel> level_{LogLevel::kNotice};
  std::atomic<char> role_{'C'};
  std::atomic<bool> syslog_{false};
  mutable std::atomic<long> utc_offset_s_{0};
  Mutex mutex_;
  /// Shared so that a writer needs the lock only to take a reference. Null: standard output.
  std::shared_ptr<std::string const> path_ GUARDED_BY(mutex_);
  /// openlog keeps the pointer.
  std::string syslog_ident_;
};

}  // namespace holdfast
