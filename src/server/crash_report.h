#pragma once

#include <signal.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "base/check.h"
#include "base/logger.h"
#include "net/unique_fd.h"
#include "server/symbols.h"

namespace holdfast {

class SignalText;

/// What a thread was doing when it crashed. All texts stay where they are: it is filled in the handler of a signal.
struct CrashScene {
  int worker = -1;                  ///< -1: the thread is no worker
  uint64_t client = 0;              ///< id of the connection whose command was executed; 0: none was
  std::string_view client_address;
  int db = 0;
  std::string_view command;
  size_t arguments = 0;             ///< with the name
  size_t key_index = 0;             ///< of the first key among the arguments; 0: it has none
  std::string_view key;
};

/// Writes a report to the log when the process crashes (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) or gives up by itself (CHECK),
/// and lets it die of the same signal. The headings are Redis's, so that what looks for them finds them.
///
/// The handler itself takes no lock and no memory. What cannot be had so (INFO, CLIENT LIST, readable names) is written by
/// a thread that waits for this moment; when it is not done in time, because the crash has left a lock or the heap in its way,
/// the report goes on without. A crash inside of the handler ends the process at once; other threads that crash meanwhile
/// wait for the end. There is one reporter in a process.
class CrashReport {
 public:
  struct Sources {
    /// Path of the log; "": standard output.
    std::string log_file;
    /// What the calling thread does. In the handler of a signal.
    std::function<void(CrashScene&)> scene;
    /// INFO and CLIENT LIST; on the thread of the reporter, with the process as the crash has left it.
    std::function<std::string()> info;
    std::function<std::string()> client_list;
  };

  /// `logger` outlives the reporter.
  CrashReport(Logger const& logger, Sources sources);
  ~CrashReport();
  CrashReport(CrashReport const&) = delete;
  CrashReport& operator=(CrashReport const&) = delete;

  /// crash-log-enabled: off leaves signals to the kernel; a CHECK that fails is logged all the same.
  void set_enabled(bool enabled);

 private:
  static constexpr std::array kSignals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  static constexpr int kFramesMax = 100;
  /// How long the report waits for the other thread, and how long it may take in all.
  static constexpr int kHelpMillisecondsMax = 2000;
  static constexpr unsigned kReportSecondsMax = 10;

  static void on_signal(int signal, siginfo_t* info, void* context);
  static void on_alarm(int signal);
  static void on_given_up(GivenUp reason, char const* text, char const* file, int line);
  [[noreturn]] static void die(int signal);

  /// Makes this thread the one that reports. Does not return for others, nor when it crashes again.
  void begin(int signal);
  int open_log() const;
  void prefix(SignalText& text) const;
  void title(SignalText& text) const;
  void signal_lines(SignalText& text, int signal, siginfo_t const& info, void const* instruction) const;
  void stack(SignalText& text, void* const* frames, int count, bool from_signal) const;
  void rest(SignalText& text, int fd, void* const* frames, int count);
  void scene(SignalText& text) const;
  void help();
  std::string readable_stack() const;

  Logger const& logger_;
  Sources sources_;
  Symbols symbols_;
  std::atomic<bool> enabled_{false};
  std::atomic<int> reporting_thread_{0};
  std::atomic<int> signal_{0};
  std::atomic<bool> too_late_{false};
  // From the handler to the helping thread, before it is woken.
  int help_fd_ = -1;
  std::span<void* const> help_frames_;
  UniqueFd wake_;   ///< eventfd: 1 asks for help, 2 ends the thread
  UniqueFd done_;   ///< eventfd: help was given
  std::thread helper_;
};

}  // namespace holdfast
