#include "base/logger.h"

#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>

namespace holdfast {
namespace {

constexpr mode_t kFileMode = 0644;

int open_for_append(std::string const& path) {
  return open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kFileMode);
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t const written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // There is nowhere to report that the log cannot be written.
    text.remove_prefix(static_cast<size_t>(written));
  }
}

int syslog_priority(LogLevel level) {
  static constexpr int kPriorities[] = {LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING};
  return kPriorities[static_cast<int>(level)];
}

}  // namespace

Logger::~Logger() {
  if (syslog_.load(std::memory_order_relaxed)) closelog();
}

Status Logger::set_file(std::string const& path) {
  std::shared_ptr<std::string const> next;
  if (!path.empty()) {
    int const fd = open_for_append(path);
    if (fd < 0) return fail_errno("Can't open the log file", errno);
    close(fd);
    next = std::make_shared<std::string const>(path);
  }
  MutexLock lock(mutex_);
  path_ = std::move(next);
  return {};
}

void Logger::enable_syslog(std::string ident, int facility) {
  syslog_ident_ = std::move(ident);
  openlog(syslog_ident_.c_str(), LOG_PID | LOG_NDELAY | LOG_NOWAIT, facility);
  syslog_.store(true, std::memory_order_release);
}

std::string Logger::prefix(LogLevel level) const {
  static constexpr char kMarks[] = ".-*#";
  int64_t const now_ms = clock_.unix_ms();
  time_t const seconds = now_ms / 1000;
  tm local{};
  localtime_r(&seconds, &local);
  utc_offset_s_.store(local.tm_gmtoff, std::memory_order_relaxed);
  // The name of the month must not follow the locale.
  static constexpr char const* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char buffer[96];
  int const length = std::snprintf(buffer, sizeof buffer, "%d:%c %02d %s %d %02d:%02d:%02d.%03d %c ",
                                   static_cast<int>(getpid()), role_.load(std::memory_order_relaxed), local.tm_mday,
                                   kMonths[local.tm_mon], local.tm_year + 1900, local.tm_hour, local.tm_min,
                                   local.tm_sec, static_cast<int>(now_ms % 1000), kMarks[static_cast<int>(level)]);
  return std::string(buffer, static_cast<size_t>(length));
}

void Logger::write(std::string_view text) {
  std::shared_ptr<std::string const> path;
  {
    MutexLock lock(mutex_);
    path = path_;
  }
  if (path == nullptr) {
    write_all(STDOUT_FILENO, text);
    return;
  }
  int const fd = open_for_append(*path);
  if (fd < 0) return;
  write_all(fd, text);
  close(fd);
}

void Logger::log_arguments(LogLevel level, char const* format, va_list arguments) {
  if (!enabled(level)) return;
  char message[kMessageBytesMax + 1];
  int const wanted = std::vsnprintf(message, sizeof message, format, arguments);
  if (wanted < 0) return;
  std::string_view const text(message, std::min<size_t>(static_cast<size_t>(wanted), kMessageBytesMax));
  write(prefix(level).append(text).append("\n"));
  if (syslog_.load(std::memory_order_acquire)) {
    syslog(syslog_priority(level), "%.*s", static_cast<int>(text.size()), text.data());
  }
}

void Logger::raw(LogLevel level, std::string_view text) {
  if (!enabled(level)) return;
  write(text);
  if (syslog_.load(std::memory_order_acquire)) {
    syslog(syslog_priority(level), "%.*s", static_cast<int>(text.size()), text.data());
  }
}

void Logger::log(LogLevel level, char const* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  log_arguments(level, format, arguments);
  va_end(arguments);
}

void Logger::debug(char const* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  log_arguments(LogLevel::kDebug, format, arguments);
  va_end(arguments);
}

void Logger::verbose(char const* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  log_arguments(LogLevel::kVerbose, format, arguments);
  va_end(arguments);
}

void Logger::notice(char const* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  log_arguments(LogLevel::kNotice, format, arguments);
  va_end(arguments);
}

void Logger::warning(char const* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  log_arguments(LogLevel::kWarning, format, arguments);
  va_end(arguments);
}

}  // namespace holdfast
