#include "server/crash_report.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/clock.h"
#include "base/thread_scope.h"
#include "server/signal_text.h"

namespace holdfast {
namespace {

std::string read_file(std::string const& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Tests crash in a child process, and look at what that has left in the log.
class CrashReportTest : public testing::Test {
 protected:
  CrashReportTest() {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    path_ = (std::filesystem::temp_directory_path() / ("crash-report-" + std::string(
        testing::UnitTest::GetInstance()->current_test_info()->name()))).string();
  }
  ~CrashReportTest() override { std::filesystem::remove(path_); }

  CrashReport::Sources sources() {
    return {.log_file = path_,
            .scene = [](CrashScene& scene) {
              scene.worker = 3;
              scene.client = 7;
              scene.client_address = "127.0.0.1:1";
              scene.command = "getex";
              scene.arguments = 4;
              scene.key_index = 1;
              scene.key = "a \"key\"\n";
            },
            .info = [] { return std::string("redis_version:x\n"); },
            .client_list = [] { return std::string("id=7\n"); }};
  }
  [[noreturn]] static void write_to_nowhere() {
    void* const page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *static_cast<char volatile*>(page) = 'x';
    std::_Exit(0);
  }

  SystemClock clock_;
  Logger logger_{clock_};
  std::string path_;
};

using CrashReportDeathTest = CrashReportTest;

#ifndef HOLDFAST_SANITIZED  // where signals belong to the sanitizer

TEST_F(CrashReportDeathTest, a_crash_is_described_and_the_process_dies_of_the_same_signal) {
  auto crash = [&] {
    CrashReport report(logger_, sources());
    report.set_enabled(true);
    write_to_nowhere();
  };
  EXPECT_EXIT(crash(), testing::KilledBySignal(SIGSEGV), "");
  std::string const log = read_file(path_);
  size_t at = 0;
  for (char const* part :
       {"=== REDIS BUG REPORT START: Cut & paste starting from here ===\n", " crashed by signal: 11, si_code: 2\n",
        "# Accessing address: 0x", "# Crashed running the instruction at: 0x", "\n------ STACK TRACE ------\nEIP:\n",
        "write_to_nowhere", "\nBacktrace:\n", "\n------ REGISTERS ------\n", "\n------ CURRENT THREAD ------\n", "worker:3\n",
        "\n------ CURRENT CLIENT INFO ------\nid=7 addr=127.0.0.1:1 db=0 cmd=getex argc=4\nargv[0]: '\"getex\"'\n"
        "argv[1]: '\"a \\\"key\\\"\\x0a\"'\n",
        "\n------ READABLE STACK TRACE ------\n#0 ", "write_to_nowhere()", "\n------ INFO OUTPUT ------\nredis_version:x\n",
        "\n------ CLIENT LIST OUTPUT ------\nid=7\n", "\n------ MODULES INFO OUTPUT ------\n",
        "\n=== REDIS BUG REPORT END. Make sure to include from START to END. ===\n"}) {
    size_t const found = log.find(part, at);
    ASSERT_NE(found, std::string::npos) << part << " is not in its place of\n" << log;
    at = found;
  }
}

TEST_F(CrashReportDeathTest, a_crash_inside_of_the_report_ends_the_process_at_once) {
  auto crash = [&](int second) {
    CrashReport::Sources bad = sources();
    bad.scene = [second](CrashScene&) { second == SIGSEGV ? write_to_nowhere() : std::abort(); };
    CrashReport report(logger_, std::move(bad));
    report.set_enabled(true);
    write_to_nowhere();
  };
  EXPECT_EXIT(crash(SIGSEGV), testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EXIT(crash(SIGABRT), testing::KilledBySignal(SIGSEGV), "");
  std::string const log = read_file(path_);
  EXPECT_NE(log.find("STACK TRACE"), std::string::npos);
  EXPECT_EQ(log.find("CURRENT THREAD"), std::string::npos);
}

TEST_F(CrashReportDeathTest, what_cannot_be_had_is_left_out) {
  auto crash = [&] {
    CrashReport::Sources slow = sources();
    slow.client_list = []() -> std::string {
      while (true) pause();
    };
    CrashReport report(logger_, std::move(slow));
    report.set_enabled(true);
    write_to_nowhere();
  };
  EXPECT_EXIT(crash(), testing::KilledBySignal(SIGSEGV), "");
  std::string const log = read_file(path_);
  EXPECT_NE(log.find("INFO OUTPUT ------\nredis_version:x"), std::string::npos);
  EXPECT_EQ(log.find("CLIENT LIST OUTPUT"), std::string::npos);
  EXPECT_NE(log.find("cannot be had"), std::string::npos);
  EXPECT_NE(log.find("BUG REPORT END"), std::string::npos);
}

// NOLINTNEXTLINE(misc-no-recursion)
int fall(int depth) {
  char volatile space[4096];
  space[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : fall(depth + 1) + space[0];
}

TEST_F(CrashReportDeathTest, a_stack_that_overflows_is_reported) {
  auto crash = [&] {
    CrashReport report(logger_, sources());
    report.set_enabled(true);
    std::thread([] {
      ThreadScope const scope("falls");
      std::_Exit(fall(1));
    }).join();
  };
  EXPECT_EXIT(crash(), testing::KilledBySignal(SIGSEGV), "");
  std::string const log = read_file(path_);
  EXPECT_NE(log.find("thread:falls\n"), std::string::npos) << log;
  EXPECT_NE(log.find("BUG REPORT END"), std::string::npos);
}

TEST_F(CrashReportDeathTest, two_threads_that_crash_make_one_report) {
  auto crash = [&] {
    CrashReport report(logger_, sources());
    report.set_enabled(true);
    std::thread other(write_to_nowhere);
    write_to_nowhere();
  };
  EXPECT_EXIT(crash(), testing::KilledBySignal(SIGSEGV), "");
  std::string const log = read_file(path_);
  EXPECT_EQ(log.find("BUG REPORT START"), log.rfind("BUG REPORT START"));
  EXPECT_NE(log.find("BUG REPORT END"), std::string::npos);
}

TEST_F(CrashReportDeathTest, switched_off_it_leaves_signals_alone) {
  auto crash = [&] {
    CrashReport report(logger_, sources());
    report.set_enabled(true);
    report.set_enabled(false);
    write_to_nowhere();
  };
  EXPECT_EXIT(crash(), testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EQ(read_file(path_), "");
}

#endif

TEST_F(CrashReportDeathTest, a_failed_check_is_logged_with_the_report_or_without) {
  auto fail_check = [&](bool enabled) {
    CrashReport report(logger_, sources());
    report.set_enabled(enabled);
    CHECK(path_.empty());
  };
  EXPECT_EXIT(fail_check(false), testing::KilledBySignal(SIGABRT), "");
  std::string log = read_file(path_);
  EXPECT_NE(log.find("# === ASSERTION FAILED ===\n"), std::string::npos);
  EXPECT_NE(log.find("'path_.empty()' is not true\n"), std::string::npos);
  EXPECT_EQ(log.find("STACK TRACE"), std::string::npos);
  EXPECT_EXIT(fail_check(true), testing::KilledBySignal(SIGABRT), "");
  log = read_file(path_);
  EXPECT_NE(log.find("STACK TRACE"), std::string::npos);
  EXPECT_EQ(log.find("EIP:"), std::string::npos);
  EXPECT_NE(log.find("INFO OUTPUT"), std::string::npos);
}

TEST_F(CrashReportDeathTest, a_panic_says_why) {
  auto give_up = [&] {
    CrashReport report(logger_, sources());
    panic("no way out", "here.cc", 5);
  };
  EXPECT_EXIT(give_up(), testing::KilledBySignal(SIGABRT), "");
  EXPECT_NE(read_file(path_).find("# Guru Meditation: no way out #here.cc:5\n"), std::string::npos);
}

TEST(SignalTextTest, writes_texts_numbers_and_quotes) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  {
    SignalText text(ends[1]);
    text.add("a").number(-12).add(" ").number(5, 3).add(" ").hex(0xAB, 4).add(" ").quoted("x\"\\\x01y", 4);
    text.add(" ").number(INT64_MIN);
  }
  char got[128];
  ssize_t const bytes = read(ends[0], got, sizeof got);
  close(ends[0]);
  close(ends[1]);
  ASSERT_GT(bytes, 0);
  EXPECT_EQ(std::string(got, static_cast<size_t>(bytes)),
            "a-12 005 00ab \"x\\\"\\\\\\x01\"... (1 more bytes) -9223372036854775808");
}

TEST(SymbolsTest, finds_functions_of_the_executable_and_files_of_libraries) {
  Symbols const symbols;
  Symbols::Place const own = symbols.find(reinterpret_cast<void const*>(&read_file));
  EXPECT_NE(own.function.find("read_file"), std::string_view::npos);
  EXPECT_EQ(own.offset, 0u);
  EXPECT_NE(symbols.find(reinterpret_cast<void const*>(&::getpid)).file, "");
  EXPECT_EQ(symbols.find(nullptr).file, "");
}

}  // namespace
}  // namespace holdfast
