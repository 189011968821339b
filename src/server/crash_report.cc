#include "server/crash_report.h"

#include <cxxabi.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <memory>
#include <utility>

#include "base/thread_scope.h"
#include "command/redis_version.h"
#include "server/signal_text.h"

namespace holdfast {
namespace {

constexpr uint64_t kHelp = 1;
constexpr uint64_t kEnd = 2;
constexpr size_t kKeyBytesShown = 128;

/// A handler of a signal can be given nothing, so this one pointer is the process's.
std::atomic<CrashReport*> reporter{nullptr};

int this_thread() { return static_cast<int>(syscall(SYS_gettid)); }

/// Day, month and year of a day counted from 1970-01-01 (H. Hinnant's chrono algorithms).
struct Date {
  int64_t year;
  int month;
  int day;
};
Date date_of(int64_t days) {
  days += 719468;
  int64_t const era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t const day_of_era = days - era * 146097;
  int64_t const year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t const day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t const shifted = (5 * day_of_year + 2) / 153;
  int const day = static_cast<int>(day_of_year - (153 * shifted + 2) / 5 + 1);
  int const month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

void const* instruction_of(void* context) {
#ifdef __x86_64__
  return reinterpret_cast<void const*>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#else
  static_cast<void>(context);
  return nullptr;
#endif
}

void registers(SignalText& text, void* context) {
  text.add("\n------ REGISTERS ------\n");
#ifdef __x86_64__
  struct Register {
    char const* name;
    int index;
  };
  constexpr Register kRegisters[] = {
      {"RAX", REG_RAX}, {"RBX", REG_RBX}, {"RCX", REG_RCX}, {"RDX", REG_RDX}, {"RDI", REG_RDI}, {"RSI", REG_RSI},
      {"RBP", REG_RBP}, {"RSP", REG_RSP}, {"R8 ", REG_R8},  {"R9 ", REG_R9},  {"R10", REG_R10}, {"R11", REG_R11},
      {"R12", REG_R12}, {"R13", REG_R13}, {"R14", REG_R14}, {"R15", REG_R15}, {"RIP", REG_RIP}, {"EFL", REG_EFL}};
  auto const& values = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  bool second = false;
  for (Register const& each : kRegisters) {
    text.add(each.name).add(":").hex(static_cast<uint64_t>(values[each.index]), 16).add(second ? "\n" : " ");
    second = !second;
  }
#else
  static_cast<void>(context);
  text.add("not shown on this processor\n");
#endif
}

/// Where a call came from is looked up by the byte before: behind a call that never returns another function may begin.
Symbols::Place place_of(Symbols const& symbols, void const* code, bool returned_to) {
  if (!returned_to) return symbols.find(code);
  Symbols::Place place = symbols.find(static_cast<char const*>(code) - 1);
  place.offset++;
  return place;
}

void frame(SignalText& text, Symbols const& symbols, void const* code, bool returned_to) {
  Symbols::Place const place = place_of(symbols, code, returned_to);
  text.add(place.file.empty() ? std::string_view("?") : place.file).add("(").add(place.function).add("+0x").hex(place.offset);
  text.add(")[").pointer(code).add("]\n");
}

}  // namespace

CrashReport::CrashReport(Logger const& logger, Sources sources)
    : logger_(logger), sources_(std::move(sources)), wake_(eventfd(0, EFD_CLOEXEC)), done_(eventfd(0, EFD_CLOEXEC)) {
  void* once[1];
  backtrace(once, 1);  // loads what it needs, which a handler may not
  helper_ = std::thread([this] {
    ThreadScope const scope("crash-report");
    help();
  });
  reporter.store(this, std::memory_order_release);
  set_given_up_handler(&on_given_up);
}

CrashReport::~CrashReport() {
  set_enabled(false);
  set_given_up_handler(nullptr);
  reporter.store(nullptr, std::memory_order_release);
  eventfd_write(wake_.get(), kEnd);
  helper_.join();
}

void CrashReport::set_enabled(bool enabled) {
  enabled_.store(enabled, std::memory_order_relaxed);
  struct sigaction action {};
  sigemptyset(&action.sa_mask);
  if (enabled) {
    action.sa_sigaction = &on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  } else {
    action.sa_handler = SIG_DFL;
  }
#ifndef HOLDFAST_SANITIZED  // which has reports of its own
  for (int signal : kSignals) sigaction(signal, &action, nullptr);
#endif
}

void CrashReport::die(int signal) {
  struct sigaction action {};
  sigemptyset(&action.sa_mask);
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  raise(signal);
  _exit(128 + signal);
}

void CrashReport::on_alarm(int) {
  CrashReport* const self = reporter.load(std::memory_order_acquire);
  die(self ? self->signal_.load(std::memory_order_relaxed) : SIGABRT);
}

void CrashReport::begin(int signal) {
  int const me = this_thread();
  int nobody = 0;
  if (!reporting_thread_.compare_exchange_strong(nobody, me)) {
    if (nobody == me) die(signal_.load(std::memory_order_relaxed));
    while (true) pause();  // the other report ends the process
  }
  signal_.store(signal, std::memory_order_relaxed);
  struct sigaction action {};
  sigemptyset(&action.sa_mask);
  action.sa_handler = &on_alarm;
  sigaction(SIGALRM, &action, nullptr);
  alarm(kReportSecondsMax);
}

int CrashReport::open_log() const {
  if (sources_.log_file.empty()) return STDOUT_FILENO;
  int const fd = open(sources_.log_file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  return fd >= 0 ? fd : STDERR_FILENO;
}

void CrashReport::prefix(SignalText& text) const {
  constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  constexpr int64_t kSecondsOfDay = 86400;
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  int64_t const local_s = now.tv_sec + logger_.utc_offset_s();
  Date const date = date_of(local_s / kSecondsOfDay);
  int64_t const second = local_s % kSecondsOfDay;
  char const role = logger_.role();
  text.number(getpid()).add(":").add({&role, 1}).add(" ").number(date.day, 2).add(" ").add(kMonths[date.month - 1]).add(" ");
  text.number(date.year).add(" ").number(second / 3600, 2).add(":").number(second / 60 % 60, 2).add(":").number(second % 60, 2);
  text.add(".").number(now.tv_nsec / 1'000'000, 3).add(" # ");
}

void CrashReport::title(SignalText& text) const {
  text.add("\n\n=== REDIS BUG REPORT START: Cut & paste starting from here ===\n");
}

void CrashReport::signal_lines(SignalText& text, int signal, siginfo_t const& info, void const* instruction) const {
  prefix(text);
  text.add("Redis ").add(kRedisVersion).add(" crashed by signal: ").number(signal).add(", si_code: ").number(info.si_code).add("\n");
  if (info.si_code == SI_USER || info.si_code == SI_TKILL) {
    prefix(text);
    text.add("Killed by PID: ").number(info.si_pid).add(", UID: ").number(info.si_uid).add("\n");
  } else if (signal == SIGSEGV || signal == SIGBUS) {
    prefix(text);
    text.add("Accessing address: ").pointer(info.si_addr).add("\n");
  }
  if (instruction) {
    prefix(text);
    text.add("Crashed running the instruction at: ").pointer(instruction).add("\n");
  }
}

void CrashReport::stack(SignalText& text, void* const* frames, int count, bool from_signal) const {
  text.add("\n------ STACK TRACE ------\n");
  if (from_signal && count > 0) {
    text.add("EIP:\n");
    frame(text, symbols_, frames[0], false);
  }
  text.add("\nBacktrace:\n");
  for (int i = 0; i < count; i++) frame(text, symbols_, frames[i], i > 0 || !from_signal);
}

void CrashReport::on_signal(int signal, siginfo_t* info, void* context) {
  CrashReport* const self = reporter.load(std::memory_order_acquire);
  if (!self) die(signal);
  self->begin(signal);
  void const* const instruction = instruction_of(context);
  int const fd = self->open_log();
  void* frames[kFramesMax];
  {
    SignalText text(fd);
    self->title(text);
    self->signal_lines(text, signal, *info, instruction);
    text.flush();
    // What is above the place of the crash is this handler.
    int const count = backtrace(frames, kFramesMax);
    int first = 0;
    for (int i = 0; i < count && instruction; i++) {
      if (frames[i] == instruction) first = i;
    }
    self->stack(text, frames + first, count - first, true);
    registers(text, context);
    text.flush();
    self->rest(text, fd, frames + first, count - first);
  }
  die(signal);
}

void CrashReport::on_given_up(GivenUp reason, char const* failed, char const* file, int line) {
  CrashReport* const self = reporter.load(std::memory_order_acquire);
  if (!self) return;
  self->begin(SIGABRT);
  int const fd = self->open_log();
  {
    SignalText text(fd);
    self->title(text);
    if (reason == GivenUp::kAssertion) {
      self->prefix(text);
      text.add("=== ASSERTION FAILED ===\n");
      self->prefix(text);
      text.add("==> ").add(file).add(":").number(line).add(" '").add(failed).add("' is not true\n");
    } else {
      self->prefix(text);
      text.add("------------------------------------------------\n");
      self->prefix(text);
      text.add("!!! Software Failure. Press left mouse button to continue\n");
      self->prefix(text);
      text.add("Guru Meditation: ").add(failed).add(" #").add(file).add(":").number(line).add("\n");
    }
    text.flush();
    if (self->enabled_.load(std::memory_order_relaxed)) {
      void* frames[kFramesMax];
      int const count = backtrace(frames, kFramesMax);
      self->stack(text, frames, count, false);
      text.flush();
      self->rest(text, fd, frames, count);
    }
  }
  die(SIGABRT);
}

void CrashReport::scene(SignalText& text) const {
  CrashScene scene;
  sources_.scene(scene);
  char name[ThreadScope::kNameBytesMax + 1] = {};
  prctl(PR_GET_NAME, name);
  text.add("\n------ CURRENT THREAD ------\nholdfast_version:" HOLDFAST_VERSION "\nthread:").add(name);
  text.add("\nthread_id:").number(this_thread());
  if (scene.worker >= 0) text.add("\nworker:").number(scene.worker);
  text.add("\n");
  if (scene.client == 0) return;
  text.add("\n------ CURRENT CLIENT INFO ------\nid=").number(static_cast<int64_t>(scene.client)).add(" addr=");
  text.add(scene.client_address).add(" db=").number(scene.db).add(" cmd=").add(scene.command).add(" argc=");
  text.number(static_cast<int64_t>(scene.arguments)).add("\nargv[0]: '\"").add(scene.command).add("\"'\n");
  if (scene.key_index != 0) {
    text.add("argv[").number(static_cast<int64_t>(scene.key_index)).add("]: '").quoted(scene.key, kKeyBytesShown).add("'\n");
  }
}

void CrashReport::rest(SignalText& text, int fd, void* const* frames, int count) {
  // First what cannot fail.
  scene(text);
  text.flush();
  help_fd_ = fd;
  help_frames_ = {frames, static_cast<size_t>(count)};
  eventfd_write(wake_.get(), kHelp);
  pollfd done{.fd = done_.get(), .events = POLLIN, .revents = 0};
  if (poll(&done, 1, kHelpMillisecondsMax) != 1) {
    too_late_.store(true);
    text.add("\nThe rest of INFO and CLIENT LIST cannot be had: the crash stands in the way.\n");
  }
  text.add("\n------ MODULES INFO OUTPUT ------\n");
  text.add("\n=== REDIS BUG REPORT END. Make sure to include from START to END. ===\n\n");
  text.add("       This is Holdfast " HOLDFAST_VERSION ". Please report the crash with all of the above to those who\n");
  text.add("       gave you this server. The names of keys are in it; values are not.\n\n");
}

std::string CrashReport::readable_stack() const {
  std::string text = "\n------ READABLE STACK TRACE ------\n";
  int number = 0;
  for (void const* code : help_frames_) {
    Symbols::Place const place = place_of(symbols_, code, number > 0);
    std::string function(place.function);
    int status = 0;
    std::unique_ptr<char, void (*)(void*)> readable(abi::__cxa_demangle(function.c_str(), nullptr, nullptr, &status), std::free);
    if (readable) function = readable.get();
    if (function.empty()) function = place.file;
    text += "#" + std::to_string(number++) + " " + function + "\n";
  }
  return text;
}

void CrashReport::help() {
  uint64_t order = 0;
  if (eventfd_read(wake_.get(), &order) != 0 || order != kHelp) return;
  // Piece by piece: what a later piece waits for does not cost the earlier ones.
  auto const write_piece = [this](std::string const& piece) {
    if (!too_late_.load()) SignalText(help_fd_).add(piece);
  };
  write_piece(readable_stack());
  write_piece("\n------ INFO OUTPUT ------\n" + sources_.info());
  write_piece("\n------ CLIENT LIST OUTPUT ------\n" + sources_.client_list());
  eventfd_write(done_.get(), 1);
}

}  // namespace holdfast
